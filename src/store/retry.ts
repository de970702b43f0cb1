import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { Unavailable } from "../domain/errors.ts"
import { monotonic } from "../machine/monotonic.ts"
import { CommitLost, DatabaseFailure, type FailureKind } from "./failures.ts"

/** How long transient failures are retried, in milliseconds. */
export interface RetryLimits {
  /** While nothing makes progress. */
  readonly stalled: number
  /** In total, while others hold the lock and make progress. */
  readonly total: number
}

/** How often it is checked whether others make progress, in milliseconds. */
const PROGRESS_MS = 1000

/** The state of an effect that is being retried. Times are milliseconds of the monotonic clock. */
interface Attempts {
  readonly began: number
  /** When anything last made progress. */
  readonly movedAt: number
  /** The last time to retry, whatever makes progress. */
  readonly end: number
  readonly checkedAt: number
  /** The value of `progress` at the last check. */
  readonly progress: unknown
  /** Whether the connection broke, so that the server may be restarting. */
  readonly disconnected: boolean
  /** Whether the outcome of a lost COMMIT is being determined. */
  readonly recovering: boolean
}

type Retryable = DatabaseFailure | CommitLost

const isRetryable = (error: unknown): error is Retryable =>
  error instanceof DatabaseFailure || error instanceof CommitLost

/** Whether another attempt may succeed. */
const isTransient = ({ _tag }: FailureKind, { disconnected }: Attempts): boolean =>
  _tag === "Contended" || _tag === "Duplicate" || _tag === "ConnectionLost" || (_tag === "Unreachable" && disconnected)

/** Counts a failed attempt, which ended at `now`. The time to recover a lost COMMIT is granted once. */
const counted = (attempts: Attempts, error: Retryable, now: number, { stalled }: RetryLimits): Attempts => {
  const lost = error instanceof CommitLost
  const disconnected = attempts.disconnected || lost || error.kind._tag === "ConnectionLost"
  return lost && !attempts.recovering
    ? { ...attempts, disconnected, recovering: true, movedAt: now, end: Math.max(attempts.end, now + stalled) }
    : { ...attempts, disconnected }
}

/** Checks whether others have made progress, if they may be in the way and a check is due. */
const checked = (
  attempts: Attempts,
  { _tag }: FailureKind,
  now: number,
  { stalled, total }: RetryLimits,
  progress: Effect.Effect<unknown, unknown>
): Effect.Effect<Attempts> => {
  // A server may also end a statement that waits for a lock because it took too long.
  const mayBeQueued = stalled < total && (_tag === "Contended" || _tag === "ConnectionLost")
  if (!mayBeQueued || now - attempts.checkedAt < PROGRESS_MS) return Effect.succeed(attempts)
  const current = Effect.orElseSucceed(Effect.timeout(progress, PROGRESS_MS), () => undefined)
  return Effect.map(current, (seen) => {
    // The first check has nothing to compare with. If it was only possible after the limit, it counts as progress.
    const hasMoved = attempts.progress === undefined ? now - attempts.began >= stalled : seen !== attempts.progress
    return {
      ...attempts,
      checkedAt: now,
      movedAt: seen !== undefined && hasMoved ? now : attempts.movedAt,
      progress: seen ?? attempts.progress
    }
  })
}

/**
 * Retries `effect` every 5 to 25 ms, within `limits`, as long as its failure is transient:
 *
 * - another transaction is in the way, or was faster;
 * - the connection broke, and after that also while none can be made, because the server may be restarting;
 * - the outcome of a COMMIT is unknown: the limits start again, once, because it has to be determined.
 *
 * While another transaction is in the way, `limits.stalled` starts again whenever `progress` changes.
 */
export const withRetry = <A, E, R>(
  effect: Effect.Effect<A, E | DatabaseFailure | CommitLost, R>,
  limits: RetryLimits,
  progress: Effect.Effect<unknown, unknown> = Effect.void
) =>
  // No retry machinery unless the first attempt fails: every query of a program that starts goes through here.
  Effect.flatMap(monotonic, (began) =>
    Effect.catchAll(effect, (first) => retry(effect, limits, progress, began, first))
  )

const retry = <A, E, R>(
  effect: Effect.Effect<A, E | DatabaseFailure | CommitLost, R>,
  limits: RetryLimits,
  progress: Effect.Effect<unknown, unknown>,
  began: number,
  first: E | DatabaseFailure | CommitLost
) =>
  Effect.gen(function* () {
    let error = first
    let attempts: Attempts = {
      began,
      movedAt: began,
      end: began + limits.total,
      checkedAt: began,
      progress: undefined,
      disconnected: false,
      recovering: false
    }
    while (true) {
      if (!isRetryable(error)) return yield* Effect.fail(error)
      const now = yield* monotonic
      attempts = yield* checked(counted(attempts, error, now, limits), error.kind, now, limits, progress)
      const isOver = now >= Math.min(attempts.end, attempts.movedAt + limits.stalled)
      if (isOver || !isTransient(error.kind, attempts)) return yield* Effect.fail(error)
      yield* Effect.sleep(yield* Random.nextIntBetween(5, 26))
      const result = yield* Effect.either(effect)
      if (result._tag === "Right") return result.right
      error = result.left
    }
  })

/** Turns a failure that retries did not resolve into the error of the public API. `store` names the database. */
export const unavailable = (store: string, kind: FailureKind): Unavailable => {
  switch (kind._tag) {
    case "MissingTable":
      return new Unavailable({
        store,
        fault: "rights",
        reason: "a table is missing and cannot be created",
        hint: "check the rights of its user"
      })
    case "Outdated":
      return new Unavailable({
        store,
        fault: "other",
        reason: "its tables have an older version",
        hint: "d doctor --fix upgrades them"
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
        fault: kind.fault ?? (kind._tag === "Unreachable" ? "down" : "other"),
        reason: kind.reason,
        hint: kind.hint
      })
  }
}
