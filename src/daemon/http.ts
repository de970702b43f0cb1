import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type { CommandError } from "../domain/CommandError.ts"
import type { HttpService } from "../http/httpServer.ts"
import { HealthMonitor } from "../monitor/HealthMonitor.ts"
import type { Answered, Request } from "./connection.ts"
import { programRemoved } from "./ending.ts"
import { HttpPlace } from "./HttpPlace.ts"
import { keepHttpFile, makeProof } from "./httpFile.ts"
import { logChanges } from "./logging.ts"
import { makeLook } from "./look.ts"
import { makeSnapshot } from "./snapshot.ts"
import type { Route, timing } from "./timing.ts"

type Observe = ReturnType<typeof timing>["observe"]

/** The key whose port HTTP is served at. */
const KEY = "ports-dashboard"

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
  return typeof port === "number" ? port : `${KEY} has no port`
}

/** Why HTTP is not served at `port`. */
const portProblem = (error: unknown, port: number): string => {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return code === "EADDRINUSE"
    ? `port ${port} of ${KEY} is in use by another program: d explain --port ${port} shows which`
    : `HTTP cannot be served at port ${port} of ${KEY}: ${error instanceof Error ? error.message : error}`
}

/** Serves HTTP as soon as `d dashboard` asks for it. */
export const onceTurnedOn = <R>(http: Effect.Effect<void, CommandError, R>) =>
  Effect.gen(function* () {
    const place = yield* HttpPlace
    yield* place.turnedOn
    yield* Effect.catchAll(http, ({ message }) => {
      place.set({ address: null, problem: message })
      return Effect.logWarning(`no HTTP: ${message}`)
    })
  })

interface Keeping {
  readonly observe: Observe
  readonly route: Route
  readonly socket: string
  /** Names the registry to the shells that ask. */
  readonly registry: string
}

/**
 * Serves HTTP at the port of its key, which is assigned if it has none, and follows it to another port. The daemon goes on
 * without HTTP for as long as that fails.
 */
export const keepHttp = ({ observe, route, ...beside }: Keeping) =>
  Effect.gen(function* () {
    const place = yield* HttpPlace
    const file = keepHttpFile(beside.socket, beside.registry)
    const ask = async (request: Request): Promise<Answered> => {
      const outcome = await route({ ...request, format: "json" })
      return outcome.ok === "elsewhere" ? outcome.otherwise : outcome
    }
    // Loaded now, because a later installation of d may remove the file.
    const { makeHttp } = yield* Effect.tryPromise({
      try: () => import("../http/httpServer.ts"),
      catch: programRemoved
    })
    const runtime = yield* Effect.runtime()
    const snapshot = yield* makeSnapshot
    const look = yield* makeLook
    const http = makeHttp({
      ask,
      snapshot: () => Runtime.runPromise(runtime, snapshot),
      look: () => Runtime.runPromise(runtime, look),
      token: place.token
    })
    observe(http.request)
    const monitor = yield* HealthMonitor
    yield* monitor.observeTicks(({ durationMs }) => http.tick(durationMs / 1000))
    let service: HttpService | undefined
    let isEnding = false

    const stop = async (): Promise<void> => {
      const last = service
      service = undefined
      file.end()
      place.set({ address: null, problem: null })
      if (last === undefined) return
      await last.close(STOP_MS)
    }

    const portOfKey = async (): Promise<number | string> => {
      const known = await ask({ command: "getPort", key: KEY })
      if (known.ok || known.failure.code !== "not-set") return portIn(known)
      const made = await ask({ command: "allocate", special: [KEY], description: DESCRIPTION })
      return made.ok ? portIn(await ask({ command: "getPort", key: KEY })) : made.failure.message
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
    place.set({ address, problem: null })
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
        place.set({ address, problem: problem === "" ? null : problem })
        return address !== null && address !== before
          ? Effect.annotateLogs(Effect.logInfo("serving HTTP"), { address })
          : Effect.void
      }),
      Effect.tap((problem) => logProblem(problem === "" ? "" : `no HTTP: ${problem}`)),
      Effect.repeat(UPKEEP),
      Effect.forkScoped
    )
  })
