import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import { joined, type Printed, printed, type Span } from "../text/printed.ts"
import { type Paint, painter, type Style } from "../text/terminalStyle.ts"
import { wrapped } from "../text/terminalText.ts"

const FORMATS: Readonly<Record<string, Parameters<Paint>[0]>> = { Error: "red", Warning: "yellow" }

/** Returns what comes before a message; nothing if it is only information. */
const labelOf = ({ _tag }: LogLevel.LogLevel): ReadonlyArray<Span> =>
  _tag === "Info" ? [] : [{ format: FORMATS[_tag] ?? "dim", text: `${_tag.toLowerCase()}:` }, " "]

/** Formats an entry for a person: the time of day and the message, then a line for each annotation. */
export const logEntry = (
  { annotations, cause, date, logLevel, message }: Logger.Logger.Options<unknown>,
  { colour, width }: Pick<Style, "colour" | "width">
): Printed => {
  const time: Span = { format: "dim", text: date.toTimeString().slice(0, 8) }
  const lines = [
    [time, " ", ...labelOf(logLevel), Arr.ensure(message).map(String).join(" ")],
    ...HashMap.toEntries(annotations).map(([name, value]) => `  ${name}: ${value}`)
  ]
  const entry = wrapped(printed(lines, painter(colour)), width)
  // A bug's stack trace keeps its lines.
  return Cause.isEmpty(cause) ? entry : joined([entry, printed(Cause.pretty(cause).split("\n"))])
}

const terminalLogger = Logger.make((entry) => {
  const { columns } = process.stderr
  console.error(logEntry(entry, { colour: process.stderr.hasColors(), width: columns || undefined }))
})

/** Logs to standard error: for people on a terminal, one structured line per entry otherwise. */
export const logging = Logger.replace(
  Logger.defaultLogger,
  process.stderr.isTTY
    ? terminalLogger
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
