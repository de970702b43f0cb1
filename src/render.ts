import { type Results, textOf } from "./answers.ts"
import type { Failure } from "./domain/Failure.ts"
import type { Style } from "./style.ts"

/** The room and the colours of standard output. `hasColors` honours NO_COLOR. */
export const outputStyle = (): Style => {
  const { columns, isTTY } = process.stdout
  return isTTY ? { width: columns, colour: process.stdout.hasColors() } : { width: undefined, colour: false }
}

const HELP_WIDTH = 100

/** The width that help is wrapped to. */
export const helpWidth = (): number => Math.min(process.stdout.columns ?? HELP_WIDTH, HELP_WIDTH)

/** An answer goes to standard output, and nothing else does. */
export const writeAnswer = (text: string): void => {
  if (text !== "") process.stdout.write(text.endsWith("\n") ? text : `${text}\n`)
}

const writeNotes = (notes: ReadonlyArray<string>): void => {
  for (const note of notes) process.stderr.write(`${note}\n`)
}

/** With `--json` the last line of standard error is the failure as a document. */
export const writeFailure = ({ code, hint, message }: Failure, json: boolean): void => {
  process.stderr.write(
    json ? `${JSON.stringify({ error: { code, message, hint } })}\n` : `error: ${message}\nhint: ${hint}\n`
  )
}

/** What a command came to: notes first, then the answer, as a document or as text. */
export const writeReply = async <N extends keyof Results>(
  command: N,
  { notes, result }: { readonly result: Results[N]; readonly notes: ReadonlyArray<string> },
  payload: unknown,
  json: boolean
): Promise<void> => {
  writeNotes(notes)
  writeAnswer(json ? JSON.stringify(result) : await textOf(command, result, payload, outputStyle()))
}
