import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import { version } from "../package.json"
import type { Status } from "./answers.ts"
import { textOf } from "./answers.ts"
import { commandList, fieldOf, findCommand, type RegistryCommand, registryCommands } from "./commands.ts"
import * as config from "./config.ts"
import { PortsConfig } from "./config.ts"
import type { RegistryError } from "./domain/errors.ts"
import type { Failure } from "./domain/Failure.ts"
import { HEALTH_STATES, type HealthState } from "./domain/Health.ts"
import { contains, formatRange, type PortRange } from "./domain/PortRange.ts"
import { matches } from "./fingerprint.ts"
import { makeHandlers } from "./handlers.ts"
import { Listeners } from "./Listeners.ts"
import { answerLocally } from "./local.ts"
import { Monitor } from "./Monitor.ts"
import { decodePayload } from "./protocol.ts"
import { Registry } from "./Registry.ts"
import { Store } from "./Store.ts"
import { describe, noteLine } from "./sentences.ts"
import { type Outcome, type Request, serve } from "./server.ts"
import { admit, lock, prepare, SocketRefused } from "./socket.ts"
import { currentUid, serverPath } from "./socketPath.ts"
import { databaseLayer } from "./store/database.ts"

const HELP_WIDTH = 100
/** How long a daemon that stops waits for the clients it is answering. */
const STOP_MS = 3000

/** How often a database that is away is asked for, where nobody asks for it. */
const RECONNECT = Schedule.spaced("5 seconds")

type Environment = Readonly<Record<string, string | undefined>>
type Parts = Registry | Store | Monitor | Listeners

/**
 * What needs the database, made when it is first asked for, and again where that failed: so the daemon starts while the
 * database is down, and needs no restart when it is back. Everybody who asks meanwhile waits for the same attempt.
 */
const makeParts = (layer: Layer.Layer<Parts, RegistryError>) =>
  Effect.gen(function* () {
    let current: ManagedRuntime.ManagedRuntime<Parts, RegistryError> | undefined
    yield* Effect.addFinalizer(() => Effect.suspend(() => current?.disposeEffect ?? Effect.void))
    return Effect.suspend(() => {
      current ??= ManagedRuntime.make(layer)
      const mine = current
      return mine.runtimeEffect.pipe(
        Effect.map((runtime) => runtime.context),
        Effect.tapErrorCause(() =>
          Effect.sync(() => {
            if (current === mine) current = undefined
          })
        )
      )
    })
  })

/** The log goes to standard error: for people on a terminal, one structured line each otherwise. */
const logging = Logger.replace(
  Logger.defaultLogger,
  process.stderr.isTTY ? Logger.prettyLogger({ stderr: true }) : Logger.withConsoleError(Logger.logfmtLogger)
)

const useOf = (range: PortRange, size: 1 | 2, ports: ReadonlyArray<number>) => ({
  range: formatRange(range),
  slots: (range.last - range.first + 1) / size,
  claimed: new Set(ports.filter((port) => contains(range, port)).map((port) => Math.floor((port - range.first) / size)))
    .size
})

/** A payload as the deployed clients may send it: a single name for several, null for nothing. */
const normalised = (command: string, request: Request): Record<string, unknown> => {
  const repeated =
    findCommand(command)
      ?.options.filter((option) => option.repeated)
      .map((option) => fieldOf(option.name)) ?? []
  return Object.fromEntries(
    Object.entries(request)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, repeated.includes(name) && typeof value === "string" ? [value] : value])
  )
}

const refused = (failure: Failure): Outcome => ({ ok: false, failure })

const makeResponder = (
  environment: Environment,
  settings: typeof PortsConfig.Service,
  parts: Effect.Effect<Context.Context<Parts>, RegistryError>
) =>
  Effect.gen(function* () {
    const startedAt = yield* Clock.currentTimeMillis

    const status = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const common = { version, pid: process.pid, uptimeSeconds: Math.round((now - startedAt) / 1000) }
      const kind = settings.database._tag
      const dark = (error: RegistryError): Status => ({
        ...common,
        database: {
          kind,
          label: "store" in error ? error.store : kind,
          latencyMs: null,
          error: describe(error).message
        },
        lastTick: null,
        ranges: null,
        health: null
      })
      return yield* Effect.gen(function* () {
        const context = yield* parts
        const store = Context.get(context, Store)
        const before = performance.now()
        yield* store.ping
        const latencyMs = Math.round((performance.now() - before) * 100) / 100
        const { result } = yield* Context.get(context, Registry).list({})
        const ports = result.map(({ port }) => port)
        const count = (state: HealthState) => result.filter(({ health }) => health.state === state).length
        return {
          ...common,
          database: { kind, label: store.label, latencyMs, error: null },
          lastTick: (yield* Context.get(context, Monitor).last) ?? null,
          ranges: { app: useOf(settings.appRange, 2, ports), special: useOf(settings.specialRange, 1, ports) },
          health: Object.fromEntries(HEALTH_STATES.map((state) => [state, count(state)])) as Record<HealthState, number>
        } satisfies Status
      }).pipe(Effect.catchAll((error) => Effect.succeed(dark(error))))
    })

    const ofRegistry = (command: RegistryCommand, payload: unknown) =>
      Effect.gen(function* () {
        const decoded = yield* decodePayload(command, payload)
        const context = yield* parts
        const handlers = yield* Effect.provide(makeHandlers, context)
        const { notes, result } = yield* (
          handlers[command] as (payload: unknown) => ReturnType<(typeof handlers)["getPort"]>
        )(decoded)
        const text = yield* Effect.promise(async () => textOf(command, result, payload))
        return { ok: true, result, text, notes: notes.map(noteLine) } satisfies Outcome
      })

    return (request: Request): Effect.Effect<Outcome> => {
      const { command, config: fingerprint } = request
      if (typeof command !== "string" || command === "") {
        return Effect.succeed(
          refused({ code: "missing-argument", message: "Missing required arg: command", hint: "d listCommands" })
        )
      }
      if (!matches(fingerprint, settings.written)) {
        return Effect.succeed(
          refused({
            code: "other-store",
            message: "the daemon keeps another registry than this environment names",
            hint: "AUTOMATELINUX_DAEMON=never asks no daemon"
          })
        )
      }
      const local = (["version", "help", "listCommands", "getSocketPath"] as const).find((name) => name === command)
      if (local !== undefined) {
        return Effect.sync(() => ({ ok: true, notes: [], ...answerLocally(local, environment, HELP_WIDTH) }))
      }
      if (command === "ping") {
        return Effect.succeed({ ok: true, notes: [], result: { pong: true, pid: process.pid }, text: "pong" })
      }
      if (command === "status") {
        return Effect.flatMap(status, (result) =>
          Effect.promise(async () => ({ ok: true, notes: [], result, text: await textOf("status", result, {}) }))
        )
      }
      const name = registryCommands.find((each) => each === command)
      if (name === undefined) {
        return Effect.succeed(
          refused({
            code: "unknown-command",
            message: `Unknown command: ${command}`,
            hint: `one of ${commandList.map((each) => each.name).join(", ")}`
          })
        )
      }
      return ofRegistry(name, normalised(command, request)).pipe(
        Effect.catchAll((error) => Effect.succeed(refused(describe(error)))),
        Effect.catchAllCause((cause) =>
          Effect.as(
            Effect.logError(`${command} met a bug`, cause),
            refused({
              code: "internal",
              message: "this is a bug in the daemon",
              hint: "report it with the lines in its log"
            })
          )
        )
      )
    }
  })

const refusedSocket = (error: unknown): Failure =>
  error instanceof SocketRefused
    ? { code: "unavailable", message: error.message, hint: error.hint }
    : {
        code: "unavailable",
        message: `the socket cannot be made: ${(error as Error).message}`,
        hint: "name another path with AUTOMATE_LINUX_SOCKET_PATH"
      }

/** The service: one socket for every client, and eyes on every port. Runs until it is interrupted. */
export const daemon = (environment: Environment): Effect.Effect<never, Failure> =>
  Effect.gen(function* () {
    const settings = yield* Effect.mapError(config.readConfig(environment, "daemon"), describe)
    return yield* Effect.gen(function* () {
      const uid = currentUid()
      const path = serverPath(environment, uid)
      yield* Effect.tryPromise({ try: () => lock(path, uid), catch: refusedSocket })
      yield* Effect.tryPromise({ try: () => prepare(path, uid, settings.socketGroup), catch: refusedSocket })

      const configured = Layer.succeed(PortsConfig, settings)
      const store = Store.Default.pipe(Layer.provide(databaseLayer))
      const parts = yield* makeParts(
        Layer.mergeAll(Registry.Default, Monitor.Default).pipe(
          Layer.provideMerge(Layer.merge(store, Listeners.Default)),
          Layer.provide(configured)
        )
      )
      const respond = yield* makeResponder(environment, settings, parts)
      const runtime = yield* Effect.runtime<never>()
      const promised = (request: Request) => Runtime.runPromise(runtime)(respond(request))
      yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: async () => {
            const service = await serve(path, promised, version)
            admit(path, uid, settings.socketGroup)
            return service
          },
          catch: refusedSocket
        }),
        (service) =>
          Effect.zipRight(
            Effect.promise(() => service.stop(STOP_MS)),
            Effect.logInfo("stopped")
          )
      )
      yield* Effect.logInfo("serving").pipe(Effect.annotateLogs({ path, pid: process.pid, version }))

      /** Ticks on the parts, as soon as there are any. */
      const watch = Effect.gen(function* () {
        const monitor = Context.get(yield* parts, Monitor)
        yield* Effect.addFinalizer(() => Effect.ignore(monitor.flush))
        return yield* monitor.run
      }).pipe(
        Effect.scoped,
        Effect.tapError((error) => Effect.logWarning(describe(error).message)),
        Effect.retry({ schedule: RECONNECT }),
        Effect.catchAllCause((cause) => Effect.logError("nobody looks at the ports any more", cause))
      )
      yield* Effect.forkScoped(watch)
      return yield* Effect.never
    }).pipe(Effect.scoped, Effect.provide(logging), Logger.withMinimumLogLevel(settings.logLevel))
  })
