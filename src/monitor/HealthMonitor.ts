import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { PortsConfig } from "../config/Config.ts"
import { findDrift } from "../domain/claims.ts"
import type { Fault } from "../domain/Fault.ts"
import { earlier } from "../domain/portHealth.ts"
import { portsOf } from "../domain/RegistryState.ts"
import { withContainers } from "../machine/ContainerEngines.ts"
import { MachineIdentity } from "../machine/identity.ts"
import { Listeners } from "../machine/Listeners.ts"
import { monotonic } from "../machine/monotonic.ts"
import { Store } from "../store/Store.ts"
import { describeUnstored, nameOf, names } from "../text/describe.ts"
import { toCommandError } from "../text/errors.ts"
import {
  afterRefusal,
  emptiedSince,
  type Memory,
  type NextTick,
  nextTick,
  portsToConnect,
  portsToIdentify,
  probed,
  type Snapshot,
  startTick,
  upTo
} from "./nextTick.ts"
import { makeRivals } from "./rivals.ts"

/** One probe cycle. */
interface Tick {
  /** ISO 8601. */
  readonly at: string
  readonly durationMs: number
  /** Assigned ports that were probed. */
  readonly ports: number
}

/** The shortest time between a probe cycle and one that was asked for, in milliseconds. */
const PROBE_GAP_MS = 200
const CONNECTIONS = 32
/** How soon a failed tick is retried, in milliseconds. */
const RETRY_MS = 5000

/** Probes every assigned port periodically, and stores their health on this host. */
export class HealthMonitor extends Effect.Service<HealthMonitor>()("HealthMonitor", {
  effect: Effect.gen(function* () {
    const { actor, probeInterval, thresholds } = yield* PortsConfig
    const store = yield* Store
    const listeners = yield* Listeners
    const machine = yield* MachineIdentity
    const interval = Duration.toMillis(probeInterval)
    const rivals = makeRivals(interval)
    let memory: Memory | undefined
    let emptied: ReturnType<typeof emptiedSince>
    let last: Tick | undefined
    let observe = (_tick: Tick): void => {}
    /** By a clock that stands still while the machine sleeps. */
    let tickedAt = performance.now()
    let failure: { readonly message: string; readonly fault: Fault } | undefined

    const finish = (at: string, started: number, ports: number): Effect.Effect<Tick> =>
      Effect.map(monotonic, (now) => {
        failure = undefined
        tickedAt = performance.now()
        last = { at, durationMs: Math.round(now - started), ports }
        observe(last)
        return last
      })

    /** Makes the claims agree with rows that other programs wrote. */
    const followOthers = Effect.gen(function* () {
      // Reads again in a transaction: the tick may have read between two changes of our own.
      const followed = (yield* store.reconcileClaims).map(({ claim }) => nameOf(claim.key))
      if (followed.length > 0)
        yield* Effect.annotateLogs(Effect.logInfo("followed what other programs wrote"), { keys: names(followed) })
    })

    const connect = (ports: ReadonlyArray<number>) =>
      Effect.forEach(ports, (port) => Effect.map(listeners.answers(port), (answer) => [port, answer] as const), {
        concurrency: CONNECTIONS
      })

    /** Stores the changes that a tick decided on, and returns what to remember. */
    const save = Effect.fnUntraced(function* ({ changes, memory: next, rival }: NextTick, at: string) {
      if (changes === undefined) return next
      const refused = yield* store.saveHealth(changes)
      // Not before: a tick that could not save sees the same record again.
      if (rival !== undefined && (yield* rivals.notice(rival, at)))
        yield* Effect.logWarning(`another machine is called ${actor.host} too, and overwrites its health`)
      const { fresh, unstored } = afterRefusal(next.unstored, changes, refused)
      for (const each of fresh) yield* Effect.logWarning(`${describeUnstored(each)}: ${each.reason}`)
      return { ...next, unstored }
    })

    const log = Effect.fnUntraced(function* ({ strangers, transitions }: NextTick) {
      for (const { key, port } of strangers)
        yield* Effect.logWarning(`${port} is served by another than ${nameOf(key)}; d doctor tells more`)
      for (const { before, record } of transitions)
        yield* Effect.logInfo(`${nameOf(record.key)} is ${record.state}`).pipe(
          Effect.annotateLogs({ port: record.port, was: before, listener: record.listener ?? "" })
        )
    })

    /** Probes every assigned port once, adopts rows of other programs, and stores and logs changes of health. */
    const tick = Effect.fn("HealthMonitor.tick")(function* () {
      const started = yield* monotonic
      const stored = yield* store.readForTick
      const at = DateTime.formatIso(yield* DateTime.now)
      if (stored === undefined) return yield* finish(at, started, 0)
      const snapshot: Snapshot = { ...stored, ports: portsOf(stored.rows) }

      const stamp = { claimedAt: at, host: actor.host, by: actor.user }
      const drifted = findDrift(snapshot.ports, snapshot.claims, stamp).length > 0
      const emptiedBefore = emptied
      emptied = emptiedSince(memory, snapshot, drifted)
      if (emptied !== undefined && emptied !== emptiedBefore) return yield* finish(at, started, snapshot.ports.size)
      if (drifted) yield* followOthers

      const start = startTick(memory, snapshot, { at, started }, interval)
      const listening = yield* listeners.ports
      const answers = new Map(yield* connect(portsToConnect(start, listening, thresholds)))
      const records = probed(start, listening, answers, thresholds)
      const { fresh, risen } = portsToIdentify(start, listening, records)
      const identified = new Set([...risen, ...fresh])
      const found = identified.size === 0 ? [] : yield* withContainers(yield* listeners.on(identified))
      const next = nextTick(start, { machine, records, listening, fresh, risen, found })

      const saved = yield* save(next, at)
      yield* log(next)
      memory = saved
      return yield* finish(at, started, snapshot.ports.size)
    })

    const one = yield* Effect.makeSemaphore(1)
    const aloneTick = one.withPermits(1)(tick())

    /** Probes now, at most a few times a second: whoever starts many servers at once would otherwise probe all the time. */
    const probe = one.withPermits(1)(
      Effect.gen(function* () {
        const age = performance.now() - tickedAt
        if (last !== undefined && age < PROBE_GAP_MS) yield* Effect.sleep(PROBE_GAP_MS - age)
        const { durationMs, ports } = yield* tick()
        return { durationMs, ports }
      })
    )

    /**
     * Runs ticks until it is interrupted, the first one immediately. A failed tick is retried soon, and logged unless
     * the one before failed for the same reason.
     */
    const run = aloneTick.pipe(
      Effect.as(interval),
      Effect.catchAll((error) => {
        const { message } = toCommandError(error)
        const isKnown = failure?.message === message
        failure = { message, fault: error._tag === "Unavailable" ? error.fault : "other" }
        return Effect.as(
          isKnown ? Effect.void : Effect.logWarning(`a tick failed: ${message}`),
          Math.min(interval, RETRY_MS)
        )
      }),
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.failCause(cause)
          : Effect.as(Effect.logError("a tick met a bug", cause), interval)
      ),
      Effect.zipWith(Random.nextRange(0.9, 1.1), (delay, jitter) => delay * jitter),
      Effect.flatMap(Effect.sleep),
      Effect.forever
    )

    /** Stores the watched time and the owners that were seen, before the daemon stops. */
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
      probe,
      run,
      flush,
      last: Effect.sync(() => last),
      /** Has `each` called after every tick that succeeds. */
      observeTicks: (each: (tick: Tick) => void) =>
        Effect.sync(() => {
          observe = each
        }),
      rival: rivals.now,
      /** Seconds since the last tick, or since the start if there was none, without the time that the machine slept. */
      idleSeconds: Effect.sync(() => (performance.now() - tickedAt) / 1000),
      /** Why the last tick failed, if it did. */
      failure: Effect.sync(() => failure),
      /** What the database refuses to store about single ports. */
      unstored: Effect.sync(() => memory?.unstored ?? [])
    }
  })
}) {}
