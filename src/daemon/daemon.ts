import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import { version } from "../../package.json"
import * as config from "../config/Config.ts"
import { PortsConfig } from "../config/Config.ts"
import { Doctor } from "../doctor/Doctor.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { RegistryError } from "../domain/errors.ts"
import { Listeners } from "../machine/Listeners.ts"
import { loadRest } from "../machine/loadRest.ts"
import { isUnderNohup } from "../machine/nohup.ts"
import { HealthMonitor } from "../monitor/HealthMonitor.ts"
import { Registry } from "../registry/Registry.ts"
import { admit, closedTo, prepare, refuseSecond, SocketRefused } from "../socket/socketFile.ts"
import { lock } from "../socket/socketLock.ts"
import { currentUid, ownPaths, serverPath, wrongSocketPath } from "../socket/socketPath.ts"
import { databaseLayer, loadDatabase } from "../store/databaseLayer.ts"
import { Store } from "../store/Store.ts"
import { toCommandError } from "../text/messages.ts"
import { printed } from "../text/printed.ts"
import { shellWord } from "../text/shell.ts"
import { makeRouter, type Parts } from "./router.ts"
import { serve } from "./server.ts"

/** How long a daemon that stops waits for the clients it is answering, and for its database. */
const STOP_MS = 3000

/** How often a database that is away is asked for, where nobody asks for it. */
const RECONNECT = Schedule.spaced("5 seconds")

/** How often a daemon sees to its socket and its settings. */
const UPKEEP = Duration.seconds(5)
/** How often it is checked whether all is quiet. The daemon itself writes once a minute, so one in three finds it is. */
const SETTLE = Schedule.spaced("20 seconds")

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What needs the database, made when it is first asked for, and again where that failed: so the daemon starts while the
 * database is down, and needs no restart when it is back. Everybody who asks meanwhile waits for the same attempt.
 */
const makeParts = (layer: Layer.Layer<Parts, RegistryError>) =>
  Effect.gen(function* () {
    let current: ManagedRuntime.ManagedRuntime<Parts, RegistryError> | undefined
    let made: Context.Context<Parts> | undefined
    yield* Effect.addFinalizer(() => Effect.suspend(() => current?.disposeEffect ?? Effect.void))
    return Effect.suspend(() => {
      // To wait for what is there costs a turn of the scheduler.
      if (made !== undefined) return Effect.succeed(made)
      current ??= ManagedRuntime.make(layer)
      const mine = current
      return mine.runtimeEffect.pipe(
        Effect.map((runtime) => {
          made = runtime.context
          return made
        }),
        Effect.tapErrorCause(() =>
          Effect.sync(() => {
            if (current === mine) current = undefined
          })
        )
      )
    })
  })

const lineOf = (value: unknown): unknown => (typeof value === "string" ? printed([value]) : value)

/** The trace of a bug keeps its lines. */
const linesOf = (cause: Cause.Cause<unknown>) =>
  Cause.isEmpty(cause) ? [] : [printed(Cause.pretty(cause).split("\n"))]

/** What the logger for terminals is given; it adds colours of its own. */
const forTerminal = (entry: Logger.Logger.Options<unknown>): Logger.Logger.Options<unknown> => ({
  ...entry,
  message: [...Arr.ensure(entry.message).map(lineOf), ...linesOf(entry.cause)],
  cause: Cause.empty,
  annotations: HashMap.map(entry.annotations, lineOf)
})

/** The log goes to standard error: for people on a terminal, one structured line each otherwise. */
const logging = Logger.replace(
  Logger.defaultLogger,
  process.stderr.isTTY
    ? Logger.mapInputOptions(
        Logger.prettyLogger({ stderr: true, mode: "tty", colors: process.stderr.hasColors() }),
        forTerminal
      )
    : Logger.withConsoleError(Logger.map(Logger.logfmtLogger, (line) => printed([line])))
)

/** Logs what is wrong, once as long as it stays the same; nothing is wrong with "". */
const onceEach = () => {
  let told = ""
  return (message: string) =>
    Effect.suspend(() => {
      if (message === told) return Effect.void
      told = message
      return message === "" ? Effect.void : Effect.logWarning(message)
    })
}

const refusedSocket = (error: unknown): CommandError =>
  error instanceof SocketRefused
    ? { code: "unavailable", message: error.message, hint: error.hint }
    : {
        code: "unavailable",
        message: `the socket cannot be made: ${(error as Error).message}`,
        hint: "name another path with AUTOMATE_LINUX_SOCKET_PATH"
      }

/**
 * Stops like on SIGTERM when the terminal is closed, which both the kernel and the shell tell, and on its Ctrl-\. Under
 * nohup the former changes nothing.
 */
const stopOnSignals = (environment: Environment): void => {
  const ignored = isUnderNohup(environment)
  let stopping = false
  const stop = () => {
    if (!stopping) process.kill(process.pid, "SIGTERM")
    stopping = true
  }
  process.on("SIGHUP", () => ignored || stop()).on("SIGQUIT", stop)
}

const removed = (error: unknown): CommandError => ({
  code: "unavailable",
  message: `the program of this daemon was removed or replaced: ${(error as Error).message.split("\n")[0]}`,
  hint: "d daemon starts the one that is there now"
})

/**
 * Ends the daemon on an exception that nothing has caught, with its socket. If something cannot be loaded because d was
 * installed anew, a service manager starts what is there now.
 */
const uncaught = Effect.async<never, CommandError>((resume) => {
  const end = (error: NodeJS.ErrnoException) =>
    resume(error.code === "MODULE_NOT_FOUND" ? Effect.fail(removed(error)) : Effect.die(error))
  process.once("uncaughtException", end)
  return Effect.sync(() => process.off("uncaughtException", end))
})

/** The service: one socket for every client, and eyes on every port. Runs until it is interrupted. */
export const daemon = (environment: Environment): Effect.Effect<never, CommandError> =>
  Effect.gen(function* () {
    // Whoever reads the log may go away.
    process.stderr.on("error", () => {})
    stopOnSignals(environment)
    const wrong = wrongSocketPath(environment)
    if (wrong !== undefined) return yield* Effect.fail(wrong)
    const settings = yield* Effect.mapError(config.readConfig(environment, "daemon"), toCommandError)
    return yield* Effect.gen(function* () {
      const uid = currentUid()
      const path = serverPath(environment, uid)
      const configured = Layer.succeed(PortsConfig, settings)
      yield* Effect.mapError(Effect.provide(loadDatabase, configured), toCommandError)
      yield* Effect.try({ try: () => loadRest("mysql2"), catch: removed })
      const group = settings.socketGroup
      const attempt = <A>(work: () => Promise<A>) => Effect.tryPromise({ try: work, catch: refusedSocket })
      const others = ownPaths(environment, uid).filter((each) => each !== path)
      yield* attempt(() => lock(path, uid))
      yield* attempt(() => refuseSecond(others, uid))
      yield* attempt(() => prepare(path, uid, group))

      const store = Store.Default.pipe(Layer.provide(databaseLayer))
      const parts = yield* makeParts(
        Layer.mergeAll(Registry.Default, HealthMonitor.Default).pipe(
          Layer.provideMerge(Layer.merge(store, Listeners.Default)),
          Layer.provide(configured)
        )
      )
      const respond = yield* makeRouter(environment, settings, parts).pipe(
        Effect.provide(Layer.provide(Doctor.Default, [configured, Listeners.Default]))
      )
      const service = yield* Effect.acquireRelease(
        attempt(async () => {
          const made = await serve(path, respond, version)
          try {
            admit(path, group)
          } catch (error) {
            await made.stop(0)
            throw error
          }
          return made
        }),
        (made) =>
          Effect.zipRight(
            Effect.promise(() => made.stop(STOP_MS)),
            Effect.logInfo("stopped")
          )
      )
      yield* Effect.logInfo("serving").pipe(Effect.annotateLogs({ path, pid: process.pid, version }))

      const closed = group === undefined ? undefined : closedTo(path, group)
      if (closed !== undefined) {
        yield* Effect.logWarning(`${closed} does not let the group ${group} in`).pipe(
          Effect.annotateLogs({ remedy: `chgrp ${group} ${shellWord(closed)} && chmod g+x ${shellWord(closed)}` })
        )
      }

      /** Makes the socket again if it was removed, with its directory, and leaves alone what others have put in its place. */
      const keepSocket = Effect.suspend(() =>
        service.isThere()
          ? Effect.void
          : attempt(async () => {
              await prepare(path, uid, group)
              await service.remake()
              admit(path, group)
            }).pipe(Effect.uninterruptible, Effect.zipRight(Effect.logWarning("the socket was removed; made it again")))
      )
      const tellOfSocket = onceEach()
      yield* keepSocket.pipe(
        Effect.matchEffect({
          onSuccess: () => tellOfSocket(""),
          onFailure: ({ message }) => tellOfSocket(`this daemon cannot be reached: ${message}`)
        }),
        Effect.repeat(Schedule.spaced(UPKEEP)),
        Effect.forkScoped
      )

      const tellOfSettings = onceEach()
      yield* config.changeSince(settings, environment).pipe(
        Effect.flatMap(({ changed, problem }) =>
          tellOfSettings(
            problem !== undefined
              ? toCommandError(problem).message
              : changed.length === 0
                ? ""
                : `settings were changed after this daemon was started: ${changed.join(", ")}; restart it to use them`
          )
        ),
        Effect.repeat(Schedule.spaced(UPKEEP)),
        Effect.forkScoped
      )

      const tell = onceEach()
      /** Ticks on the parts, as soon as there are any. */
      const watch = Effect.gen(function* () {
        const monitor = Context.get(yield* parts, HealthMonitor)
        const store = Context.get(yield* parts, Store)
        // In a fiber of its own: in this one, which is being interrupted, whatever may be interrupted is.
        const last = Effect.zipRight(Effect.ignore(monitor.flush), Effect.ignore(store.checkpoint))
        const ending = Effect.interruptible(last.pipe(Effect.disconnect, Effect.timeout(STOP_MS)))
        yield* Effect.addFinalizer(() => Effect.flatMap(Effect.forkDaemon(ending), Fiber.await))
        yield* Effect.forkScoped(Effect.repeat(Effect.ignore(store.checkpointIfQuiet), SETTLE))
        return yield* monitor.run
      }).pipe(
        Effect.scoped,
        Effect.tapError((error) => tell(toCommandError(error).message)),
        Effect.retry({ schedule: RECONNECT }),
        Effect.catchAllCause((cause) => Effect.logError("nobody looks at the ports any more", cause))
      )
      yield* Effect.forkScoped(watch)
      return yield* uncaught
    }).pipe(Effect.scoped, Effect.provide(logging), Logger.withMinimumLogLevel(settings.logLevel))
  })
