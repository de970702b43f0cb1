import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import { PortsConfig } from "../config/Config.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { DASHBOARD_KEY } from "../domain/names.ts"
import type { HttpService } from "../http/httpServer.ts"
import { HealthMonitor } from "../monitor/HealthMonitor.ts"
import { bugIn } from "./bug.ts"
import type { Answered, Request } from "./connection.ts"
import { programRemoved } from "./ending.ts"
import { HttpControl } from "./HttpControl.ts"
import { keepHttpFile, makeProof } from "./httpFile.ts"
import { logChanges } from "./logging.ts"
import { makeLook } from "./look.ts"
import { makeSnapshot } from "./snapshot.ts"
import type { Route, timing } from "./timing.ts"
import { waitSeconds } from "./waitSeconds.ts"

type Observe = ReturnType<typeof timing>["observe"]

const DESCRIPTION = "HTTP of d: the page of d dashboard, and the ports as JSON"

/** How often to check that HTTP is served at the key's port. */
const UPKEEP = Schedule.spaced(Duration.seconds(5))

/** How long a stop waits for pending responses, in milliseconds. */
const STOP_MS = 2000

/** Returns the port in the answer to `getPort`, or why there is none. */
const portIn = (answer: Answered): number | string => {
  if (!answer.ok) return answer.failure.message
  const { result } = answer
  const port = typeof result === "object" && result !== null && "port" in result ? result.port : undefined
  return typeof port === "number" ? port : `${DASHBOARD_KEY} has no port`
}

/** Why HTTP is not served at `port`. */
const portProblem = (error: unknown, port: number): string => {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return code === "EADDRINUSE"
    ? `port ${port} of ${DASHBOARD_KEY} is in use by another program: d explain --port ${port} shows which`
    : `HTTP cannot be served at port ${port} of ${DASHBOARD_KEY}: ${error instanceof Error ? error.message : error}`
}

/** Serves HTTP as soon as `d dashboard` asks for it. */
export const onceTurnedOn = <R>(http: Effect.Effect<void, CommandError, R>) =>
  Effect.gen(function* () {
    const control = yield* HttpControl
    yield* control.turnedOn
    yield* Effect.catchAll(http, ({ message }) => {
      control.setStatus({ address: null, problem: message })
      return Effect.logWarning(`no HTTP: ${message}`)
    })
  })

const askingBy =
  (route: Route) =>
  async (request: Request): Promise<Answered> => {
    const outcome = await route({ ...request, format: "json" })
    return outcome.ok === "elsewhere" ? outcome.otherwise : outcome
  }

interface Keeping {
  readonly observe: Observe
  readonly route: Route
  /** Likewise, for what clients ask: it is measured. */
  readonly timed: Route
  readonly socket: string
  /** Names the registry to the shells that ask. */
  readonly registry: string
}

/**
 * Serves HTTP at the port of its key, which is assigned if it has none, and follows it to another port. The daemon goes on
 * without HTTP for as long as that fails.
 */
export const keepHttp = ({ observe, route, timed, ...beside }: Keeping) =>
  Effect.gen(function* () {
    const control = yield* HttpControl
    const { databaseTimeout } = yield* PortsConfig
    const file = keepHttpFile(beside.socket, beside.registry)
    const ask = askingBy(route)
    // Loaded now, because a later installation of d may remove the file.
    const { makeHttp } = yield* Effect.tryPromise({
      try: () => import("../http/httpServer.ts"),
      catch: programRemoved
    })
    const runtime = yield* Effect.runtime()
    /** Runs without tracing, as the router does. */
    const run = <A>(effect: Effect.Effect<A>) => Runtime.runPromise(runtime, Effect.withTracerEnabled(effect, false))
    const snapshot = yield* makeSnapshot
    const look = yield* makeLook
    const http = yield* Effect.promise(() =>
      makeHttp({
        ask: askingBy(timed),
        snapshot: () => run(snapshot),
        look: () => run(look),
        bug: (error) => run(bugIn("HTTP", Cause.die(error))),
        token: control.token,
        waitMs: waitSeconds(databaseTimeout) * 1000
      })
    )
    observe(http.request)
    const monitor = yield* HealthMonitor
    yield* monitor.observeTicks(({ durationMs }) => http.tick(durationMs / 1000))
    let service: HttpService | undefined
    let isEnding = false

    const stop = async (): Promise<void> => {
      const last = service
      service = undefined
      file.end()
      control.setStatus({ address: null, problem: null })
      if (last === undefined) return
      await last.close(STOP_MS)
    }

    const portOfKey = async (): Promise<number | string> => {
      const known = await ask({ command: "getPort", key: DASHBOARD_KEY })
      if (known.ok || known.failure.code !== "not-set") return portIn(known)
      const made = await ask({ command: "allocate", special: [DASHBOARD_KEY], description: DESCRIPTION })
      return made.ok ? portIn(await ask({ command: "getPort", key: DASHBOARD_KEY })) : made.failure.message
    }

    /** Returns what is wrong, or "" if HTTP is served. */
    const keep = async (): Promise<string> => {
      const port = await portOfKey()
      // If the database is away, what is served stays so.
      if (typeof port !== "number") return service === undefined ? port : ""
      if (service?.port === port) {
        file.upkeep()
        return ""
      }
      await stop()
      try {
        control.token.renew()
        const proof = makeProof()
        service = await http.serve(port, proof)
        file.begin(port, proof)
        if (isEnding) await stop()
        return ""
      } catch (error) {
        return portProblem(error, port)
      }
    }

    const logProblem = logChanges()
    let address: string | null = null
    control.setStatus({ address, problem: null })
    yield* Effect.addFinalizer(() =>
      Effect.promise(() => {
        isEnding = true
        return stop().then(http.close)
      })
    )
    // Interruptible: a change may wait for the database for long, and a daemon that ends does not.
    yield* Effect.promise(keep).pipe(
      Effect.tap((problem) => {
        const before = address
        address = service === undefined ? null : `http://localhost:${service.port}`
        control.setStatus({ address, problem: problem === "" ? null : problem })
        return address !== null && address !== before
          ? Effect.annotateLogs(Effect.logInfo("serving HTTP"), { address })
          : Effect.void
      }),
      Effect.tap((problem) => logProblem(problem === "" ? "" : `no HTTP: ${problem}`)),
      Effect.repeat(UPKEEP),
      Effect.forkScoped
    )
  })
