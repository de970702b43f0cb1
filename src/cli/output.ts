import { commands, findCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { exitCodeOf, type LastError } from "../domain/CommandError.ts"
import { formatResult } from "../text/formatResult.ts"
import { type Line, type Printed, printed, printedJson } from "../text/printed.ts"
import type { AskContext, CliContext } from "./CliContext.ts"

const ended = (text: Printed): Printed => (text.endsWith("\n") ? text : (`${text}\n` as Printed))

/** Writes lines to standard error as they are. */
export const writeStderr = (context: AskContext, ...lines: ReadonlyArray<Line>): void =>
  context.writeStderr(ended(printed(lines)))

/** Whether a terminal of this width shows `line` as it should be, so that nothing has to be loaded to wrap it. */
const fits = (line: string, width: number): boolean =>
  line.length <= width && /^[ -~]*$/.test(line) && !/\dT\d\d:/.test(line)

/** Writes sentences to standard error: notes, errors and hints. On a terminal they are wrapped, and their times local. */
export const tell = async (context: AskContext, ...lines: ReadonlyArray<string>): Promise<void> => {
  const width = context.errorWidth()
  if (width === undefined || lines.every((line) => fits(line, width))) return writeStderr(context, ...lines)
  // Not while npm replaces the files of d, which is then the error.
  const loaded = await import("../text/terminalText.ts").catch(() => undefined)
  if (loaded === undefined) return writeStderr(context, ...lines)
  const { localTimes, wrapped } = loaded
  context.writeStderr(ended(wrapped(printed(lines.map((line) => localTimes(line))), width)))
}

/** The exit code if the user cancels, as after Ctrl-C. */
export const LEFT = 130

/** Why standard output cannot be written, by the system's error code. */
const REASONS: Readonly<Record<string, string>> = {
  EDQUOT: "the disk quota is exceeded",
  EIO: "its disk or terminal reports an error",
  ENOSPC: "its disk is full"
}

/** Writes a result to standard output, or reports that it cannot be written. `changed` if the command may have changed something. */
export const writeStdout = async (context: CliContext, text: Printed, json = false, changed = false): Promise<void> => {
  if (text === "") return
  const code = context.writeStdout(ended(text))
  if (code === undefined) return
  const reason = `cannot write to standard output: ${REASONS[code] ?? `the system says ${code}`}`
  const failure = changed
    ? { message: `${reason}; the command was carried out`, hint: "d listPorts shows the current state" }
    : { message: reason, hint: "free some space, or send it elsewhere" }
  await exitWith(context, { code: "unavailable", ...failure }, json)
}

/** Writes an error to standard error, and sets the exit code. With `--json` the last line is the error as a JSON document. */
export const exitWith = async (
  context: CliContext,
  { earlier = [], ...last }: LastError,
  json: boolean,
  exitCode = exitCodeOf(last.code)
): Promise<void> => {
  context.setExitCode(exitCode)
  const all = [...earlier, last].map(({ code, hint, message }) => ({ code, message, hint }))
  const document = { error: all.at(-1), ...(all.length > 1 ? { errors: all } : {}) }
  if (json) context.writeStderr(ended(printedJson(document)))
  else await tell(context, ...all.flatMap(({ hint, message }) => [`error: ${message}`, `hint: ${hint}`]))
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
  const text = json ? printedJson(result) : await formatResult(command, result, payload, context.style())
  await writeStdout(context, text, json, !commands[command].readOnly)
}
