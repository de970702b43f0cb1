import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { OutcomeUnknown } from "../domain/errors.ts"
import { Driver } from "./Driver.ts"
import { RowChanged } from "./executeChanges.ts"
import { CommitLost, DatabaseFailure, type FailureKind } from "./failures.ts"
import { makeRequirements, rejected } from "./requirements.ts"
import { type RetryLimits, unavailable, withRetry } from "./retry.ts"
import {
  checkColumns,
  ensureSchema,
  type FactRow,
  factsOf,
  MUTEX,
  type Steps,
  schemaStatusOf,
  storeVersion,
  TABLE_ROW,
  VERSION_ROW
} from "./schema.ts"
import { transaction } from "./transaction.ts"

/** A table, or the row that writers lock, was missing a moment ago. */
const BEING_RESTORED: FailureKind = {
  _tag: "Contended",
  reason: "a table of it is being restored, or its tables are incomplete",
  hint: "wait for the restore; otherwise d doctor --fix completes them"
}

const isKind =
  (...tags: ReadonlyArray<FailureKind["_tag"]>) =>
  (error: unknown): error is DatabaseFailure =>
    error instanceof DatabaseFailure && tags.includes(error.kind._tag)

/**
 * Makes the functions that run every query: they retry transient failures, create missing tables, and map errors to
 * those of the public API. `settings` is the settings table.
 */
export const makeQueryRunner = (settings: string, steps: Steps, databaseTimeout: RetryLimits) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const driver = yield* Driver
    const requirements = yield* makeRequirements(settings, steps)
    const { ensureTable, requireNewest, requireOurs, requireVersion } = requirements

    const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      effect.pipe(Effect.provideService(SqlClient.SqlClient, sql), Effect.provideService(Driver, driver))

    const classified = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowChanged, R>) =>
      Effect.mapError(effect, (error): Exclude<E, SqlError | RowChanged> | DatabaseFailure => {
        if (error instanceof SqlError) return new DatabaseFailure({ kind: driver.classifyError(error) })
        if (error instanceof RowChanged) return new DatabaseFailure({ kind: { _tag: "Duplicate" } })
        return error as Exclude<E, SqlError | RowChanged>
      })

    const toPublicError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.mapError(effect, (error) => {
        if (error instanceof DatabaseFailure) return unavailable(driver.label, error.kind)
        if (!(error instanceof CommitLost)) return error as Exclude<E, DatabaseFailure | CommitLost>
        const { reason } = unavailable(driver.label, error.kind)
        return new OutcomeUnknown({ store: driver.label, reason })
      })

    /** Runs a query, or returns `otherwise` if its table does not exist. */
    const ifTableExists = <A, R>(effect: Effect.Effect<A, SqlError, R>, otherwise: A) =>
      Effect.catchIf(
        effect,
        (error) => driver.classifyError(error)._tag === "MissingTable",
        () => Effect.succeed(otherwise)
      )

    /** The facts about the registry, and the row that writers lock. Empty if there are no tables. */
    const factRows = ifTableExists(
      driver.readOne("SELECT name, value FROM port_registry WHERE name IN (?, ?, ?)", [TABLE_ROW, VERSION_ROW, MUTEX]),
      []
    ) as Effect.Effect<ReadonlyArray<FactRow>, SqlError>
    const facts = Effect.map(factRows, factsOf)

    /** Reports a missing table or column as a version mismatch, if the tables have another version than ours. */
    const explainMissing = <A, E, R>(
      effect: Effect.Effect<A, E | DatabaseFailure, R>
    ): Effect.Effect<A, E | DatabaseFailure, R> =>
      Effect.catchIf(effect, isKind("MissingTable", "MissingColumn"), (error) =>
        facts.pipe(
          Effect.mapError(() => error),
          Effect.flatMap((known) => Effect.zipRight(requireVersion(known.version), requireNewest(known))),
          Effect.zipRight(Effect.fail(error))
        )
      )

    const withRetries = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowChanged, R>) =>
      explainMissing(withRetry(classified(effect), databaseTimeout, driver.progress))

    const makeTables = provide(Effect.zipRight(ensureSchema(settings, steps), checkColumns(settings, steps)))
    // The first version is recorded by the first change.
    const recordVersion = steps.length === 0 ? Effect.void : provide(storeVersion(steps))
    const makeAll = sql.onDialectOrElse({
      // A server commits whenever it creates or alters a table, so the version comes after all of them.
      mysql: () =>
        steps.length === 0 ? makeTables : Effect.zipRight(makeTables, provide(transaction(() => recordVersion))),
      orElse: () => provide(transaction(() => Effect.zipRight(makeTables, recordVersion)))
    })
    const makeSchema = withRetries(
      driver.withConnectionSlot(Effect.zipRight(Effect.flatMap(facts, requireOurs), makeAll))
    )

    /**
     * Whether the registry has never been changed. Fails if a table is missing from one that was: it was removed, or a
     * backup is being restored. It must not silently be replaced by an empty one.
     */
    const isUnused = withRetries(
      driver.withConnectionSlot(
        Effect.gen(function* () {
          const known = yield* facts
          yield* requireOurs(known)
          const history = yield* ifTableExists(driver.readOne("SELECT id FROM port_history LIMIT 1", []), [])
          // Read last, because another program may just have made the tables for its first change; and even if there was
          // none, because it fails if the database was dropped.
          const columns = yield* driver.columns
          if (known.settingsTable === undefined && history.length === 0) return true
          const { missing } = schemaStatusOf(settings, steps, columns, known)
          if (missing.length === 0) return false
          return yield* rejected(
            `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing from it`,
            "wait if a backup is being restored, otherwise restore one; d doctor --fix creates empty tables"
          )
        })
      )
    )

    /** Waits for tables that are being restored, or that another program has just made. */
    const untilRestored = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowChanged, R>) =>
      withRetry(
        Effect.mapError(classified(effect), (error) =>
          isKind("MissingTable")(error) ? new DatabaseFailure({ kind: BEING_RESTORED }) : error
        ),
        databaseTimeout
      )

    /** Retries, and creates or upgrades the tables if that is what is missing. */
    const withRetryAndSchema = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowChanged, R>) => {
      const attempt = withRetries(effect)
      return attempt.pipe(
        Effect.catchIf(isKind("MissingTable"), () =>
          Effect.if(isUnused, {
            onTrue: () => Effect.zipRight(makeSchema, attempt),
            onFalse: () => untilRestored(effect)
          })
        ),
        Effect.catchIf(isKind("Outdated"), () => Effect.zipRight(makeSchema, attempt))
      )
    }

    /** Runs a write that does not change the registry itself. Creates no tables, and writes only to ours. */
    const withExistingTables = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowChanged, R>) =>
      withRetries(
        driver.withConnectionSlot(
          Effect.gen(function* () {
            const rows = yield* factRows
            yield* requireOurs(factsOf(rows))
            const isRestored = rows.some(({ name }) => name === MUTEX)
            return isRestored ? yield* effect : yield* new DatabaseFailure({ kind: BEING_RESTORED })
          })
        )
      )

    /** Runs a query, and repairs nothing if it fails. */
    const queryWithoutRepair = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowChanged, R>) =>
      toPublicError(withRetries(driver.withConnectionSlot(Effect.zipRight(ensureTable(facts), effect))))

    /** Runs a query, or `unused` in a database that is not in use yet. */
    const queryOr = <A, E, R, B, E2, R2>(
      effect: Effect.Effect<A, E | SqlError | RowChanged, R>,
      unused: Effect.Effect<B, E2 | SqlError, R2>
    ) => {
      const attempt = driver.withConnectionSlot(Effect.zipRight(ensureTable(facts), effect))
      return toPublicError(
        Effect.catchIf(withRetries(attempt), isKind("MissingTable"), () =>
          Effect.if(isUnused, {
            onTrue: () => withRetries(driver.withConnectionSlot(unused)),
            onFalse: () => untilRestored(attempt)
          })
        )
      )
    }

    return {
      ...requirements,
      provide,
      facts,
      ifTableExists,
      classified,
      withRetryAndSchema,
      toPublicError,
      withExistingTables,
      queryOr,
      queryWithoutRepair,
      /** Creates the tables that are missing, and upgrades the others. */
      makeTables: Effect.suspend(() => toPublicError(makeSchema))
    }
  })

export type QueryRunner = Effect.Effect.Success<ReturnType<typeof makeQueryRunner>>
