import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Dialect } from "./Dialect.ts"

/**
 * Runs `body` in one transaction that no other writer runs beside.
 *
 * Not `sql.withTransaction`: it begins with a plain BEGIN, which on SQLite lets two readers deadlock on becoming
 * writers, and it turns a failed COMMIT into a defect. Here every failure is a value, and a failed ROLLBACK never
 * hides the error that led to it.
 */
export const transaction = <A, E, R>(body: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const dialect = yield* Dialect
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const connection = yield* restore(sql.reserve)
        yield* dialect.begin(connection)
        const exit = yield* restore(body).pipe(
          Effect.provideService(SqlClient.TransactionConnection, [connection, 0]),
          Effect.exit
        )
        if (Exit.isFailure(exit)) {
          yield* Effect.ignore(connection.execute("ROLLBACK", [], undefined))
          return yield* exit
        }
        yield* connection
          .execute("COMMIT", [], undefined)
          .pipe(Effect.tapError(() => Effect.ignore(connection.execute("ROLLBACK", [], undefined))))
        return exit.value
      }).pipe(Effect.scoped)
    )
  })
