import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Actor } from "../config/Config.ts"
import { type KeyCollision, type OutcomeUnknown, type Overtaken, TooLate, type Unavailable } from "../domain/errors.ts"
import { type Done, Operation } from "../domain/Operation.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { RequestDeadline } from "../domain/RequestDeadline.ts"
import { nameOf } from "../text/describe.ts"
import { quote } from "../text/escape.ts"
import { type ChangeExecutor, RowChanged } from "./executeChanges.ts"
import { CommitLost, DatabaseFailure } from "./failures.ts"
import { groupCommit } from "./groupCommit.ts"
import type { RegistryTables } from "./registryTables.ts"
import { type Kept, registryTransaction } from "./registryTransaction.ts"
import { rejected } from "./requirements.ts"
import type { QueryRunner } from "./runQuery.ts"
import { transaction } from "./transaction.ts"
import { type Attempted, type Decision, type DecisionExit, makeWriteAttempt, type Plan } from "./writeAttempt.ts"

export interface WriteOptions<A> {
  readonly prepare?: Decision["prepare"]
  readonly answerAgain?: (events: ReadonlyArray<Done>) => A
}

/** How long the decisions of a failed group are written one by one before others go on, in milliseconds. */
const ONE_BY_ONE_MS = 1000

/** How often a row may change under us before it is considered one that no statement can match. */
const CONFLICTS_MAX = 20

/** The error for a row whose value does not equal the text we read: NULL, or a number in a column without a type. */
const unmatchable = ({ key, stored }: RowChanged) =>
  rejected(
    `the row of ${nameOf(key)} (${quote(stored)}) keeps changing, or is not stored as text`,
    "rewrite that row as text with the program that made it"
  )

/** Whether a failure concerns the whole group: the database is away, or another transaction is in the way. */
const concernsAll = (cause: Cause.Cause<unknown>): boolean => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  return error instanceof DatabaseFailure && error.kind._tag !== "Rejected"
}

/**
 * Makes `Store.write`, the only way to change the registry. In one transaction, `decide` gets the whole registry, and
 * the changes that it returns are written with claims and history. `decide` may run several times.
 */
export const makeWriter = (actor: Actor, runner: QueryRunner, tables: RegistryTables, executor: ChangeExecutor) => {
  const attempt = makeWriteAttempt(actor, runner, executor)

  /**
   * The maximum group size. Halved after a failed attempt and doubled after a success: a larger group takes longer, and
   * on a cluster, where the faster transaction wins, one that always takes longer would never finish.
   */
  let maxGroupSize = Number.POSITIVE_INFINITY

  /** The state that the last transaction left. */
  let kept: Kept | undefined

  /**
   * Writes a group of decisions in one transaction, and returns the outcome of each. It may leave out the last ones.
   *
   * If the outcome of a COMMIT is unknown, a transaction of its own determines it before anything else is done. That
   * one waits for the lock behind the lost one, or, on another node of a cluster, excludes it by committing: so it
   * finds the history of the lost one, or knows that there will be none. Only if no transaction gets that far does the
   * outcome stay unknown.
   */
  const writeGroup = (decisions: ReadonlyArray<Decision>): Effect.Effect<ReadonlyArray<DecisionExit>> =>
    Effect.suspend(() => {
      // The global `crypto`, because importing it would cost every process that only reads.
      const batch = crypto.randomUUID()
      const repeatable = decisions.filter((each) => each.repeatable).map(({ operation }) => operation)
      let attempted: Attempted | undefined
      /** The attempt whose COMMIT was lost, and the error. */
      let unresolved: { readonly attempted: Attempted; readonly error: CommitLost } | undefined
      let optimistic = true
      let conflicts = 0

      const wasCommitted = ({ written }: Attempted) =>
        Effect.gen(function* () {
          if (yield* tables.wasWritten(written.operations, written.at)) return true
          yield* executor.touch(crypto.randomUUID())
          return false
        })

      const once = Effect.gen(function* () {
        if (unresolved !== undefined) {
          const before = unresolved.attempted
          if (yield* runner.provide(transaction(() => wasCommitted(before)))) return before.exits
          unresolved = undefined
        }
        attempted = undefined
        const since = kept
        kept = undefined
        const options = {
          batch,
          maxGroupSize,
          optimistic,
          onAttempted: (made: Attempted) => {
            attempted = made
          },
          onCommitted: (left: Kept | undefined) => {
            kept = left
          }
        }
        const exits = yield* runner.provide(
          registryTransaction(
            runner,
            tables,
            (found, commitWith) =>
              Effect.tap(attempt(decisions, found, options, commitWith), () => {
                // If COMMIT fails now, the next attempt shows which statement failed.
                optimistic = false
              }),
            repeatable,
            since
          )
        )
        maxGroupSize *= 2
        return exits
      })

      const attempts = once.pipe(
        Effect.mapError((error) => {
          if (attempted !== undefined) maxGroupSize = Math.max(1, Math.floor(attempted.exits.length / 2))
          return error instanceof RowChanged && ++conflicts > CONFLICTS_MAX ? unmatchable(error) : error
        }),
        runner.classified,
        Effect.mapError((error) => {
          if (error instanceof CommitLost && attempted !== undefined) unresolved = { attempted, error }
          // While a lost COMMIT is unresolved, that stays the error, whatever else fails.
          return unresolved !== undefined && error instanceof DatabaseFailure ? unresolved.error : error
        })
      )

      return Effect.catchAllCause(runner.withRetryAndSchema(attempts), (cause) => {
        // A statement that is rejected, or a bug, may concern only one of them.
        if (decisions.length > 1 && unresolved === undefined && !concernsAll(cause)) return oneByOne(decisions)
        const concerned = unresolved?.attempted.exits ?? decisions
        return Effect.map(Effect.exit(runner.toPublicError(Effect.failCause(cause))), (exit) =>
          concerned.map(() => exit)
        )
      })
    })

  /** Writes each decision in a transaction of its own, until ONE_BY_ONE_MS have passed. */
  const oneByOne = Effect.fnUntraced(function* (decisions: ReadonlyArray<Decision>) {
    const began = performance.now()
    const exits: Array<DecisionExit> = []
    for (const decision of decisions) {
      exits.push(...(yield* writeGroup([decision])))
      if (performance.now() - began > ONE_BY_ONE_MS) break
    }
    return exits
  })

  const enqueue = groupCommit(writeGroup)

  return Effect.fn("Store.write")(function* <A, E, R>(
    decide: (state: RegistryState) => Effect.Effect<Plan<A>, E, R>,
    { answerAgain, prepare }: WriteOptions<A> = {}
  ) {
    const context = yield* Effect.context<R>()
    const deadline = yield* RequestDeadline
    const operation = yield* Operation
    const answer = enqueue({
      decide: (state) => (performance.now() > deadline ? new TooLate() : Effect.provide(decide(state), context)),
      prepare,
      answerAgain,
      operation: operation ?? crypto.randomUUID(),
      repeatable: operation !== undefined
    })
    return yield* answer as Effect.Effect<A, E | KeyCollision | Overtaken | TooLate | Unavailable | OutcomeUnknown>
  })
}
