import type { CommandError } from "./CommandError.ts"

/** A command cannot be carried out: `error` says why, and what to do. */
export class CommandFailed extends Error {
  readonly error: CommandError
  /** `cause` is what it was made of, for those who know better what to do about it. */
  constructor(error: CommandError, cause?: unknown) {
    super(error.message, { cause })
    this.error = error
  }
}
