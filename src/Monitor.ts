import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { PortsConfig } from "./config.ts"
import { drift } from "./domain/claims.ts"
import type { Fault } from "./domain/errors.ts"
import { portsOf } from "./domain/RegistryState.ts"
import { type Look, later, looked, type PortHealth, type Sighting, stillTrue } from "./domain/watch.ts"
import { Listeners } from "./Listeners.ts"
import { recognise, type Serving, unfamiliar } from "./monitor/serving.ts"
import { Store } from "./Store.ts"
import { describe } from "./sentences.ts"
import { describeListener, nameOf } from "./words.ts"

/** The last round of looks. */
export interface Tick {
  /** ISO 8601. */
  readonly at: string
  readonly durationMs: number
  /** Assigned ports that were looked at. */
  readonly ports: number
}

/** How often the time of watching is stored, at most. */
const CLOCK_EVERY_MS = 60_000
/** How often it is stored that owners still serve their ports, at most: a machine that loses power forgets so much. */
const SIGHTINGS_EVERY_MS = 3_600_000
/** A port that is down is connected to once in so many ticks: an engine may publish it without a listener of its own. */
const CONNECT_EVERY = 10
const CONNECTIONS = 32

interface Memory {
  readonly records: ReadonlyMap<number, PortHealth>
  readonly serving: ReadonlyMap<number, Serving>
  /** By key, since this began. */
  readonly sightings: ReadonlyMap<string, Sighting>
  /** Seconds. */
  readonly watched: number
  readonly tickedAt: number | undefined
  readonly storedAt: number
  readonly sightingsStoredAt: number
}

/** Looks at every assigned port, and keeps what the looks add up to on this host. */
export class Monitor extends Effect.Service<Monitor>()("Monitor", {
  effect: Effect.gen(function* () {
    const { actor, probeInterval, thresholds } = yield* PortsConfig
    const store = yield* Store
    const listeners = yield* Listeners
    const interval = Duration.toMillis(probeInterval)
    let memory: Memory | undefined
    let count = 0
    let last: Tick | undefined
    /** By a clock that stands still while the machine sleeps. */
    let lookedAt = performance.now()
    let failure: { readonly message: string; readonly fault: Fault } | undefined

    /** What is known at the first tick. What was up when this host was last watched was seen up then. */
    const remember = ({ lookedAt, records, watched }: Effect.Effect.Success<typeof store.watch>["health"]): Memory => ({
      records: new Map(
        [...records].map(([port, record]) =>
          record.state === "up"
            ? [port, { ...record, mark: watched, lastUp: later(lookedAt, record.lastUp) }]
            : [port, record]
        )
      ),
      serving: new Map(),
      sightings: new Map(),
      watched,
      tickedAt: undefined,
      storedAt: Number.NEGATIVE_INFINITY,
      sightingsStoredAt: Number.POSITIVE_INFINITY
    })

    /** Whether `port` must be connected to, for one that nothing is seen to listen on. */
    const connects = (before: PortHealth | undefined, port: number): boolean => {
      const leavingUp = before?.state === "up" && before.failures + 1 >= thresholds.downAfter
      const itsTurn = (before?.state === "down" || before?.state === "stale") && (port + count) % CONNECT_EVERY === 0
      return leavingUp || itsTurn
    }

    /** One round of looks. Other programs' rows are adopted, transitions stored and logged. */
    const tick = Effect.fn("Monitor.tick")(function* () {
      const started = yield* Clock.currentTimeMillis
      const seen = yield* store.watch
      const ports = portsOf(seen.rows)
      const at = DateTime.formatIso(yield* DateTime.now)

      const right = { claimedAt: at, host: actor.host, by: actor.user }
      if (drift(ports, seen.claims, right).length > 0) {
        // Read again inside the transaction: what was read here may be between two changes of our own.
        const followed = (yield* store.agree).map(({ claim }) => nameOf(claim.key))
        if (followed.length > 0) {
          yield* Effect.annotateLogs(Effect.logInfo("followed what other programs wrote"), { keys: followed.join(" ") })
        }
      }

      const before = memory ?? remember(seen.health)
      // A gap, for a machine that slept or a tick that failed, counts as at most two intervals.
      const passed = before.tickedAt === undefined ? 0 : Math.min(started - before.tickedAt, 2 * interval)
      const watched = before.watched + passed / 1000
      const keyOf = new Map([...ports].sort(([a], [b]) => (a < b ? 1 : -1)).map(([key, port]) => [port, key]))
      const listening = yield* listeners.ports
      const known = (port: number) => stillTrue(before.records.get(port), seen.claims.get(port)?.claimedAt)
      const asked = [...keyOf.keys()].filter((port) =>
        listening === undefined ? true : !listening.has(port) && connects(known(port), port)
      )
      const answers = new Map(
        yield* Effect.forEach(
          asked,
          (port) => Effect.map(listeners.answers(port), (answer) => [port, answer] as const),
          {
            concurrency: CONNECTIONS
          }
        )
      )
      const look = (port: number): Look => {
        const up = answers.has(port) ? answers.get(port) : listening?.has(port) === true
        return up === undefined ? "none" : up ? "up" : "down"
      }
      const looks = [...keyOf].map(([port, key]) =>
        looked(known(port), { key, port }, look(port), { at, watched: Math.round(watched) }, thresholds)
      )

      const changed = looks.filter((record) => {
        const stored = before.records.get(record.port)
        return stored?.state !== record.state || stored.key !== record.key || stored.since !== record.since
      })
      const risen = new Set(changed.filter((record) => record.state === "up").map((record) => record.port))
      const sockets = listening ?? new Map<number, string>()
      const fresh = new Set(unfamiliar(keyOf, seen.owners, sockets, before.serving))
      const met = new Set([...risen, ...fresh])
      const found = met.size === 0 ? [] : yield* listeners.on(met)
      const { learned, serving } = recognise(keyOf, seen.owners, sockets, before.serving, fresh, found, at)
      const assigned = new Set(keyOf.values())
      const sightings = new Map([...before.sightings].filter(([key]) => assigned.has(key)))
      for (const { key, owner, whose } of serving.values()) {
        if (whose === "owner" && owner !== undefined) sightings.set(key, { key, owner, at })
      }
      /** When an owner that has left was last seen is worth a row. */
      const left = [...before.serving]
        .filter(([port, { whose }]) => whose === "owner" && serving.get(port)?.whose !== "owner")
        .flatMap(([, { key }]) => before.sightings.get(key) ?? [])
      const named = (record: PortHealth): PortHealth => {
        const listener = risen.has(record.port) ? found.find((each) => each.port === record.port) : undefined
        return listener === undefined ? record : { ...record, listener: describeListener(listener) }
      }
      const gone = [...before.records.keys()].filter((port) => !keyOf.has(port))
      const clockDue = started - before.storedAt >= CLOCK_EVERY_MS
      const sightingsDue = clockDue && started - before.sightingsStoredAt >= SIGHTINGS_EVERY_MS
      if (changed.length + gone.length + learned.length + left.length > 0 || clockDue) {
        yield* store.saveHealth({
          changed: changed.map(named),
          gone,
          clock: clockDue ? { at, watched } : undefined,
          learned,
          sightings: sightingsDue ? [...left, ...sightings.values()] : left
        })
      }
      for (const [port, { key, mark, whose }] of serving) {
        if (whose !== "other" || before.serving.get(port)?.mark === mark) continue
        yield* Effect.logWarning(`${port} is served by another than ${nameOf(key)}; d doctor tells more`)
      }
      for (const record of changed.map(named)) {
        const from = before.records.get(record.port)
        if (from?.key !== record.key && record.state !== "up") continue
        yield* Effect.logInfo(`${nameOf(record.key)} is ${record.state}`).pipe(
          Effect.annotateLogs({ port: record.port, was: from?.state ?? "unknown", listener: record.listener ?? "" })
        )
      }
      memory = {
        records: new Map(looks.map((record) => [record.port, named(record)])),
        serving,
        sightings,
        watched,
        tickedAt: started,
        storedAt: clockDue ? started : before.storedAt,
        sightingsStoredAt: sightingsDue || before.tickedAt === undefined ? started : before.sightingsStoredAt
      }
      count++
      failure = undefined
      lookedAt = performance.now()
      last = { at, durationMs: (yield* Clock.currentTimeMillis) - started, ports: ports.size }
      return last
    })

    /** Ticks for ever, the first time at once. A tick that fails is logged, and the next one comes. */
    const run = tick().pipe(
      Effect.catchAll((error) => {
        const { message } = describe(error)
        failure = { message, fault: error._tag === "Unavailable" ? error.fault : "other" }
        return Effect.logWarning(`a tick failed: ${message}`)
      }),
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause) ? Effect.failCause(cause) : Effect.logError("a tick met a bug", cause)
      ),
      Effect.zipRight(Random.nextRange(0.9, 1.1)),
      Effect.flatMap((jitter) => Effect.sleep(interval * jitter)),
      Effect.forever
    )

    /** Stores how long this host was watched and whom it saw, for a daemon that stops. */
    const flush = Effect.suspend(() =>
      memory === undefined || last === undefined
        ? Effect.void
        : store.saveHealth({
            changed: [],
            gone: [],
            clock: { at: last.at, watched: memory.watched },
            learned: [],
            sightings: [...memory.sightings.values()]
          })
    )

    return {
      tick,
      run,
      flush,
      last: Effect.sync(() => last),
      /** Seconds since the last round, or since there was to be one; time that the machine slept does not count. */
      idleSeconds: Effect.sync(() => (performance.now() - lookedAt) / 1000),
      /** Why the last round failed; `undefined` where it did not. */
      failure: Effect.sync(() => failure)
    }
  })
}) {}
