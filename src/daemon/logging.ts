import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Logger from "effect/Logger"
import { printed } from "../text/printed.ts"

const escapedLine = (value: unknown): unknown => (typeof value === "string" ? printed([value]) : value)

/** A bug's stack trace keeps its lines. */
const escapedLines = (cause: Cause.Cause<unknown>) =>
  Cause.isEmpty(cause) ? [] : [printed(Cause.pretty(cause).split("\n"))]

/** Escapes an entry before the terminal logger adds its colours. */
const forTerminal = (entry: Logger.Logger.Options<unknown>): Logger.Logger.Options<unknown> => ({
  ...entry,
  message: [...Arr.ensure(entry.message).map(escapedLine), ...escapedLines(entry.cause)],
  cause: Cause.empty,
  annotations: HashMap.map(entry.annotations, escapedLine)
})

/** Logs to standard error: for people on a terminal, one structured line per entry otherwise. */
export const logging = Logger.replace(
  Logger.defaultLogger,
  process.stderr.isTTY
    ? Logger.mapInputOptions(
        Logger.prettyLogger({ stderr: true, mode: "tty", colors: process.stderr.hasColors() }),
        forTerminal
      )
    : Logger.withConsoleError(Logger.map(Logger.logfmtLogger, (line) => printed([line])))
)

/** Returns a function that logs a problem once for as long as it stays the same. "" means that there is no problem. */
export const logChanges = () => {
  let logged = ""
  return (problem: string) =>
    Effect.suspend(() => {
      if (problem === logged) return Effect.void
      logged = problem
      return problem === "" ? Effect.void : Effect.logWarning(problem)
    })
}
