import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { CommandError } from "../domain/CommandError.ts"
import type { HttpService } from "../http/httpServer.ts"
import type { Answered, Outcome, Request } from "./connection.ts"
import { HttpPlace } from "./HttpPlace.ts"
import { logChanges } from "./logging.ts"

/** The key whose port HTTP is served at. */
const KEY = "ports-dashboard"

const DESCRIPTION = "HTTP of d: the ports as JSON"

/** How often to check that HTTP is served at the key's port. */
const UPKEEP = Schedule.spaced(Duration.seconds(5))

/** How long a stop waits for pending responses, in milliseconds. */
const STOP_MS = 2000

const portIn = (answer: Answered): number | undefined => {
  const result = answer.ok ? answer.result : undefined
  const port = typeof result === "object" && result !== null && "port" in result ? result.port : undefined
  return typeof port === "number" ? port : undefined
}

/** Why HTTP is not served at `port`. */
const portProblem = (error: unknown, port: number): string => {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return code === "EADDRINUSE"
    ? `port ${port} of ${KEY} is in use by another program: d explain --port ${port} shows which`
    : `HTTP cannot be served at port ${port} of ${KEY}: ${error instanceof Error ? error.message : error}`
}

/**
 * Serves HTTP at the port of its key, which is assigned if it has none, and follows it to another port. The daemon goes on
 * without HTTP for as long as that fails.
 */
export const keepHttp = (route: (request: Request) => Promise<Outcome>) =>
  Effect.gen(function* () {
    const place = yield* HttpPlace
    const ask = async (request: Request): Promise<Answered> => {
      const outcome = await route({ ...request, format: "json" })
      return outcome.ok === "elsewhere" ? outcome.otherwise : outcome
    }
    // Loaded now, because a later installation of d may remove the file.
    const { serveHttp } = yield* Effect.promise(() => import("../http/httpServer.ts"))
    let service: HttpService | undefined

    const stop = async (): Promise<void> => {
      const last = service
      service = undefined
      place.set({ address: null, problem: null })
      if (last === undefined) return
      await last.close(STOP_MS)
    }

    const portOfKey = async (): Promise<number | CommandError> => {
      const known = await ask({ command: "getPort", key: KEY })
      if (known.ok || known.failure.code !== "not-set") return portIn(known) ?? (known.ok ? 0 : known.failure)
      const made = await ask({ command: "allocate", special: [KEY], description: DESCRIPTION })
      return made.ok ? (portIn(await ask({ command: "getPort", key: KEY })) ?? 0) : made.failure
    }

    /** Returns what is wrong, or "" if HTTP is served. */
    const keep = async (): Promise<string> => {
      const port = await portOfKey()
      // If the database is away, what is served stays so.
      if (typeof port !== "number") return service === undefined ? port.message : ""
      if (service?.port === port) return ""
      await stop()
      try {
        service = await serveHttp({ ask, port })
        return ""
      } catch (error) {
        return portProblem(error, port)
      }
    }

    const logProblem = logChanges()
    let address: string | null = null
    yield* Effect.addFinalizer(() => Effect.promise(stop))
    yield* Effect.promise(keep).pipe(
      Effect.uninterruptible,
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
