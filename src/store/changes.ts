import * as SqlClient from "@effect/sql/SqlClient"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { KeyCollision } from "../domain/errors.ts"
import { Dialect } from "./Dialect.ts"
import { PREFIX } from "./rows.ts"
import { makeSteps, type Step } from "./steps.ts"

/**
 * A row does not hold what we read, so another program wrote it meanwhile. The transaction is run again. `stored` is
 * what was read.
 */
export class RowMoved extends Data.TaggedError("RowMoved")<{ readonly key: string; readonly stored: string }> {}

/** The steps that write changes, and what takes them, for inside a transaction. */
export const makeChanges = (settings: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const dialect = yield* Dialect
    const steps = yield* makeSteps(settings)

    /** Fails with KeyCollision where the table takes another key for one of `keys`. */
    const refuseCollision = (keys: ReadonlyArray<string>) =>
      Effect.forEach(
        keys,
        (key) =>
          Effect.flatMap(
            sql<{ setting_key: string }>`SELECT setting_key FROM ${sql(settings)} WHERE setting_key = ${PREFIX + key}`,
            (rows) => {
              const other = rows.find((row) => row.setting_key !== PREFIX + key)?.setting_key.slice(PREFIX.length)
              return other === undefined ? Effect.void : new KeyCollision({ key, other, table: settings })
            }
          ),
        { discard: true }
      )

    /** Takes the steps in their order, and fails with RowMoved where one met no row that had to. */
    const take = (steps: ReadonlyArray<Step>) =>
      Effect.flatMap(SqlClient.TransactionConnection, ([connection]) =>
        dialect.all(
          connection,
          steps.map(({ statement }) => statement)
        )
      ).pipe(
        Effect.catchIf(
          (error) => dialect.diagnose(error)._tag === "Duplicate",
          // Another key that the table takes for ours, or what another program wrote meanwhile.
          (error) => Effect.zipRight(refuseCollision(steps.flatMap(({ inserts }) => inserts ?? [])), Effect.fail(error))
        ),
        Effect.flatMap((raw) => {
          const missed = steps.find(({ meets }, index) => meets !== undefined && dialect.rowsMet(raw[index]) === 0)
          return missed?.meets === undefined ? Effect.void : new RowMoved(missed.meets)
        })
      )

    return { ...steps, take }
  })

export type Changes = Effect.Effect.Success<ReturnType<typeof makeChanges>>
