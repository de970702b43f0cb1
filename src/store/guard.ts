import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { OutcomeUnknown } from "../domain/errors.ts"
import { RowMoved } from "./changes.ts"
import { Dialect } from "./Dialect.ts"
import { CommitLost, patiently, Troubled, unavailable } from "./patience.ts"
import { checkColumns, ensureSchema, tableNames } from "./schema.ts"
import { transaction } from "./transaction.ts"

/** The SQLite client remembers for a second that a statement could not be prepared, so a made table is asked for again. */
const untilMade = Schedule.spaced("300 millis").pipe(Schedule.upTo("2 seconds"))

/** What stands between a statement and who asked for it: patience, tables that are made where they are missing, names for what failed. */
export const makeGuard = (settings: string, patience: Duration.Duration) =>
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

    const schema = provide(Effect.zipRight(ensureSchema(settings), checkColumns(settings)))
    const makeSchema = patiently(
      troubled(
        dialect.admit(sql.onDialectOrElse({ mysql: () => schema, orElse: () => provide(transaction(() => schema)) }))
      ),
      patience
    )

    let complete = sql.onDialectOrElse({ sqlite: () => false, orElse: () => true })
    /**
     * SQLite is asked for its tables before anything else, because its client remembers for a second that a statement
     * could not be prepared. On a server that would cost a round trip a process.
     */
    const made = Effect.gen(function* () {
      const tables = yield* patiently(troubled(sql<{ name: string }>`SELECT name FROM sqlite_master`), patience)
      const there = new Set(tables.map(({ name }) => name.toLowerCase()))
      if (!tableNames(settings).every((name) => there.has(name.toLowerCase()))) yield* makeSchema
      complete = true
    })

    /** Waits for what may pass, and makes the schema where it is missing. */
    const tried = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) => {
      const patient = patiently(troubled(effect), patience)
      const attempt = Effect.suspend(() => (complete ? patient : Effect.zipRight(made, patient)))
      return Effect.catchIf(attempt, isMissingTable, () =>
        Effect.zipRight(makeSchema, Effect.retry(attempt, { schedule: untilMade, while: isMissingTable }))
      )
    }

    /** The same for whatever is not the one write, and names what cannot be helped. */
    const guarded = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      named(tried(dialect.admit(effect)))

    /** Says what is wrong, and mends nothing. */
    const asItIs = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      named(patiently(troubled(dialect.admit(effect)), patience))

    return {
      provide,
      troubled,
      tried,
      named,
      guarded,
      asItIs,
      /** Makes the tables that are missing. */
      makeTables: Effect.suspend(() => named(makeSchema))
    }
  })

export type Guard = Effect.Effect.Success<ReturnType<typeof makeGuard>>
