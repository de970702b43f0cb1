import { type Results, textOf } from "./answers.ts"
import { exitCodeOf, type Failure } from "./domain/Failure.ts"
import type { Style } from "./style.ts"

/** The room and the colours of standard output. `hasColors` honours NO_COLOR. */
export const outputStyle = (): Style => {
  const { columns, isTTY } = process.stdout
  return isTTY ? { width: columns, colour: process.stdout.hasColors() } : { width: undefined, colour: false }
}

const HELP_WIDTH = 100

/** The width that help is wrapped to. */
export const helpWidth = (): number => Math.min(process.stdout.columns ?? HELP_WIDTH, HELP_WIDTH)

/**
 * A stream that cannot be written to ends the program: quietly where its reader closed the pipe, having seen enough,
 * otherwise with a line that says that the command was carried out all the same.
 */
const outputFailed = (error: NodeJS.ErrnoException): never => {
  if (error.code === "EPIPE") process.exit()
  try {
    process.stderr.write(
      `error: the answer cannot be written: ${error.code}; what was asked was done\nhint: d listPorts\n`
    )
  } finally {
    process.exit(exitCodeOf("unavailable"))
  }
}

/** An answer that cannot be written ends the program. What stands beside it does not: there is nobody to tell. */
export const guardOutput = (): void => {
  process.stdout.on("error", outputFailed)
  process.stderr.on("error", () => {})
}

/** Writes to standard error, as far as that can be. */
export const say = (text: string): void => {
  try {
    process.stderr.write(text)
  } catch {
    // A file on a full disk; there is nobody to tell.
  }
}

/** An answer goes to standard output, and nothing else does. */
export const writeAnswer = (text: string): void => {
  if (text === "") return
  try {
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`)
  } catch (error) {
    // A file is written at once, and a full disk is thrown.
    outputFailed(error as NodeJS.ErrnoException)
  }
}

const writeNotes = (notes: ReadonlyArray<string>): void => {
  for (const note of notes) say(`${note}\n`)
}

/** With `--json` the last line of standard error is the failure as a document. */
export const writeFailure = ({ code, hint, message }: Failure, json: boolean): void => {
  say(json ? `${JSON.stringify({ error: { code, message, hint } })}\n` : `error: ${message}\nhint: ${hint}\n`)
}

/** The answer is no, and is written all the same. */
const UNHEALTHY = 1

/** What a command came to: notes first, then the answer, as a document or as text. */
export const writeReply = async <N extends keyof Results>(
  command: N,
  { notes, result }: { readonly result: Results[N]; readonly notes: ReadonlyArray<string> },
  payload: unknown,
  json: boolean
): Promise<void> => {
  writeNotes(notes)
  if (command === "doctor" && !(result as Results["doctor"]).healthy) process.exitCode = UNHEALTHY
  writeAnswer(json ? JSON.stringify(result) : await textOf(command, result, payload, outputStyle()))
}
