import * as SqlClient from "@effect/sql/SqlClient"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { KeyCollision } from "../domain/errors.ts"
import { quote } from "../text/escape.ts"
import { makeChangeStatements } from "./changeStatements.ts"
import { Driver } from "./Driver.ts"
import type { RegistryTables } from "./registryTables.ts"
import { rejected } from "./requirements.ts"
import type { ChangeStatement, StoredRow } from "./rowStatements.ts"
import type { Steps } from "./schema.ts"

/** A row no longer holds `stored`, the value that we read: another program changed it. The transaction is retried. */
export class RowChanged extends Data.TaggedError("RowChanged")<{ readonly key: string; readonly stored: string }> {}

/** Makes the functions that turn changes into statements, and execute these inside a transaction. */
export const makeChangeExecutor = (settings: string, schema: Steps, rows: RegistryTables) =>
  Effect.gen(function* () {
    const driver = yield* Driver
    const changeStatements = yield* makeChangeStatements(settings, schema)

    /** Fails with KeyCollision if the table's collation considers another key equal to one of `keys`. */
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

    /** Fails if the table does not hold what was `written`, because a column type or a trigger altered it. */
    const refuseAltered = (written: ReadonlyArray<StoredRow>) =>
      Effect.forEach(
        written,
        ({ key, stored }) =>
          Effect.flatMap(changeStatements.readText(key, stored), (row) => {
            if (row?.found === stored && row.equal !== 0) return Effect.void
            const altered =
              row?.found === stored
                ? `does not find ${quote(stored)} after it was written to it, by the type of its columns`
                : `stores ${row === undefined ? "nothing" : quote(row.found)} if ${quote(stored)} is written to it, by the type of its columns or by a trigger`
            return rejected(
              `its table ${quote(settings)} ${altered}`,
              "make setting_key and setting_value text columns, or name another table with AUTOMATELINUX_SETTINGS_TABLE"
            )
          }),
        { discard: true }
      )

    /** Executes statements in order. Fails with RowChanged if an expected row was not matched. */
    const execute = (statements: ReadonlyArray<ChangeStatement>) =>
      Effect.flatMap(SqlClient.TransactionConnection, ([connection]) =>
        driver.runAll(
          connection,
          statements.map(({ statement }) => statement)
        )
      ).pipe(
        Effect.catchIf(
          (error) => driver.classifyError(error)._tag === "Duplicate",
          // A key that the table considers equal to ours, a value that it altered, or another program's write.
          (error) =>
            refuseCollision(statements.flatMap(({ inserts }) => inserts ?? [])).pipe(
              Effect.zipRight(refuseAltered(statements.flatMap(({ keeps }) => keeps ?? []))),
              Effect.zipRight(Effect.fail(error))
            )
        ),
        Effect.flatMap((raw) => {
          const missed = statements.find(
            ({ expects }, index) => expects !== undefined && driver.affectedRows(raw[index]) === 0
          )
          return missed?.expects === undefined ? Effect.void : new RowChanged(missed.expects)
        })
      )

    return { ...changeStatements, execute }
  })

export type ChangeExecutor = Effect.Effect.Success<ReturnType<typeof makeChangeExecutor>>
