import type { CommandError, ErrorCode } from "../domain/CommandError.ts"

/** An error as HTTP answers it: one of a command, or one that only HTTP has. */
export interface HttpError {
  readonly code: ErrorCode | keyof typeof OWN
  readonly message: string
  readonly hint: string
}

/** The status of each error that only HTTP has. */
const OWN = {
  "bad-request": 400,
  unauthorized: 401,
  forbidden: 403,
  "no-such-path": 404,
  "wrong-method": 405,
  "length-required": 411,
  "too-large": 413,
  "wrong-type": 415,
  "too-many": 503
} as const

const STATUS: Readonly<Record<HttpError["code"], number>> = {
  "not-set": 404,
  "not-found": 404,
  conflict: 409,
  "range-full": 409,
  invalid: 400,
  "missing-argument": 400,
  "unknown-command": 404,
  unavailable: 503,
  "outcome-unknown": 503,
  "other-store": 409,
  internal: 500,
  ...OWN
}

export const statusOf = ({ code }: HttpError): number => STATUS[code]

/** How long a request may wait before its command is started, in milliseconds. */
export const START_MS = 20_000

/** What a command comes to, by the daemon's router. */
export type Answer =
  | { readonly ok: true; readonly result: unknown; readonly notes: ReadonlyArray<string> }
  | { readonly ok: false; readonly failure: CommandError }

/** Runs a command as a client of the socket would, with `"format":"json"`. It never rejects. */
export type Ask = (request: Readonly<Record<string, unknown>>) => Promise<Answer>
