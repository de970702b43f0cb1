import { fstatSync, writeSync } from "node:fs"
import { findCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { type CommandError, exitCodeOf } from "../domain/CommandError.ts"
import { formatResult } from "../text/formatResult.ts"
import { type Line, type Printed, printed, printedJson } from "../text/printed.ts"
import type { Style } from "../text/terminalStyle.ts"

/** Whether standard output may be a terminal. Avoids Node's streams: loading them is a tenth of the startup time. */
const mayBeTerminal = (): boolean => {
  try {
    return fstatSync(1).isCharacterDevice()
  } catch {
    return false
  }
}

/** Returns the width and the colours of standard output. `hasColors` honours NO_COLOR. */
const outputStyle = (): Style =>
  mayBeTerminal() && process.stdout.isTTY
    ? { width: process.stdout.columns, colour: process.stdout.hasColors() }
    : { width: undefined, colour: false }

const HELP_WIDTH = 100

/** Returns the width to which help is wrapped. */
export const helpWidth = (): number => Math.min(process.stdout.columns ?? HELP_WIDTH, HELP_WIDTH)

const pause = (milliseconds: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)

const FULL_MS = 5

/**
 * Writes `text` synchronously. Waits while a pipe is full that another program made non-blocking, and fails if nothing
 * could be written for `limit` milliseconds.
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

/** How long to wait for the reader of standard error, in milliseconds. After that the text is dropped. */
const READER_TIMEOUT_MS = 2000

const writeError = (text: Printed): void => {
  try {
    writeAll(2, `${text}\n`, READER_TIMEOUT_MS)
  } catch {
    // A full disk, or a reader that is gone.
  }
}

/** Writes lines to standard error. A failure to do so is ignored, because it could not be reported either. */
export const writeStderr = (...lines: ReadonlyArray<Line>): void => writeError(printed(lines))

/**
 * Exits if the result cannot be written: silently if the reader has closed the pipe, having read enough, otherwise with
 * an error that says that the command was carried out.
 */
const handleStreamError = (error: NodeJS.ErrnoException): never => {
  if (error.code === "EPIPE") process.exit()
  writeStderr(
    `error: cannot write the result: ${error.code}; the command was carried out`,
    "hint: d listPorts shows the current state"
  )
  process.exit(exitCodeOf("unavailable"))
}

/** Writes a result to standard output. Nothing else is written there. */
export const writeStdout = (text: Printed): void => {
  if (text === "") return
  try {
    writeAll(1, text.endsWith("\n") ? text : `${text}\n`, Number.POSITIVE_INFINITY)
  } catch (error) {
    handleStreamError(error as NodeJS.ErrnoException)
  }
}

/** Writes an error to standard error. With `--json` the last line is the error as a JSON document. */
export const writeCommandError = ({ code, hint, message }: CommandError, json: boolean): void => {
  if (json) writeError(printedJson({ error: { code, message, hint } }))
  else writeStderr(`error: ${message}`, `hint: ${hint}`)
}

/** Writes a command's error, and sets the exit code. */
export const exitWith = (error: CommandError, json: boolean): void => {
  writeCommandError(error, json)
  process.exitCode = exitCodeOf(error.code)
}

/** Writes the notes and the result of a command, as JSON or text, and sets the exit code. */
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
