import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { OutcomeUnknown } from "../domain/errors.ts"
import { quote } from "../domain/rules.ts"
import { shellWord } from "../domain/shell.ts"
import { cut, LIMITS } from "../domain/text.ts"
import { RowMoved } from "./changes.ts"
import { Dialect } from "./Dialect.ts"
import { CommitLost, type Patience, patiently, Troubled, unavailable } from "./patience.ts"
import { question } from "./questions.ts"
import { checkColumns, ensureSchema, TABLE_ROW } from "./schema.ts"
import { transaction } from "./transaction.ts"

/** What stands between a statement and who asked for it: patience, tables that are made where they are missing, names for what failed. */
export const makeGuard = (settings: string, patience: Patience) =>
  Effect.map(Effect.all([SqlClient.SqlClient, Dialect]), ([sql, dialect]) => {
    const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      effect.pipe(Effect.provideService(SqlClient.SqlClient, sql), Effect.provideService(Dialect, dialect))

    const troubled = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      Effect.mapError(effect, (error): Exclude<E, SqlError | RowMoved> | Troubled => {
        if (error instanceof SqlError) return new Troubled({ trouble: dialect.diagnose(error) })
        if (error instanceof RowMoved) return new Troubled({ trouble: { _tag: "Duplicate" } })
        return error as Exclude<E, SqlError | RowMoved>
      })

    const named = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.mapError(effect, (error) => {
        if (error instanceof Troubled) return unavailable(dialect.label, error.trouble)
        if (!(error instanceof CommitLost)) return error as Exclude<E, Troubled | CommitLost>
        const { reason } = unavailable(dialect.label, error.trouble)
        return new OutcomeUnknown({ store: dialect.label, reason })
      })

    const isMissingTable = (error: unknown) => error instanceof Troubled && error.trouble._tag === "MissingTable"

    /** Fails if the claims belong to another table of settings than ours. */
    const requireTable = (kept: string | undefined) =>
      kept === undefined || kept === settings
        ? Effect.void
        : new Troubled({
            trouble: {
              _tag: "Refused",
              reason: `it is kept with the table ${quote(kept)}, and not ${quote(settings)}: with two of them a port is given twice`,
              hint: `set AUTOMATELINUX_SETTINGS_TABLE=${shellWord(cut(kept, LIMITS.name))}, or name another database`
            }
          })

    let isTransactional = false
    /** The kind of the table of settings, asked until it is known to be one that a transaction can be rolled back in. */
    const ofEngine = () =>
      isTransactional
        ? undefined
        : sql.onDialectOrElse({
            mysql: () =>
              question(
                sql<{ engine: string }>`
                  SELECT t.ENGINE AS engine FROM information_schema.TABLES t
                  JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
                  WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = ${settings} AND e.TRANSACTIONS <> 'YES'`,
                ([found]) => found?.engine
              ),
            orElse: () => undefined
          })

    /** Fails if the table of settings is of a kind whose changes are not rolled back. */
    const requireEngine = (engine: string | undefined) => {
      isTransactional = engine === undefined
      return engine === undefined
        ? Effect.void
        : new Troubled({
            trouble: {
              _tag: "Refused",
              reason: `its table ${quote(settings)} is of the engine ${engine}, which keeps half of a change that fails`,
              hint: `convert it: ALTER TABLE \`${settings}\` ENGINE=InnoDB`
            }
          })
    }

    let isOurs = false
    /**
     * The same for what is no change, which reads the name in its transaction; until it is known. Without tables there are
     * no claims that could be dropped.
     */
    const ensureTable = Effect.suspend(() =>
      isOurs
        ? Effect.void
        : dialect.read("SELECT value FROM port_registry WHERE name = ?", [TABLE_ROW]).pipe(
            Effect.catchIf(
              (error) => dialect.diagnose(error)._tag === "MissingTable",
              () => Effect.succeed([])
            ),
            Effect.flatMap((rows) => {
              const [row] = rows as ReadonlyArray<{ readonly value: string }>
              isOurs = row?.value === settings
              return requireTable(row?.value)
            })
          )
    )

    const withPatience = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      patiently(troubled(effect), patience, dialect.progress)

    const schema = Effect.zipRight(
      ensureTable,
      provide(Effect.zipRight(ensureSchema(settings), checkColumns(settings)))
    )
    const makeSchema = withPatience(
      dialect.admit(sql.onDialectOrElse({ mysql: () => schema, orElse: () => provide(transaction(() => schema)) }))
    )

    /** Waits for what may pass, and makes the schema where it is missing. */
    const tried = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) => {
      const attempt = withPatience(effect)
      return Effect.catchIf(attempt, isMissingTable, () => Effect.zipRight(makeSchema, attempt))
    }

    /** The same for whatever is not the one write. */
    const attempted = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      tried(dialect.admit(Effect.zipRight(ensureTable, effect)))

    /** The same, and names what cannot be helped. */
    const guarded = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) => named(attempted(effect))

    /** Says what is wrong, and mends nothing. */
    const asItIs = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      named(withPatience(dialect.admit(Effect.zipRight(ensureTable, effect))))

    return {
      provide,
      requireTable,
      ofEngine,
      requireEngine,
      troubled,
      tried,
      named,
      attempted,
      guarded,
      asItIs,
      /** Makes the tables that are missing. */
      makeTables: Effect.suspend(() => named(makeSchema))
    }
  })

export type Guard = Effect.Effect.Success<ReturnType<typeof makeGuard>>
