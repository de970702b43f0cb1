import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Begun, Dialect, type Reading, type Statements } from "./Driver.ts"
import { CommitLost } from "./retry.ts"

/** Takes what is left to do, and what is called with the `since` of the next transaction once it is committed. */
export type AtLast = (statements: Statements, committed?: (version: string | undefined) => void) => void

/**
 * Runs `body` in one transaction that no other writer runs beside, on what is read in it.
 *
 * Not `sql.withTransaction`: it begins with a plain BEGIN, which on SQLite lets two readers deadlock on becoming
 * writers, and it turns a failed COMMIT into a defect. Here every failure is a value, and a failed ROLLBACK never
 * hides the error that led to it. A COMMIT whose answer was lost fails with CommitLost.
 *
 * What `body` hands to `atLast` is done on the way to COMMIT, in the same journey.
 */
export const transaction = <A, E, R>(
  body: (begun: Begun, atLast: AtLast) => Effect.Effect<A, E, R>,
  reading: Reading = { questions: [] }
) =>
  Effect.gen(function* () {
    const dialect = yield* Dialect
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const connection = yield* restore(dialect.reserve)
        // Also if beginning failed or was interrupted: it may have got as far as waiting for the queue.
        const rollback = Effect.ignore(connection.executeUnprepared("ROLLBACK", [], undefined))
        const begun = yield* Effect.tapErrorCause(restore(dialect.begin(connection, reading)), () => rollback)
        let last: Statements = []
        let whenCommitted: Parameters<AtLast>[1]
        const atLast: AtLast = (statements, committed) => {
          last = statements
          whenCommitted = committed
        }
        const exit = yield* restore(Effect.suspend(() => body(begun, atLast))).pipe(
          Effect.provideService(SqlClient.TransactionConnection, [connection, 0]),
          Effect.exit
        )
        if (Exit.isFailure(exit)) {
          yield* rollback
          return yield* exit
        }
        const version = yield* dialect.commit(connection, last).pipe(
          Effect.tapErrorCause(() => rollback),
          Effect.mapError((error) => {
            const trouble = dialect.diagnoseCommit(error)
            // There was a connection: one that is not to be had any more may have carried it.
            return trouble._tag === "Lost" || trouble._tag === "Down" ? new CommitLost({ trouble }) : error
          })
        )
        whenCommitted?.(version)
        return exit.value
      }).pipe(Effect.scoped)
    )
  })
