/** Why a command failed: the code that every client gets. */
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

/** An error as users see it: what is wrong with which value, and the next command. */
export interface CommandError {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}

/** The error of a command in which several things may have failed. */
export interface LastError extends CommandError {
  /** What failed before. */
  readonly earlier?: ReadonlyArray<CommandError>
}

/** 1: negative answer. 2: usage or configuration error. 3: registry unreachable, or outcome unknown. 70: a bug. */
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

/** The error if the daemon took a command and did not reply; `why` is why the outcome is unknown. */
export const outcomeUnknown = (why: string): CommandError => ({
  code: "outcome-unknown",
  message: `cannot tell whether the change was made: the daemon accepted the command and did not reply, and ${why}`,
  hint: "d listPorts shows the current state"
})

export const exitCodeOf = (code: ErrorCode): number => EXIT_CODES[code]

/** The error if `d` failed in a way that it has no word for; a trace is printed before it. */
export const BUG_IN_D: CommandError = {
  code: "internal",
  message: "this is a bug in d",
  hint: "report it with the lines above"
}
