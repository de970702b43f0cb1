import { fstatSync, writeSync } from "node:fs"
import { findCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { type CommandError, exitCodeOf } from "../domain/CommandError.ts"
import { formatResult } from "../text/formatResult.ts"
import { type Line, type Printed, printed, printedJson } from "../text/printed.ts"
import type { Style } from "../text/terminalStyle.ts"

/** Whether standard output may be a terminal, found out without Node's streams: to load them is a tenth of a start. */
const mayBeTerminal = (): boolean => {
  try {
    return fstatSync(1).isCharacterDevice()
  } catch {
    return false
  }
}

/** The room and the colours of standard output. `hasColors` honours NO_COLOR. */
export const outputStyle = (): Style =>
  mayBeTerminal() && process.stdout.isTTY
    ? { width: process.stdout.columns, colour: process.stdout.hasColors() }
    : { width: undefined, colour: false }

const HELP_WIDTH = 100

/** The width that help is wrapped to. */
export const helpWidth = (): number => Math.min(process.stdout.columns ?? HELP_WIDTH, HELP_WIDTH)

const pause = (milliseconds: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)

const FULL_MS = 5

/**
 * Writes `text` at once, and waits while a pipe is full that another program has made non-blocking; after `limit`
 * milliseconds that fails.
 */
const writeAll = (descriptor: 1 | 2, text: string, limit: number): void => {
  let rest = Buffer.from(text)
  for (let waited = 0; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
      waited = 0
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || waited >= limit) throw error
      pause(FULL_MS)
      waited += FULL_MS
    }
  }
}

/** Who does not read what goes wrong for so long, in milliseconds, is not told. */
const READER_TIMEOUT_MS = 2000

const writeError = (text: Printed): void => {
  try {
    writeAll(2, `${text}\n`, READER_TIMEOUT_MS)
  } catch {
    // A full disk, or a reader that has left.
  }
}

/** Writes lines to standard error, as far as that can be: if it cannot, there is nobody to tell. */
export const writeStderr = (...lines: ReadonlyArray<Line>): void => writeError(printed(lines))

/**
 * An answer that cannot be written ends the program: quietly if its reader closed the pipe, having seen enough,
 * otherwise with a line that says that the command was carried out all the same.
 */
const handleStreamError = (error: NodeJS.ErrnoException): never => {
  if (error.code === "EPIPE") process.exit()
  writeStderr(`error: the answer cannot be written: ${error.code}; what was asked was done`, "hint: d listPorts")
  process.exit(exitCodeOf("unavailable"))
}

/** An answer goes to standard output, and nothing else does. */
export const writeStdout = (text: Printed): void => {
  if (text === "") return
  try {
    writeAll(1, text.endsWith("\n") ? text : `${text}\n`, Number.POSITIVE_INFINITY)
  } catch (error) {
    handleStreamError(error as NodeJS.ErrnoException)
  }
}

/** With `--json` the last line of standard error is the failure as a document. */
export const writeCommandError = ({ code, hint, message }: CommandError, json: boolean): void => {
  if (json) writeError(printedJson({ error: { code, message, hint } }))
  else writeStderr(`error: ${message}`, `hint: ${hint}`)
}

/** Writes a command's error, and sets the exit code. */
export const exitWith = (error: CommandError, json: boolean): void => {
  writeCommandError(error, json)
  process.exitCode = exitCodeOf(error.code)
}

/** What a command came to: notes first, then the answer, as a document or as text. */
export const writeResult = async <N extends keyof Results>(
  command: N,
  { notes, result }: { readonly result: Results[N]; readonly notes: ReadonlyArray<string> },
  payload: unknown,
  json: boolean
): Promise<void> => {
  if (notes.length > 0) writeError(printed(notes))
  process.exitCode = findCommand(command)?.exitCode?.(result) ?? 0
  writeStdout(json ? printedJson(result) : await formatResult(command, result, payload, outputStyle()))
}
