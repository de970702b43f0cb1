import type { CommandError } from "./CommandError.ts"

/** A command cannot be carried out: `error` says why, and what to do. */
export class CommandFailed extends Error {
  readonly error: CommandError
  constructor(error: CommandError) {
    super(error.message)
    this.error = error
  }
}
