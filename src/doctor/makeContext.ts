import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { PortsConfig } from "../config/Config.ts"
import type { Environment } from "../domain/Environment.ts"
import { NoListenerTable } from "../domain/errors.ts"
import type { Listener } from "../domain/Listener.ts"
import { knownOf, past } from "../domain/portHealth.ts"
import { holdersByPort, reasonsOf } from "../domain/RegistryState.ts"
import { publishedOn, withContainers } from "../machine/ContainerEngines.ts"
import type { Listeners } from "../machine/Listeners.ts"
import type { Store } from "../store/Store.ts"
import type { DoctorContext, View } from "./DoctorContext.ts"
import { probeDaemon, statusOf } from "./probeDaemon.ts"

const CONNECTIONS = 64

interface Means {
  readonly settings: typeof PortsConfig.Service
  readonly machine: typeof Listeners.Service
  readonly store: typeof Store.Service
  readonly environment: Environment
  readonly version: string
}

const byPort = (listeners: ReadonlyArray<Listener>): ReadonlyMap<number, ReadonlyArray<Listener>> => {
  const found = new Map<number, Array<Listener>>()
  for (const listener of listeners) {
    const others = found.get(listener.port)
    if (others === undefined) found.set(listener.port, [listener])
    else others.push(listener)
  }
  return found
}

const viewOf = (
  { health, state }: Effect.Effect.Success<(typeof Store.Service)["readEverything"]>,
  reserved: ReadonlyMap<number, string>,
  now: string
): View => ({
  ...state,
  reserved: new Map([...reserved, ...reasonsOf(state.reserved)]),
  reservedAtRunTime: new Set(state.reserved.keys()),
  keysOf: holdersByPort(state.ports),
  probedAt: past(health.probedAt, now),
  healthOf: (key) => {
    const port = state.ports.get(key)
    return port === undefined ? undefined : knownOf(health, state, port, now)
  }
})

/**
 * Runs `effect` once, when it is first needed, in a fiber of its own: a check that times out does not interrupt it for the
 * others.
 */
const once = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  let fiber: Fiber.RuntimeFiber<A, E> | undefined
  return Effect.suspend(() =>
    fiber !== undefined
      ? Fiber.join(fiber)
      : Effect.flatMap(Effect.forkDaemon(effect), (made) => {
          fiber = made
          return Fiber.join(made)
        })
  )
}

/** Makes the context of the checks, as of now. */
export const makeContext = ({ environment, machine, settings, store, version }: Means): Effect.Effect<DoctorContext> =>
  Effect.gen(function* () {
    const schemaStatus = once(store.schemaStatus)
    const view = once(
      Effect.gen(function* () {
        const everything = yield* store.readEverything
        // The time is read last: what the daemon has stored meanwhile is not from the future.
        return viewOf(everything, settings.reserved, DateTime.formatIso(yield* DateTime.now))
      })
    )
    const listeners = once(
      machine.all.pipe(
        Effect.flatMap((found) => withContainers(found)),
        Effect.map(byPort)
      )
    )
    /** The ports that nothing answers on: no listener is known, and connecting fails, which a container engine may answer. */
    const silentAmong = (ports: Iterable<number>) =>
      Effect.gen(function* () {
        const known = yield* listeners
        const silent = yield* Effect.filter(
          [...ports].filter((port) => !known.has(port)),
          (port) => Effect.map(machine.answers(port), (answer) => answer === false),
          { concurrency: CONNECTIONS }
        )
        return new Set(silent)
      })
    const servedAmong = (ports: Iterable<number>) =>
      Effect.gen(function* () {
        const known = yield* listeners
        const wanted = new Set(ports)
        const published = byPort(yield* publishedOn(new Set([...wanted].filter((port) => !known.has(port)))))
        const silent = yield* silentAmong(published.keys())
        return new Map([...known, ...published].filter(([port]) => wanted.has(port) && !silent.has(port)))
      })
    const tested = new Map<number, Effect.Effect<boolean | undefined>>()
    const inUse = (port: number) =>
      Effect.suspend(() => {
        const known = tested.get(port)
        if (known !== undefined) return known
        const test = once(
          Effect.flatMap(listeners, (found) => (found.has(port) ? Effect.succeed(true) : machine.inUse(port)))
        )
        tested.set(port, test)
        return test
      })
    const daemon = once(probeDaemon(environment, machine))
    const status = once(Effect.flatMap(daemon, (state) => statusOf(state, environment)))
    return {
      settings,
      version,
      now: yield* Clock.currentTimeMillis,
      store,
      schemaStatus,
      view,
      listeners,
      silent: once(Effect.flatMap(view, ({ keysOf }) => silentAmong(keysOf.keys()))),
      silentAmong,
      servedAmong,
      bound: Effect.map(listeners, (found) => new Set(found.keys())),
      requireListeners: Effect.if(machine.visible, {
        onTrue: () => Effect.void,
        onFalse: () => new NoListenerTable()
      }),
      inUse,
      environment,
      daemon,
      upElsewhere: once(Effect.map(store.upElsewhere, (found) => new Set(found.map(({ port }) => port)))),
      status,
      rival: Effect.map(status, (found) => found?.watching.rival ?? undefined),
      machine
    }
  })
