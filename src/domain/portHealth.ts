import type { HealthState } from "./Health.ts"
import { kindOf } from "./names.ts"
import type { Owner } from "./Owner.ts"
import type { RegistryState } from "./RegistryState.ts"

/** The result of one probe of a port; `none` if it could not be made, which says nothing about the port. */
export type ProbeResult = "up" | "down" | "none"

/** The health of one port on one host, as all probes so far have shown it. */
export interface PortHealth {
  readonly port: number
  readonly key: string
  readonly state: HealthState
  /** ISO 8601, when the state began. */
  readonly since: string
  readonly lastUp: string | null
  /** Failed probes in a row. */
  readonly failures: number
  /** The host's watched time, in whole seconds, when the port was last up, or first probed. Never decreases. */
  readonly lastUpWatchedSeconds: number
  /** A description of the process that was listening. */
  readonly listener: string | null
}

export interface Thresholds {
  /** Failed probes in a row until a port that was up is down. */
  readonly downAfter: number
  /** Seconds of watched time until a port that is down is stale. */
  readonly staleAfter: number
  /** The same for dev keys. */
  readonly staleAfterDev: number
}

/** The time of a probe. */
export interface Moment {
  /** ISO 8601. */
  readonly at: string
  /** Seconds during which a daemon has watched this host. */
  readonly watched: number
}

/**
 * A daemon stores the time of its probes once a minute. If that is this many milliseconds old, no daemon is probing the ports of
 * its host.
 */
export const OLD_HEALTH_MS = 150_000

/** A port that is up on another host, by that host's last probe. */
export interface UpElsewhere {
  readonly port: number
  readonly key: string
  readonly host: string
}

/** Everything that a tick stores. */
export interface HealthChanges {
  readonly changed: ReadonlyArray<PortHealth>
  /** Ports that are no longer assigned. */
  readonly gone: ReadonlyArray<number>
  /** The watched time, and the machine of the daemon that watched, if it is time to store them. */
  readonly clock: (Moment & { readonly machine: string }) | undefined
  /** Owners that were seen for the first time. */
  readonly learned: ReadonlyArray<Learned>
  readonly sightings: ReadonlyArray<Sighting>
}

/** Something about one port that the database refused to store, while it stored the rest. */
export interface Unstored {
  /** The health of the port, only the description of its listener, or the owner of its key. */
  readonly what: "health" | "listener" | "owner"
  readonly key: string
  readonly port: number
  readonly reason: string
}

/** When the owner of a key was last seen to serve its port; ISO 8601. */
export interface Sighting {
  readonly key: string
  readonly owner: Owner
  readonly at: string
}

/** A key whose owner was seen for the first time; ISO 8601. */
export interface Learned {
  readonly key: string
  readonly port: number
  readonly owner: Owner
  readonly at: string
}

/**
 * Returns the health of `port`, which is assigned to `key`, after a probe. The first probe counts at once; a port that
 * was up is down after several failures in a row, and up again at the first success. A port that was assigned to
 * another key starts afresh. No state starts before the port was claimed.
 */
export const nextHealth = (
  before: PortHealth | undefined,
  { claimedAt, key, port }: { readonly key: string; readonly port: number; readonly claimedAt?: string | undefined },
  result: ProbeResult,
  { at, watched }: Moment,
  thresholds: Thresholds
): PortHealth => {
  // The clock of the host that claimed the port may be ahead of this host's.
  const now = later(at, claimedAt ?? null) ?? at
  const lastUpWatchedSeconds = Math.ceil(watched)
  const known: PortHealth =
    before?.key === key
      ? before
      : { port, key, state: "unknown", since: now, lastUp: null, failures: 0, lastUpWatchedSeconds, listener: null }
  const become = (state: HealthState, more: Partial<PortHealth>): PortHealth => ({
    ...known,
    ...more,
    state,
    since: state === known.state ? known.since : now
  })
  if (result === "none") return known
  if (result === "up") return become("up", { lastUp: at, failures: 0, lastUpWatchedSeconds })
  const failures = known.failures + 1
  if (known.state === "up" && failures < thresholds.downAfter) return become("up", { failures })
  const limit = kindOf(key) === "dev" ? thresholds.staleAfterDev : thresholds.staleAfter
  return become(watched - known.lastUpWatchedSeconds >= limit ? "stale" : "down", { failures })
}

/**
 * Returns `record` if it still holds for a port that was claimed at `claimedAt`: a port that was released and claimed
 * again starts with a clean slate. A record from the future, at `now`, does not prove that it belongs to this claim.
 */
export const stillTrue = (
  record: PortHealth | undefined,
  claimedAt: string | undefined,
  now?: string
): PortHealth | undefined => {
  if (record === undefined || record.state === "up" || claimedAt === undefined) return record
  const ahead = now !== undefined && record.since > now && claimedAt <= now
  return ahead || record.since < claimedAt ? undefined : record
}

/** The health of one host's ports. */
export interface HostHealth {
  readonly records: ReadonlyMap<number, PortHealth>
  /** Seconds during which a daemon has watched the host. */
  readonly watched: number
  /** When the host was last probed, to a minute; ISO 8601, null if never. */
  readonly probedAt: string | null
  /** The machine of the daemon that stored it. */
  readonly machine: string | undefined
}

/** Another machine whose daemon stores health under this host's name. */
export interface Rival {
  readonly machine: string
  /** ISO 8601, when that was last noticed. */
  readonly at: string
}

/**
 * Returns the known health of a port at `now`; if several keys share it, that of the key that the record names. A port
 * that was up when the host was last probed is assumed to be up still.
 */
export const knownOf = (
  { probedAt, records }: HostHealth,
  { claims, ports }: Pick<RegistryState, "claims" | "ports">,
  port: number,
  now: string
): PortHealth | undefined => {
  const record = stillTrue(records.get(port), claims.get(port)?.claimedAt, now)
  if (record === undefined || ports.get(record.key) !== port) return undefined
  const { lastUp, since } = record
  return {
    ...record,
    since: earlier(since, now),
    lastUp: notAfter(record.state === "up" ? later(past(probedAt, now), lastUp) : lastUp, now)
  }
}

/**
 * Returns `record` without times that are in the future at `now`, which are left over from a clock that was ahead and
 * then corrected. `since` may stay in the future if the port was claimed then: no state starts before the claim.
 */
export const corrected = (record: PortHealth, now: string, claimedAt: string | undefined): PortHealth => ({
  ...record,
  since: later(earlier(record.since, now), claimedAt ?? null) ?? now,
  lastUp: notAfter(record.lastUp, now)
})

/** Returns the later of two times. */
export const later = (a: string | null, b: string | null): string | null =>
  a !== null && (b === null || a > b) ? a : b

/** Returns `time`, or null if it is in the future at `now`, so that the real time is unknown. */
export const past = (time: string | null, now: string): string | null => (time !== null && time > now ? null : time)

export const earlier = (a: string, b: string): string => (a < b ? a : b)

const notAfter = (time: string | null, now: string): string | null => (time === null ? null : earlier(time, now))
