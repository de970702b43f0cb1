import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Begun, Driver, type Reading, type Statements } from "./Driver.ts"
import { CommitLost } from "./failures.ts"

/** Takes the statements that go with COMMIT, and a callback that gets the `since` for the next transaction. */
export type CommitWith = (statements: Statements, committed?: (since: string | undefined) => void) => void

/**
 * Runs `body` in a transaction that excludes other writers, on the results of its first queries.
 *
 * Not `sql.withTransaction`: it begins with a plain BEGIN, which on SQLite lets two readers deadlock on becoming
 * writers, and it turns a failed COMMIT into a defect. Here every failure is a value, and a failed ROLLBACK never
 * hides the error that led to it. A COMMIT whose outcome is unknown fails with CommitLost.
 *
 * The statements that `body` hands to `commitWith` are sent with COMMIT, in one round trip.
 */
export const transaction = <A, E, R>(
  body: (begun: Begun, commitWith: CommitWith) => Effect.Effect<A, E, R>,
  reading: Reading = { queries: [] }
) =>
  Effect.gen(function* () {
    const driver = yield* Driver
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const connection = yield* restore(driver.reserve)
        // Even if beginning failed or was interrupted: it may already be waiting for the lock.
        const rollback = Effect.ignore(connection.executeUnprepared("ROLLBACK", [], undefined))
        const begun = yield* Effect.tapErrorCause(restore(driver.begin(connection, reading)), () => rollback)
        let last: Statements = []
        let whenCommitted: Parameters<CommitWith>[1]
        const commitWith: CommitWith = (statements, committed) => {
          last = statements
          whenCommitted = committed
        }
        const exit = yield* restore(Effect.suspend(() => body(begun, commitWith))).pipe(
          Effect.provideService(SqlClient.TransactionConnection, [connection, 0]),
          Effect.exit
        )
        if (Exit.isFailure(exit)) {
          yield* rollback
          return yield* exit
        }
        const since = yield* driver.commit(connection, last).pipe(
          Effect.tapErrorCause(() => rollback),
          Effect.mapError((error) => {
            const kind = driver.classifyCommitError(error)
            // There was a connection, so even if none can be made now, it may have carried the COMMIT.
            return kind._tag === "ConnectionLost" || kind._tag === "Unreachable" ? new CommitLost({ kind }) : error
          })
        )
        whenCommitted?.(since)
        return exit.value
      }).pipe(Effect.scoped)
    )
  })
