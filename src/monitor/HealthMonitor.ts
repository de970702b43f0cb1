import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { PortsConfig } from "../config/Config.ts"
import { drift } from "../domain/claims.ts"
import type { Fault } from "../domain/errors.ts"
import {
  corrected,
  earlier,
  type Look,
  later,
  looked,
  type PortHealth,
  past,
  type Sighting,
  stillTrue,
  type Unstored
} from "../domain/portHealth.ts"
import { portsOf } from "../domain/RegistryState.ts"
import { MachineIdentity } from "../machine/identity.ts"
import { Listeners } from "../machine/Listeners.ts"
import { monotonic } from "../machine/monotonic.ts"
import { Store } from "../store/Store.ts"
import { describeListener, describeUnstored, nameOf, names } from "../text/describe.ts"
import { describe } from "../text/messages.ts"
import { recognise, type Serving, unfamiliar } from "./portOwnership.ts"
import { makeRivals } from "./rivals.ts"

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
  /** When each port was claimed. */
  readonly claims: ReadonlyMap<number, string>
  /** Seconds. */
  readonly watched: number
  /** These go by the monotonic clock. */
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
    /** What was empty at the last round, unlike the other: a backup may be being restored. It is believed the second time. */
    let emptied: "claims" | "ports" | "health" | undefined
    let last: Tick | undefined
    /** By a clock that stands still while the machine sleeps. */
    let lookedAt = performance.now()
    let failure: { readonly message: string; readonly fault: Fault } | undefined
    const machine = yield* MachineIdentity
    const rivals = makeRivals(interval)
    /** It is tried again whenever the time of watching is stored. */
    let unstored: ReadonlyArray<Unstored> = []

    /** What is known at the first tick, which is `at`. What was up when this host was last watched was seen up then. */
    const remember = (
      { claims, health: { lookedAt, records, watched } }: NonNullable<Effect.Effect.Success<typeof store.watch>>,
      at: string
    ): Memory => ({
      records: new Map(
        [...records].flatMap(([port, stored]) => {
          const record = stillTrue(stored, claims.get(port)?.claimedAt, at)
          if (record === undefined) return []
          return record.state === "up"
            ? [[port, { ...record, mark: watched, lastUp: later(past(lookedAt, at), record.lastUp) }]]
            : [[port, { ...record, mark: Math.min(record.mark, watched) }]]
        })
      ),
      serving: new Map(),
      sightings: new Map(),
      claims: new Map(),
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

    /** What of `tried` the database `refused` is known from now on, and said once. */
    const remark = (tried: ReadonlyArray<Pick<Unstored, "what" | "port">>, refused: ReadonlyArray<Unstored>) =>
      Effect.suspend(() => {
        const same = (a: Pick<Unstored, "what" | "port">, b: Unstored) =>
          a.port === b.port && (a.what === "owner") === (b.what === "owner")
        const news = refused.filter((each) => !unstored.some((known) => same(each, known) && known.what === each.what))
        const left = unstored.filter((known) => !tried.some((each) => same(each, known)))
        unstored = [...left, ...refused].sort((a, b) => a.port - b.port)
        return Effect.forEach(news, (each) => Effect.logWarning(`${describeUnstored(each)}: ${each.reason}`), {
          discard: true
        })
      })

    /** A round that began at `started`, by the monotonic clock, is over. */
    const done = (at: string, started: number, ports: number): Effect.Effect<Tick> =>
      Effect.map(monotonic, (now) => {
        failure = undefined
        lookedAt = performance.now()
        last = { at, durationMs: Math.round(now - started), ports }
        return last
      })

    /** One round of looks. Other programs' rows are adopted, transitions stored and logged. */
    const tick = Effect.fn("Monitor.tick")(function* () {
      const started = yield* monotonic
      const seen = yield* store.watch
      const at = DateTime.formatIso(yield* DateTime.now)
      if (seen === undefined) return yield* done(at, started, 0)
      const ports = portsOf(seen.rows)

      const right = { claimedAt: at, host: actor.host, by: actor.user }
      const drifted = drift(ports, seen.claims, right).length > 0
      const emptiedBefore = emptied
      const lost = memory !== undefined && memory.records.size > 0 && seen.health.records.size === 0
      emptied =
        drifted && seen.claims.size === 0
          ? "claims"
          : drifted && ports.size === 0
            ? "ports"
            : lost
              ? "health"
              : undefined
      if (emptied !== undefined && emptied !== emptiedBefore) {
        return yield* done(at, started, ports.size)
      }
      if (drifted) {
        // Read again inside the transaction: what was read here may be between two changes of our own.
        const followed = (yield* store.agree).map(({ claim }) => nameOf(claim.key))
        if (followed.length > 0) {
          yield* Effect.annotateLogs(Effect.logInfo("followed what other programs wrote"), { keys: names(followed) })
        }
      }

      const before = memory ?? remember(seen, at)
      // A gap, for a machine that slept or a tick that failed, counts as at most two intervals.
      const passed = before.tickedAt === undefined ? 0 : Math.min(started - before.tickedAt, 2 * interval)
      const watched = before.watched + passed / 1000
      const keyOf = new Map([...ports].sort(([a], [b]) => (a < b ? 1 : -1)).map(([key, port]) => [port, key]))
      const listening = yield* listeners.ports
      const stored = seen.health.records
      const claimedAt = (port: number) => seen.claims.get(port)?.claimedAt
      const known = (port: number): PortHealth | undefined => {
        const claimedBefore = before.claims.get(port)
        const record = stillTrue(before.records.get(port), claimedAt(port))
        if (record === undefined) return undefined
        // Whatever the clock of the host shows that claimed it anew.
        if (record.state !== "up" && claimedBefore !== undefined && claimedBefore !== claimedAt(port)) return undefined
        const there = stored.get(port)
        const same = there?.state === record.state && there.key === record.key
        return corrected(same ? { ...record, since: there.since } : record, at, claimedAt(port))
      }
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
        looked(known(port), { key, port, claimedAt: claimedAt(port) }, look(port), { at, watched }, thresholds)
      )

      const changed = looks.filter((record) => {
        const from = before.records.get(record.port)
        return from?.state !== record.state || from.key !== record.key
      })
      /** What another daemon of this host's name has overwritten is right again after that. */
      const news = looks.filter((record) => {
        const there = stored.get(record.port)
        if (there?.state !== record.state || there.key !== record.key || there.since !== record.since) return true
        return past(there.lastUp, at) !== there.lastUp
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
      const gone = [...stored.keys()].filter((port) => !keyOf.has(port))
      const other = before.tickedAt === undefined ? undefined : seen.health.machine
      const overwritten = other !== undefined && other !== machine
      if (overwritten && (yield* rivals.notice(other, at)))
        yield* Effect.logWarning(`another machine is called ${actor.host} too, and overwrites its health`)
      const age = Date.parse(at) - Date.parse(seen.health.lookedAt ?? "")
      // A clock that was set makes the stored time wrong at once.
      const clockDue = overwritten || started - before.storedAt >= CLOCK_EVERY_MS || !(age >= 0 && age < CLOCK_EVERY_MS)
      unstored = unstored.filter(({ key, port }) => keyOf.get(port) === key)
      const refusedBefore = (what: Unstored["what"], port: number) =>
        unstored.some((each) => each.what === what && each.port === port)
      const records = news
        .filter((record) => clockDue || changed.includes(record) || !refusedBefore("health", record.port))
        .map(named)
      const owners = learned.filter(({ port }) => clockDue || !refusedBefore("owner", port))
      const sightingsDue = clockDue && started - before.sightingsStoredAt >= SIGHTINGS_EVERY_MS
      if (records.length + gone.length + owners.length + left.length > 0 || clockDue) {
        const refused = yield* store.saveHealth({
          changed: records,
          gone,
          clock: clockDue ? { at, watched, machine } : undefined,
          learned: owners,
          sightings: upTo(at, sightingsDue ? [...left, ...sightings.values()] : left)
        })
        const tried = [
          ...records.map(({ port }) => ({ what: "health" as const, port })),
          ...owners.map(({ port }) => ({ what: "owner" as const, port }))
        ]
        yield* remark(tried, refused)
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
        claims: new Map([...seen.claims].map(([port, claim]) => [port, claim.claimedAt])),
        watched,
        tickedAt: started,
        storedAt: clockDue ? started : before.storedAt,
        sightingsStoredAt: sightingsDue || before.tickedAt === undefined ? started : before.sightingsStoredAt
      }
      count++
      return yield* done(at, started, ports.size)
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
    const flush = Effect.gen(function* () {
      if (memory === undefined || last === undefined) return
      const at = earlier(last.at, DateTime.formatIso(yield* DateTime.now))
      yield* store.saveHealth({
        changed: [],
        gone: [],
        clock: { at, watched: memory.watched, machine },
        learned: [],
        sightings: upTo(at, [...memory.sightings.values()])
      })
    })

    return {
      tick,
      run,
      flush,
      last: Effect.sync(() => last),
      rival: rivals.now,
      /** Seconds since the last round, or since there was to be one; time that the machine slept does not count. */
      idleSeconds: Effect.sync(() => (performance.now() - lookedAt) / 1000),
      /** Why the last round failed; `undefined` where it did not. */
      failure: Effect.sync(() => failure),
      /** What the database refuses to keep of single ports. */
      unstored: Effect.sync(() => unstored)
    }
  })
}) {}

/** `sightings` without times after `at`, which a clock has left that was ahead. */
const upTo = (at: string, sightings: ReadonlyArray<Sighting>): ReadonlyArray<Sighting> =>
  sightings.map((each) => ({ ...each, at: earlier(each.at, at) }))
