import type { Listener } from "../domain/Listener.ts"
import type { KeyOwner } from "../domain/Owner.ts"
import {
  corrected,
  earlier,
  type HealthChanges,
  type HostHealth,
  later,
  nextHealth,
  type PortHealth,
  type ProbeResult,
  past,
  type Sighting,
  stillTrue,
  type Thresholds,
  type Unstored
} from "../domain/portHealth.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { describeListener } from "../text/describe.ts"
import { recognise, type Serving, unfamiliar } from "./portOwnership.ts"

/** The decisions of a tick, as pure functions from what the monitor read and probed to what it stores and logs. */

/** How often the watched time is stored, at most. */
const CLOCK_EVERY_MS = 60_000
/** How often it is stored that owners still serve their ports, at most: a power failure loses that much. */
const SIGHTINGS_EVERY_MS = 3_600_000
/** A port that is down is connected to every this many ticks: a container engine may publish it without a listener. */
const CONNECT_EVERY = 10

/** The data that a tick reads from the registry. */
export interface Snapshot extends Pick<RegistryState, "ports" | "claims"> {
  readonly owners: ReadonlyMap<string, KeyOwner>
  readonly health: HostHealth
}

/** The memory from one tick to the next. Times without a unit are milliseconds of the monotonic clock. */
export interface Memory {
  readonly records: ReadonlyMap<number, PortHealth>
  readonly serving: ReadonlyMap<number, Serving>
  /** By key, since this daemon started. */
  readonly sightings: ReadonlyMap<string, Sighting>
  /** When each port was claimed. */
  readonly claims: ReadonlyMap<number, string>
  /** Seconds. */
  readonly watched: number
  readonly tickedAt: number | undefined
  readonly storedAt: number
  readonly sightingsStoredAt: number
  /** Data that the database refused; retried whenever the watched time is stored. */
  readonly unstored: ReadonlyArray<Unstored>
  readonly count: number
}

/** The facts at the start of a tick. */
export interface Start {
  readonly memory: Memory
  readonly snapshot: Snapshot
  /** ISO 8601. */
  readonly at: string
  /** Milliseconds of the monotonic clock. */
  readonly started: number
  /** Seconds. */
  readonly watched: number
  /** Port → the key it is probed for, the lowest name if several share it. */
  readonly keyOf: ReadonlyMap<number, string>
  /** The health of each port before this tick, as far as it still holds. */
  readonly known: ReadonlyMap<number, PortHealth>
}

/** Port → the identity of the sockets that listen on it; `undefined` if this system does not report it. */
type Listening = ReadonlyMap<number, string> | undefined

/**
 * Returns the part of the registry that has become empty, perhaps because a backup is being restored. The tick that
 * first finds this changes nothing; the next one goes ahead.
 */
export const emptiedSince = (
  memory: Memory | undefined,
  { claims, health, ports }: Snapshot,
  drifted: boolean
): "claims" | "ports" | "health" | undefined => {
  if (drifted && claims.size === 0) return "claims"
  if (drifted && ports.size === 0) return "ports"
  return memory !== undefined && memory.records.size > 0 && health.records.size === 0 ? "health" : undefined
}

/** Returns the memory for the first tick. A port that was up when the host was last probed was up until then. */
const firstMemory = ({ claims, health }: Snapshot, at: string): Memory => ({
  records: new Map(
    [...health.records].flatMap(([port, stored]): ReadonlyArray<[number, PortHealth]> => {
      const record = stillTrue(stored, claims.get(port)?.claimedAt, at)
      if (record === undefined) return []
      const lastUpWatchedSeconds =
        record.state === "up" ? health.watched : Math.min(record.lastUpWatchedSeconds, health.watched)
      const lastUp = record.state === "up" ? later(past(health.probedAt, at), record.lastUp) : record.lastUp
      return [[port, { ...record, lastUpWatchedSeconds, lastUp }]]
    })
  ),
  serving: new Map(),
  sightings: new Map(),
  claims: new Map(),
  watched: health.watched,
  tickedAt: undefined,
  storedAt: Number.NEGATIVE_INFINITY,
  sightingsStoredAt: Number.POSITIVE_INFINITY,
  unstored: [],
  count: 0
})

/** Returns the health of `port` before this tick, as far as it still holds. */
const knownBefore = (memory: Memory, { claims, health }: Snapshot, port: number, at: string) => {
  const claimedAt = claims.get(port)?.claimedAt
  const claimedBefore = memory.claims.get(port)
  const record = stillTrue(memory.records.get(port), claimedAt)
  if (record === undefined) return undefined
  // The port was claimed anew, even if the clock of the claiming host suggests otherwise.
  if (record.state !== "up" && claimedBefore !== undefined && claimedBefore !== claimedAt) return undefined
  const stored = health.records.get(port)
  const same = stored?.state === record.state && stored.key === record.key
  return corrected(same ? { ...record, since: stored.since } : record, at, claimedAt)
}

/** Starts a tick. A gap, after a tick that failed or while the machine slept, counts as two intervals at most. */
export const startTick = (
  remembered: Memory | undefined,
  snapshot: Snapshot,
  { at, started }: Pick<Start, "at" | "started">,
  intervalMs: number
): Start => {
  const memory = remembered ?? firstMemory(snapshot, at)
  const passed = memory.tickedAt === undefined ? 0 : Math.min(started - memory.tickedAt, 2 * intervalMs)
  const keyOf = new Map([...snapshot.ports].sort(([a], [b]) => (a < b ? 1 : -1)).map(([key, port]) => [port, key]))
  const known = new Map<number, PortHealth>()
  for (const port of keyOf.keys()) {
    const record = knownBefore(memory, snapshot, port, at)
    if (record !== undefined) known.set(port, record)
  }
  return { memory, snapshot, at, started, watched: memory.watched + passed / 1000, keyOf, known }
}

/** Returns the ports that have to be connected to: the kernel's table alone does not show whether they are up. */
export const portsToConnect = (
  { keyOf, known, memory }: Start,
  listening: Listening,
  thresholds: Thresholds
): ReadonlyArray<number> => {
  const isDue = (port: number): boolean => {
    const before = known.get(port)
    if (before?.state === "up") return before.failures + 1 >= thresholds.downAfter
    const isDown = before?.state === "down" || before?.state === "stale"
    return isDown && (port + memory.count) % CONNECT_EVERY === 0
  }
  return [...keyOf.keys()].filter((port) => listening === undefined || (!listening.has(port) && isDue(port)))
}

/** Returns the health of every assigned port after this tick. `answers` has the ports that were connected to. */
export const probed = (
  { at, keyOf, known, snapshot, watched }: Start,
  listening: Listening,
  answers: ReadonlyMap<number, boolean | undefined>,
  thresholds: Thresholds
): ReadonlyArray<PortHealth> => {
  const resultOf = (port: number): ProbeResult => {
    const up = answers.has(port) ? answers.get(port) : listening?.has(port) === true
    return up === undefined ? "none" : up ? "up" : "down"
  }
  return [...keyOf].map(([port, key]) => {
    const claimedAt = snapshot.claims.get(port)?.claimedAt
    return nextHealth(known.get(port), { key, port, claimedAt }, resultOf(port), { at, watched }, thresholds)
  })
}

const isTransition = ({ records }: Memory, record: PortHealth): boolean => {
  const before = records.get(record.port)
  return before?.state !== record.state || before.key !== record.key
}

/** Returns the ports whose listeners have to be identified: `fresh` to find their owner, `risen` to describe them. */
export const portsToIdentify = (
  { keyOf, memory, snapshot }: Start,
  listening: Listening,
  records: ReadonlyArray<PortHealth>
): { readonly fresh: ReadonlySet<number>; readonly risen: ReadonlySet<number> } => ({
  fresh: new Set(unfamiliar(keyOf, snapshot.owners, listening ?? new Map(), memory.serving)),
  risen: new Set(
    records.flatMap((record) => (record.state === "up" && isTransition(memory, record) ? [record.port] : []))
  )
})

/** The results of this tick's probes. */
export interface Facts {
  /** The machine that this daemon runs on. */
  readonly machine: string
  readonly records: ReadonlyArray<PortHealth>
  readonly listening: Listening
  readonly fresh: ReadonlySet<number>
  readonly risen: ReadonlySet<number>
  readonly found: ReadonlyArray<Listener>
}

export interface NextTick {
  readonly memory: Memory
  /** The changes to store; `undefined` if everything is already stored. */
  readonly changes: HealthChanges | undefined
  /** Another machine that has stored health under this host's name since the last tick. */
  readonly rival: string | undefined
  /** Ports that are newly found to be served by another app than their key's. */
  readonly strangers: ReadonlyArray<{ readonly port: number; readonly key: string }>
  /** Health that has changed, with the state before. */
  readonly transitions: ReadonlyArray<{ readonly record: PortHealth; readonly before: PortHealth["state"] }>
}

/** Whether the stored health of a port differs from `record`, perhaps because another machine has overwritten it. */
const isUnsaved = (stored: PortHealth | undefined, record: PortHealth, at: string): boolean =>
  stored?.state !== record.state ||
  stored.key !== record.key ||
  stored.since !== record.since ||
  past(stored.lastUp, at) !== stored.lastUp

/** Returns when each owner was last seen serving its port, and the owners that have stopped since the last tick. */
const sight = ({ at, keyOf, memory }: Start, serving: ReadonlyMap<number, Serving>) => {
  const assigned = new Set(keyOf.values())
  const sightings = new Map([...memory.sightings].filter(([key]) => assigned.has(key)))
  for (const { key, owner, servedBy } of serving.values())
    if (servedBy === "owner" && owner !== undefined) sightings.set(key, { key, owner, at })
  const left = [...memory.serving]
    .filter(([port, { servedBy }]) => servedBy === "owner" && serving.get(port)?.servedBy !== "owner")
    .flatMap(([, { key }]) => memory.sightings.get(key) ?? [])
  return { sightings, left }
}

/** Decides what this tick stores, logs and remembers. */
export const nextTick = (start: Start, { found, fresh, listening, machine, records, risen }: Facts): NextTick => {
  const { at, keyOf, memory, snapshot, started, watched } = start
  const stored = snapshot.health.records
  const sockets = listening ?? new Map<number, string>()
  const described = records.map((record): PortHealth => {
    const listener = risen.has(record.port) ? found.find((each) => each.port === record.port) : undefined
    return listener === undefined ? record : { ...record, listener: describeListener(listener) }
  })
  const { learned, serving } = recognise(keyOf, snapshot.owners, sockets, memory.serving, fresh, found, at)
  const { left, sightings } = sight(start, serving)

  const other = memory.tickedAt === undefined ? undefined : snapshot.health.machine
  const rival = other === machine ? undefined : other
  const age = Date.parse(at) - Date.parse(snapshot.health.probedAt ?? "")
  // If the clock was changed, the stored time is wrong immediately.
  const clockDue =
    rival !== undefined || started - memory.storedAt >= CLOCK_EVERY_MS || !(age >= 0 && age < CLOCK_EVERY_MS)
  const sightingsDue = clockDue && started - memory.sightingsStoredAt >= SIGHTINGS_EVERY_MS

  const unstored = memory.unstored.filter(({ key, port }) => keyOf.get(port) === key)
  const isRefused = (what: Unstored["what"], port: number) =>
    !clockDue && unstored.some((each) => each.what === what && each.port === port)
  const changes: HealthChanges = {
    changed: described.filter(
      (record) =>
        isUnsaved(stored.get(record.port), record, at) &&
        (isTransition(memory, record) || !isRefused("health", record.port))
    ),
    gone: [...stored.keys()].filter((port) => !keyOf.has(port)),
    clock: clockDue ? { at, watched, machine } : undefined,
    learned: learned.filter(({ port }) => !isRefused("owner", port)),
    sightings: upTo(at, sightingsDue ? [...left, ...sightings.values()] : left)
  }
  const { changed, clock, gone, learned: owners } = changes
  const isEmpty = clock === undefined && changed.length + gone.length + owners.length + left.length === 0

  return {
    changes: isEmpty ? undefined : changes,
    rival,
    strangers: [...serving].flatMap(([port, { identity, key, servedBy }]) =>
      servedBy === "other" && memory.serving.get(port)?.identity !== identity ? [{ port, key }] : []
    ),
    transitions: described.flatMap((record) => {
      const before = memory.records.get(record.port)
      if (!isTransition(memory, record) || (before?.key !== record.key && record.state !== "up")) return []
      return [{ record, before: before?.state ?? "unknown" }]
    }),
    memory: {
      records: new Map(described.map((record) => [record.port, record])),
      serving,
      sightings,
      claims: new Map([...snapshot.claims].map(([port, claim]) => [port, claim.claimedAt])),
      watched,
      tickedAt: started,
      storedAt: clockDue ? started : memory.storedAt,
      sightingsStoredAt: sightingsDue || memory.tickedAt === undefined ? started : memory.sightingsStoredAt,
      unstored,
      count: memory.count + 1
    }
  }
}

type Refusable = Pick<Unstored, "what" | "port">

/** Returns what is unstored after the database has `refused` part of `changes`, and what of that is new. */
export const afterRefusal = (
  unstored: ReadonlyArray<Unstored>,
  { changed, learned }: HealthChanges,
  refused: ReadonlyArray<Unstored>
): { readonly unstored: ReadonlyArray<Unstored>; readonly fresh: ReadonlyArray<Unstored> } => {
  const tried: ReadonlyArray<Refusable> = [
    ...changed.map(({ port }) => ({ what: "health" as const, port })),
    ...learned.map(({ port }) => ({ what: "owner" as const, port }))
  ]
  const isSame = (a: Refusable, b: Refusable) => a.port === b.port && (a.what === "owner") === (b.what === "owner")
  const fresh = refused.filter((each) => !unstored.some((known) => isSame(each, known) && known.what === each.what))
  const left = unstored.filter((known) => !tried.some((each) => isSame(each, known)))
  return { unstored: [...left, ...refused].sort((a, b) => a.port - b.port), fresh }
}

/** Returns `sightings` with no time after `at`: a clock that was ahead may have left later ones. */
export const upTo = (at: string, sightings: ReadonlyArray<Sighting>): ReadonlyArray<Sighting> =>
  sightings.map((each) => ({ ...each, at: earlier(each.at, at) }))
