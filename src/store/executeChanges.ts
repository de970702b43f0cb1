import * as SqlClient from "@effect/sql/SqlClient"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { KeyCollision } from "../domain/errors.ts"
import { quote } from "../text/escape.ts"
import { makeSteps, type Step, type StoredRow } from "./changeStatements.ts"
import { Dialect } from "./Driver.ts"
import type { Rows } from "./registryTables.ts"
import { Troubled } from "./retry.ts"
import type { Steps } from "./schema.ts"

/**
 * A row does not hold what we read, so another program wrote it meanwhile. The transaction is run again. `stored` is
 * what was read.
 */
export class RowMoved extends Data.TaggedError("RowMoved")<{ readonly key: string; readonly stored: string }> {}

/** The steps that write changes, and what takes them, for inside a transaction. */
export const makeChanges = (settings: string, schema: Steps, rows: Rows) =>
  Effect.gen(function* () {
    const dialect = yield* Dialect
    const steps = yield* makeSteps(settings, schema)

    /** Fails with KeyCollision where the table takes another key for one of `keys`. */
    const refuseCollision = (keys: ReadonlyArray<string>) =>
      Effect.forEach(
        keys,
        (key) =>
          Effect.flatMap(rows.readLike(key), (like) => {
            const other = [...like.keys()].find((each) => each !== key)
            return other === undefined ? Effect.void : new KeyCollision({ key, other, table: settings })
          }),
        { discard: true }
      )

    /** Fails if the table holds something else than what was written to one of `rows`. */
    const refuseAltered = (written: ReadonlyArray<StoredRow>) =>
      Effect.forEach(
        written,
        ({ key, stored }) =>
          Effect.flatMap(steps.readText(key), (found) =>
            found === stored
              ? Effect.void
              : new Troubled({
                  trouble: {
                    _tag: "Refused",
                    reason: `its table ${quote(settings)} stores ${found === undefined ? "nothing" : quote(found)} if ${quote(stored)} is written to it, by the type of its columns or by a trigger`,
                    hint: "give setting_key and setting_value columns of text, or name another table with AUTOMATELINUX_SETTINGS_TABLE"
                  }
                })
          ),
        { discard: true }
      )

    /** Takes the steps in their order, and fails with RowMoved where one met no row that had to. */
    const take = (taken: ReadonlyArray<Step>) =>
      Effect.flatMap(SqlClient.TransactionConnection, ([connection]) =>
        dialect.all(
          connection,
          taken.map(({ statement }) => statement)
        )
      ).pipe(
        Effect.catchIf(
          (error) => dialect.diagnose(error)._tag === "Duplicate",
          // Another key that the table takes for ours, or what another program wrote meanwhile.
          (error) =>
            refuseCollision(taken.flatMap(({ inserts }) => inserts ?? [])).pipe(
              Effect.zipRight(refuseAltered(taken.flatMap(({ keeps }) => keeps ?? []))),
              Effect.zipRight(Effect.fail(error))
            )
        ),
        Effect.flatMap((raw) => {
          const missed = taken.find(({ meets }, index) => meets !== undefined && dialect.rowsMet(raw[index]) === 0)
          return missed?.meets === undefined ? Effect.void : new RowMoved(missed.meets)
        })
      )

    return { ...steps, take }
  })

export type Changes = Effect.Effect.Success<ReturnType<typeof makeChanges>>
