import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import { version } from "../../package.json"
import { registryLayer } from "../app/layers.ts"
import { changeSince, PortsConfig, readConfig } from "../config/Config.ts"
import { exposedSecrets } from "../config/exposedSecrets.ts"
import { writeKnownPorts } from "../config/portCopy.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { digest } from "../domain/digest.ts"
import type { Environment } from "../domain/Environment.ts"
import { portsOf } from "../domain/RegistryState.ts"
import { loadRest } from "../machine/loadRest.ts"
import { HealthMonitor } from "../monitor/HealthMonitor.ts"
import { Registry } from "../registry/Registry.ts"
import { fingerprintBy, registryBy } from "../socket/configFingerprint.ts"
import { socketFailure } from "../socket/socketFailure.ts"
import { admit, closedTo, prepare, refuseSecond } from "../socket/socketFile.ts"
import { lock } from "../socket/socketLock.ts"
import { currentUid, forwardPath, ownPaths, serverPath, wrongServedPath } from "../socket/socketPath.ts"
import { loadDriver } from "../store/databaseLayer.ts"
import { Store } from "../store/Store.ts"
import { toCommandError } from "../text/errors.ts"
import { shellWord } from "../text/shell.ts"
import type { Outcome, Request } from "./connection.ts"
import { programRemoved, stopOnSignals, uncaughtException } from "./ending.ts"
import { HttpControl } from "./HttpControl.ts"
import { keepHttp, onceTurnedOn } from "./http.ts"
import { logChanges, logging } from "./logging.ts"
import { makeRouter } from "./router.ts"
import { LIMITS, serve } from "./server.ts"
import { timing } from "./timing.ts"

/** How long a daemon that stops waits for pending replies, and for its database. */
const STOP_MS = 3000

/** How often the socket and the settings are checked. */
const UPKEEP = Schedule.spaced(Duration.seconds(5))
/** How often to check for a quiet registry. The daemon writes once a minute, so one check in three finds it quiet. */
const QUIET_CHECK = Schedule.spaced("20 seconds")

/** How often the copy of the ports is brought up to date. */
const COPY = Schedule.spaced("1 minute")

/** How often the history is trimmed. */
const TRIM_CHECK = Schedule.spaced("1 hour")

/** The first descriptor that a service manager hands over, as sd_listen_fds(3) describes it. */
const FIRST_INHERITED = 3

/** Returns the descriptor of the socket that the service manager listens on for this process, if there is one. */
const inheritedSocket = ({ LISTEN_FDS, LISTEN_PID }: Environment): number | undefined =>
  LISTEN_FDS === "1" && LISTEN_PID === String(process.pid) ? FIRST_INHERITED : undefined

/** Serves clients at one socket, and makes the socket again if it is removed. */
const serveClients = (environment: Environment, route: (request: Request) => Promise<Outcome>) =>
  Effect.gen(function* () {
    const { socketGroup: group, socketMode: mode } = yield* PortsConfig
    const uid = currentUid()
    const path = serverPath(environment, uid)
    const others = ownPaths(environment, uid).filter((each) => each !== path)
    const attempt = <A>(work: () => Promise<A>) =>
      Effect.tryPromise({ try: work, catch: (error) => socketFailure(error, path) })
    yield* attempt(() => lock(path, uid))
    yield* attempt(() => refuseSecond(others, uid))
    const inherited = inheritedSocket(environment)
    if (inherited === undefined) yield* attempt(() => prepare(path, uid, group))
    const forward = forwardPath(environment)
    const service = yield* Effect.acquireRelease(
      attempt(async () => {
        const made = await serve(path, route, version, { ...LIMITS, forward, inherited })
        try {
          admit(path, { group, mode })
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
    if (closed !== undefined)
      yield* Effect.logWarning(`${closed} does not let the group ${group} in`).pipe(
        Effect.annotateLogs({ fix: `chgrp ${group} ${shellWord(closed)} && chmod g+x ${shellWord(closed)}` })
      )

    /** Makes a removed socket again, with its directory. Does not touch anything that others have put in its place. */
    const keepSocket = Effect.suspend(() =>
      service.isThere()
        ? Effect.void
        : attempt(async () => {
            await prepare(path, uid, group)
            await service.remake()
            admit(path, { group, mode })
          }).pipe(Effect.uninterruptible, Effect.zipRight(Effect.logWarning("the socket was removed; made it again")))
    )
    const logProblem = logChanges()
    yield* keepSocket.pipe(
      Effect.matchEffect({
        onSuccess: () => logProblem(""),
        onFailure: ({ message }) => logProblem(`this daemon cannot be reached: ${message}`)
      }),
      Effect.repeat(UPKEEP),
      Effect.forkScoped
    )
  })

/** Logs when the settings are changed, or become wrong, after the daemon was started. */
const watchSettings = (environment: Environment) =>
  Effect.gen(function* () {
    const settings = yield* PortsConfig
    const logProblem = logChanges()
    yield* changeSince(settings, environment).pipe(
      Effect.flatMap(({ changed, problem }) =>
        logProblem(
          problem !== undefined
            ? toCommandError(problem).message
            : changed.length === 0
              ? ""
              : `settings were changed after this daemon was started: ${changed.join(", ")}; restart it to use them`
        )
      ),
      Effect.repeat(UPKEEP),
      Effect.forkScoped
    )
  })

/** Logs that others may read the password of the database. */
const warnOfSecrets = Effect.gen(function* () {
  for (const { file, readers } of exposedSecrets(yield* PortsConfig))
    yield* Effect.logWarning(`${readers} may read the password of the database in ${file}`).pipe(
      Effect.annotateLogs({ fix: `chmod 600 ${shellWord(file)}` })
    )
})

/** Probes the ports, and checkpoints the database file when the registry is quiet. */
const watchPorts = Effect.gen(function* () {
  const monitor = yield* HealthMonitor
  const store = yield* Store
  // In a fiber of its own, because this one is being interrupted.
  const last = Effect.zipRight(Effect.ignore(monitor.flush), Effect.ignore(store.checkpoint))
  const ending = Effect.interruptible(last.pipe(Effect.disconnect, Effect.timeout(STOP_MS)))
  yield* Effect.addFinalizer(() => Effect.flatMap(Effect.forkDaemon(ending), Fiber.await))
  yield* Effect.forkScoped(Effect.repeat(Effect.ignore(store.checkpointIfQuiet), QUIET_CHECK))
  return yield* monitor.run
}).pipe(
  Effect.scoped,
  Effect.catchAllCause((cause) => Effect.logError("health monitor stopped", cause))
)

/** Deletes the history that is older than it is kept. */
const trimHistory = Effect.gen(function* () {
  const registry = yield* Registry
  const logProblem = logChanges()
  yield* registry.trimHistory.pipe(
    Effect.matchEffect({
      onSuccess: () => logProblem(""),
      onFailure: (error) => logProblem(`the history cannot be trimmed: ${toCommandError(error).message}`)
    }),
    Effect.repeat(TRIM_CHECK)
  )
})

/** Keeps a copy of the ports for `d getPort --cached`. Whether the registry is away is said elsewhere. */
const keepCopy = (environment: Environment) =>
  Effect.gen(function* () {
    const settings = yield* PortsConfig
    const store = yield* Store
    const registry = registryBy(fingerprintBy((name) => settings.written.get(name), environment))
    const logProblem = logChanges()
    const write = Effect.flatMap(store.readNames, ({ rows }) =>
      Effect.try(() => {
        const at = new Date().toISOString()
        const ports = [...portsOf(rows)].map(([key, port]) => [key, { port, at }] as const)
        writeKnownPorts(environment, registry, new Map(ports))
      }).pipe(
        Effect.matchEffect({
          onSuccess: () => logProblem(""),
          onFailure: ({ error }) => logProblem(`the copy for d getPort --cached cannot be written: ${error}`)
        })
      )
    )
    yield* Effect.repeat(Effect.ignore(write), COPY)
  })

/** Runs the daemon until it is interrupted. */
export const daemon = (environment: Environment): Effect.Effect<never, CommandError> =>
  Effect.gen(function* () {
    // Keep running if the reader of the log closes the pipe.
    process.stderr.on("error", () => {})
    stopOnSignals(environment)
    const wrong = wrongServedPath(environment, currentUid())
    if (wrong !== undefined) return yield* Effect.fail(wrong)
    const settings = yield* Effect.mapError(readConfig(environment, "daemon"), toCommandError)
    const services = Layer.merge(HealthMonitor.Default, HttpControl.Default).pipe(
      Layer.provideMerge(registryLayer(settings))
    )
    yield* Effect.mapError(Effect.provideService(loadDriver, PortsConfig, settings), toCommandError)
    yield* Effect.try({ try: () => loadRest("mysql2"), catch: programRemoved })
    return yield* Effect.gen(function* () {
      const route = yield* makeRouter(environment, forwardPath(environment))
      const { timed, observe } = timing(route)
      yield* serveClients(environment, timed("socket"))
      const registry = digest(registryBy(fingerprintBy((name) => settings.written.get(name), environment)))
      const socket = serverPath(environment, currentUid())
      const http = keepHttp({ route, timed: timed("http"), observe, socket, registry })
      if (settings.http) yield* http
      else yield* Effect.forkScoped(onceTurnedOn(http))
      yield* warnOfSecrets
      yield* watchSettings(environment)
      yield* Effect.forkScoped(watchPorts)
      yield* Effect.forkScoped(trimHistory)
      yield* Effect.forkScoped(keepCopy(environment))
      return yield* uncaughtException
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mapError(services, toCommandError)),
      Effect.provide(logging),
      Logger.withMinimumLogLevel(settings.logLevel)
    )
  })
