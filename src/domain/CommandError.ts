/** Why a command failed, in the words every client gets. */
export type ErrorCode =
  | "not-set"
  | "not-found"
  | "conflict"
  | "range-full"
  | "invalid"
  | "missing-argument"
  | "unknown-command"
  | "unavailable"
  | "outcome-unknown"
  | "other-store"
  | "internal"

/** A failure as it is shown: what is wrong, with which value, and what to type next. */
export interface CommandError {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}

/** 1: the answer is no. 2: the call is wrong. 3: the registry cannot be reached or sure. 70: a bug. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  "not-set": 1,
  "not-found": 1,
  conflict: 1,
  "range-full": 1,
  invalid: 2,
  "missing-argument": 2,
  "unknown-command": 2,
  unavailable: 3,
  "outcome-unknown": 3,
  "other-store": 3,
  internal: 70
}

/** What is said if the daemon took a command and did not answer, and `why` nobody else can tell what became of it. */
export const outcomeUnknown = (why: string): CommandError => ({
  code: "outcome-unknown",
  message: `cannot tell whether it was done: the daemon took the command and did not answer, and ${why}`,
  hint: "d listPorts shows what is true"
})

export const exitCodeOf = (code: ErrorCode): number => EXIT_CODES[code]
