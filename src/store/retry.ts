import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { Unavailable } from "../domain/errors.ts"
import { monotonic } from "../machine/monotonic.ts"
import type { Trouble } from "./Driver.ts"

/** A failure of the database, diagnosed. */
export class Troubled extends Data.TaggedError("Troubled")<{ readonly trouble: Trouble }> {}

/** A COMMIT was sent and not answered: it may have taken effect. */
export class CommitLost extends Data.TaggedError("CommitLost")<{ readonly trouble: Trouble }> {}

/** How long what may pass is waited for, in milliseconds. */
export interface Patience {
  /** As long as nothing moves. */
  readonly stall: number
  /** In all, while others that are in the way make progress. */
  readonly most: number
}

/** How often it is looked whether others make progress. */
const PROGRESS_MS = 1000

/**
 * Runs `effect` again, every 5 to 25 ms, as long as its failure may pass and `patience` lasts:
 *
 * - somebody is in the way, or was faster;
 * - the connection broke, and from then on also while none is to be had, for a server that restarts;
 * - a COMMIT was not answered: patience begins anew, once, because what came of it has to be found out.
 *
 * While somebody is in the way, patience also begins anew with every change of `progress`, which only others bring about.
 */
export const patiently = <A, E, R>(
  effect: Effect.Effect<A, E | Troubled | CommitLost, R>,
  patience: Patience,
  progress: Effect.Effect<unknown, unknown> = Effect.void
) =>
  // What succeeds at once goes through as little as it can: that is every question of a program that starts.
  Effect.flatMap(monotonic, (began) =>
    Effect.catchAll(effect, (first) => again(effect, patience, progress, began, first))
  )

const again = <A, E, R>(
  effect: Effect.Effect<A, E | Troubled | CommitLost, R>,
  patience: Patience,
  progress: Effect.Effect<unknown, unknown>,
  began: number,
  first: E | Troubled | CommitLost
) =>
  Effect.gen(function* () {
    /** When something moved last, and when it is over whatever moves. */
    let moved = began
    let end = began + patience.most
    let lookedAt = began
    let known: unknown
    let lost = false
    let searching = false
    for (let error = first; ; ) {
      if (!(error instanceof Troubled || error instanceof CommitLost)) return yield* Effect.fail(error)
      const { _tag } = error.trouble
      const now = yield* monotonic
      if (error instanceof CommitLost && !searching) {
        searching = true
        moved = now
        end = Math.max(end, now + patience.stall)
      }
      // A server may also end a statement that waits for a lock, for the time that it took.
      const mayBeQueued = patience.stall < patience.most && (_tag === "Busy" || _tag === "Lost")
      if (mayBeQueued && now - lookedAt >= PROGRESS_MS) {
        lookedAt = now
        const seen = yield* Effect.orElseSucceed(Effect.timeout(progress, PROGRESS_MS), () => undefined)
        // The first look has nothing to compare with. It counts if it could not be earlier.
        const hasMoved = known === undefined ? now - began >= patience.stall : seen !== known
        if (seen !== undefined && hasMoved) moved = now
        known = seen ?? known
      }
      if (_tag === "Lost" || error instanceof CommitLost) lost = true
      const passes = _tag === "Busy" || _tag === "Duplicate" || _tag === "Lost" || (_tag === "Down" && lost)
      if (!passes || now >= Math.min(end, moved + patience.stall)) return yield* Effect.fail(error)
      yield* Effect.sleep(yield* Random.nextIntBetween(5, 26))
      const result = yield* Effect.either(effect)
      if (result._tag === "Right") return result.right
      error = result.left
    }
  })

/** The sentence for what did not pass. `store` names the database. */
export const unavailable = (store: string, trouble: Trouble): Unavailable => {
  switch (trouble._tag) {
    case "MissingTable":
      return new Unavailable({
        store,
        fault: "rights",
        reason: "a table is missing and cannot be made",
        hint: "look at the rights of its user"
      })
    case "Outdated":
      return new Unavailable({
        store,
        fault: "other",
        reason: "its tables are of an older version",
        hint: "d doctor --fix brings them up to date"
      })
    case "Duplicate":
      return new Unavailable({
        store,
        fault: "other",
        reason: "another program keeps writing the same row",
        hint: "try again"
      })
    default:
      return new Unavailable({
        store,
        fault: trouble.fault ?? (trouble._tag === "Down" ? "down" : "other"),
        reason: trouble.reason,
        hint: trouble.hint
      })
  }
}
