import type { HealthState } from "./Health.ts"
import { kindOf } from "./names.ts"
import type { Owner } from "./Owner.ts"
import type { RegistryState } from "./RegistryState.ts"

/** What one reading of a port's state says; `none` where it could not be taken, which is no verdict. */
export type Look = "up" | "down" | "none"

/** What the looks at one port add up to on one host. */
export interface PortHealth {
  readonly port: number
  readonly key: string
  readonly state: HealthState
  /** ISO 8601, when the state began. */
  readonly since: string
  readonly lastUp: string | null
  /** Failures in a row. */
  readonly failures: number
  /** The host's watched time, in whole seconds, when the port was last seen up, or first looked at; never less than it was. */
  readonly mark: number
  /** Who was seen listening, in words. */
  readonly listener: string | null
}

export interface Thresholds {
  /** Failures in a row until a port that was up is down. */
  readonly downAfter: number
  /** Seconds of watched time until a port that is down is stale. */
  readonly staleAfter: number
  /** The same for dev keys. */
  readonly staleAfterDev: number
}

/** When a look was taken. */
export interface Moment {
  /** ISO 8601. */
  readonly at: string
  /** Seconds during which this host was watched. */
  readonly watched: number
}

/** What a round of looks has to store. */
export interface HealthNews {
  readonly changed: ReadonlyArray<PortHealth>
  /** Ports that are assigned no more. */
  readonly gone: ReadonlyArray<number>
  /** How long the host was watched, and by the daemon of which machine, where that is due. */
  readonly clock: (Moment & { readonly machine: string }) | undefined
  /** Keys whose owner showed itself for the first time. */
  readonly learned: ReadonlyArray<Learned>
  readonly sightings: ReadonlyArray<Sighting>
}

/** What the database refuses to keep of one port, while it keeps the rest. */
export interface Unstored {
  /** Its health, only the name of what listens there, or whose its key is. */
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

/** A key whose owner showed itself for the first time; ISO 8601. */
export interface Learned {
  readonly key: string
  readonly port: number
  readonly owner: Owner
  readonly at: string
}

/**
 * The health of `port`, which `key` has, after a look. The first look counts at once; a port that was up is down after
 * several failures in a row, and up again at the first success. A port that went to another key begins anew. No state begins
 * before the port was claimed.
 */
export const looked = (
  before: PortHealth | undefined,
  { claimedAt, key, port }: { readonly key: string; readonly port: number; readonly claimedAt?: string | undefined },
  look: Look,
  { at, watched }: Moment,
  thresholds: Thresholds
): PortHealth => {
  // The host that claimed the port may have a clock that is ahead of this one.
  const now = later(at, claimedAt ?? null) ?? at
  const mark = Math.ceil(watched)
  const known =
    before?.key === key
      ? before
      : { port, key, state: "unknown" as const, since: now, lastUp: null, failures: 0, mark, listener: null }
  const become = (state: HealthState, more: Partial<PortHealth>): PortHealth => ({
    ...known,
    ...more,
    state,
    since: state === known.state ? known.since : now
  })
  if (look === "none") return known
  if (look === "up") return become("up", { lastUp: at, failures: 0, mark })
  const failures = known.failures + 1
  if (known.state === "up" && failures < thresholds.downAfter) return become("up", { failures })
  const limit = kindOf(key) === "dev" ? thresholds.staleAfterDev : thresholds.staleAfter
  return become(watched - known.mark >= limit ? "stale" : "down", { failures })
}

/**
 * What is still true of a port since `claimedAt`: a port that was given back and claimed again has nothing to be blamed for.
 * A record of a time that is still to come at `now` does not show that it is of this claim.
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

/** What one host has seen, by port. */
export interface HostHealth {
  readonly records: ReadonlyMap<number, PortHealth>
  /** Seconds during which the host was watched. */
  readonly watched: number
  /** When the host was last looked at, to a minute; ISO 8601, null where it never was. */
  readonly lookedAt: string | null
  /** The machine whose daemon stored that. */
  readonly machine: string | undefined
}

/** Another machine whose daemon stores what it sees under this host's name. */
export interface Rival {
  readonly machine: string
  /** ISO 8601, when that was last noticed. */
  readonly at: string
}

/**
 * What is known `now` of the port of a key: of one that several keys share, what was seen under one of them. What was
 * up at its last look is taken to be so still.
 */
export const knownOf = (
  { lookedAt, records }: HostHealth,
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
    lastUp: notAfter(record.state === "up" ? later(past(lookedAt, now), lastUp) : lastUp, now)
  }
}

/**
 * `record` without times that are still to come at `now`, which a clock has left that was ahead and was set right; but for
 * one that only says that the state began after the port was claimed.
 */
export const corrected = (record: PortHealth, now: string, claimedAt: string | undefined): PortHealth => ({
  ...record,
  since: later(earlier(record.since, now), claimedAt ?? null) ?? now,
  lastUp: notAfter(record.lastUp, now)
})

/** The later of two times; that of a look is stored only once a minute. */
export const later = (a: string | null, b: string | null): string | null =>
  a !== null && (b === null || a > b) ? a : b

/** A time, or nothing if it is still to come at `now`: then nothing is known of when that was. */
export const past = (time: string | null, now: string): string | null => (time !== null && time > now ? null : time)

export const earlier = (a: string, b: string): string => (a < b ? a : b)

const notAfter = (time: string | null, now: string): string | null => (time === null ? null : earlier(time, now))
