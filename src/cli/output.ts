import { findCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { type CommandError, exitCodeOf } from "../domain/CommandError.ts"
import { formatResult } from "../text/formatResult.ts"
import { type Line, type Printed, printed, printedJson } from "../text/printed.ts"
import type { CliContext } from "./CliContext.ts"

const ended = (text: Printed): Printed => (text.endsWith("\n") ? text : (`${text}\n` as Printed))

/** Writes lines to standard error. */
export const writeStderr = (context: CliContext, ...lines: ReadonlyArray<Line>): void =>
  context.writeStderr(ended(printed(lines)))

/** Writes a result to standard output. */
export const writeStdout = (context: CliContext, text: Printed): void => {
  if (text !== "") context.writeStdout(ended(text))
}

/** Writes an error to standard error, and sets the exit code. With `--json` the last line is the error as a JSON document. */
export const exitWith = (
  context: CliContext,
  { code, hint, message }: CommandError,
  json: boolean,
  exitCode = exitCodeOf(code)
): void => {
  if (json) context.writeStderr(ended(printedJson({ error: { code, message, hint } })))
  else writeStderr(context, `error: ${message}`, `hint: ${hint}`)
  context.setExitCode(exitCode)
}

/** Writes the notes and the result of a command, as JSON or text, and sets the exit code. */
export const writeResult = async <N extends keyof Results>(
  context: CliContext,
  command: N,
  { notes, result }: { readonly result: Results[N]; readonly notes: ReadonlyArray<string> },
  payload: unknown,
  json: boolean
): Promise<void> => {
  if (notes.length > 0) writeStderr(context, ...notes)
  context.setExitCode(findCommand(command)?.exitCode?.(result) ?? 0)
  writeStdout(context, json ? printedJson(result) : await formatResult(command, result, payload, context.style()))
}
