import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { CommandError } from "../domain/CommandError.ts"

const BUG: CommandError = {
  code: "internal",
  message: "this is a bug in the daemon",
  hint: "report it with the lines in its log"
}

/** Logs a bug that was met by `what`, and returns the error to answer. */
export const bugIn = (what: string, cause: Cause.Cause<unknown>): Effect.Effect<CommandError> =>
  Effect.as(Effect.logError(`${what} met a bug`, cause), BUG)
