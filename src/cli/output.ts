import { findCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { type CommandError, exitCodeOf } from "../domain/CommandError.ts"
import { formatResult } from "../text/formatResult.ts"
import { type Line, type Printed, printed, printedJson } from "../text/printed.ts"
import type { CliContext } from "./CliContext.ts"

const ended = (text: Printed): Printed => (text.endsWith("\n") ? text : (`${text}\n` as Printed))

/** Writes lines to standard error as they are. */
export const writeStderr = (context: CliContext, ...lines: ReadonlyArray<Line>): void =>
  context.writeStderr(ended(printed(lines)))

/** Whether a terminal of this width shows `line` as it should be, so that nothing has to be loaded to wrap it. */
const fits = (line: string, width: number): boolean =>
  line.length <= width && /^[ -~]*$/.test(line) && !/\dT\d\d:/.test(line)

/** Writes sentences to standard error: notes, errors and hints. On a terminal they are wrapped, and their times local. */
export const tell = async (context: CliContext, ...lines: ReadonlyArray<string>): Promise<void> => {
  const width = context.errorWidth()
  if (width === undefined || lines.every((line) => fits(line, width))) return writeStderr(context, ...lines)
  // Not while npm replaces the files of d, which is then the error.
  const loaded = await import("../text/terminalText.ts").catch(() => undefined)
  if (loaded === undefined) return writeStderr(context, ...lines)
  const { localTimes, wrapped } = loaded
  context.writeStderr(ended(wrapped(printed(lines.map((line) => localTimes(line))), width)))
}

/** Writes a result to standard output. */
export const writeStdout = (context: CliContext, text: Printed): void => {
  if (text !== "") context.writeStdout(ended(text))
}

/** Writes an error to standard error, and sets the exit code. With `--json` the last line is the error as a JSON document. */
export const exitWith = async (
  context: CliContext,
  { code, hint, message }: CommandError,
  json: boolean,
  exitCode = exitCodeOf(code)
): Promise<void> => {
  context.setExitCode(exitCode)
  if (json) context.writeStderr(ended(printedJson({ error: { code, message, hint } })))
  else await tell(context, `error: ${message}`, `hint: ${hint}`)
}

/** Writes the notes and the result of a command, as JSON or text, and sets the exit code. */
export const writeResult = async <N extends keyof Results>(
  context: CliContext,
  command: N,
  { notes, result }: { readonly result: Results[N]; readonly notes: ReadonlyArray<string> },
  payload: unknown,
  json: boolean
): Promise<void> => {
  if (notes.length > 0) await tell(context, ...notes)
  context.setExitCode(findCommand(command)?.exitCode?.(result) ?? 0)
  writeStdout(context, json ? printedJson(result) : await formatResult(command, result, payload, context.style()))
}
