import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { version as program } from "../../package.json"
import { OutcomeUnknown } from "../domain/errors.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"
import type { RegistryFacts } from "../domain/RegistryState.ts"
import { quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { Dialect, type Trouble } from "./Driver.ts"
import { RowMoved } from "./executeChanges.ts"
import { question } from "./Query.ts"
import { CommitLost, type Patience, patiently, Troubled, unavailable } from "./retry.ts"
import {
  checkColumns,
  conditionOf,
  ensureSchema,
  type FactRow,
  factsOf,
  MUTEX,
  newest,
  type Steps,
  storeVersion,
  TABLE_ROW,
  VERSION_ROW,
  versionOf
} from "./schema.ts"
import { transaction } from "./transaction.ts"

/** A table, or the row that writers queue at, was missing a moment ago. */
const GONE: Trouble = {
  _tag: "Busy",
  reason: "a table of it is being restored, or its tables are incomplete",
  hint: "wait for the restore; otherwise d doctor --fix completes them"
}

/** What stands between a statement and who asked for it: patience, tables that are made if they are missing, names for what failed. */
export const makeGuard = (settings: string, steps: Steps, patience: Patience) =>
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

    const isTrouble =
      (...tags: ReadonlyArray<Trouble["_tag"]>) =>
      (error: unknown): error is Troubled =>
        error instanceof Troubled && tags.includes(error.trouble._tag)

    const refuse = (reason: string, hint: string) => new Troubled({ trouble: { _tag: "Refused", reason, hint } })

    /** What a question comes to, or `otherwise` if its table is not there. */
    const ifThere = <A, R>(question: Effect.Effect<A, SqlError, R>, otherwise: A) =>
      Effect.catchIf(
        question,
        (error) => dialect.diagnose(error)._tag === "MissingTable",
        () => Effect.succeed(otherwise)
      )

    /** What the registry says of itself, with the row that writers queue at. Without tables it says nothing. */
    const said = ifThere(
      dialect.read("SELECT name, value FROM port_registry WHERE name IN (?, ?, ?)", [TABLE_ROW, VERSION_ROW, MUTEX]),
      []
    ) as Effect.Effect<ReadonlyArray<FactRow>, SqlError>
    const facts = Effect.map(said, factsOf)

    /** Fails if the claims belong to another table of settings than ours. */
    const requireTable = (kept: string | undefined) =>
      kept === undefined || kept === settings
        ? Effect.void
        : refuse(
            `it is kept with the table ${quote(kept)}, and not ${quote(settings)}: with two of them a port is given twice`,
            `set AUTOMATELINUX_SETTINGS_TABLE=${shellWord(cut(kept, LIMITS.name))}, or name another database`
          )

    const known = newest(steps)

    /** Fails if a newer program has made the tables. */
    const requireVersion = (row: string | undefined) => {
      const { since, version } = versionOf(row)
      if (version <= known.version) return Effect.void
      const made = Number.isFinite(version) ? String(version) : quote(row)
      return refuse(
        `its tables are of version ${made}${since === undefined ? "" : `, which d ${since} brought`}; this is d ${program}, which knows version ${known.version}`,
        `install ${since === undefined ? "a newer d" : `d ${since} or newer`}, and start the daemon anew if there is one`
      )
    }

    /** Fails if the tables are not ours to change. */
    const requireOurs = (facts: RegistryFacts | undefined) =>
      Effect.zipRight(requireTable(facts?.settingsTable), requireVersion(facts?.version))

    /** Fails if the tables are to be brought up to date before they are changed. */
    const requireNewest = (facts: RegistryFacts | undefined) =>
      versionOf(facts?.version).version < known.version ? new Troubled({ trouble: { _tag: "Outdated" } }) : Effect.void

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
        : refuse(
            `its table ${quote(settings)} is of the engine ${engine}, which keeps half of a change that fails`,
            `convert it: ALTER TABLE \`${settings}\` ENGINE=InnoDB`
          )
    }

    let isOurs = false
    /** Fails if the claims belong to another table of settings; asked until it is known. A change reads it by itself. */
    const ensureTable = Effect.suspend(() =>
      isOurs
        ? Effect.void
        : Effect.flatMap(facts, ({ settingsTable }) => {
            isOurs = settingsTable === settings
            return requireTable(settingsTable)
          })
    )

    /** What is missing is missing because the tables are of another version than ours, if they are. */
    const compared = <A, E, R>(effect: Effect.Effect<A, E | Troubled, R>): Effect.Effect<A, E | Troubled, R> =>
      Effect.catchIf(effect, isTrouble("MissingTable", "MissingColumn"), (error) =>
        facts.pipe(
          Effect.mapError(() => error),
          Effect.flatMap((said) => Effect.zipRight(requireVersion(said.version), requireNewest(said))),
          Effect.zipRight(Effect.fail(error))
        )
      )

    const withPatience = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      compared(patiently(troubled(effect), patience, dialect.progress))

    const make = provide(Effect.zipRight(ensureSchema(settings, steps), checkColumns(settings, steps)))
    // The first version is stored by the first change.
    const say = steps.length === 0 ? Effect.void : provide(storeVersion(steps))
    const made = sql.onDialectOrElse({
      // A server commits whenever it makes or alters a table, so the version comes after all of them.
      mysql: () => (steps.length === 0 ? make : Effect.zipRight(make, provide(transaction(() => say)))),
      orElse: () => provide(transaction(() => Effect.zipRight(make, say)))
    })
    const makeSchema = withPatience(dialect.admit(Effect.zipRight(Effect.flatMap(facts, requireOurs), made)))

    /**
     * Whether the registry has never been changed. Fails if a table is missing from one that was: it was removed, or a
     * backup is being restored, and what it held is not to be begun anew without a word.
     */
    const isUnused = withPatience(
      dialect.admit(
        Effect.gen(function* () {
          const said = yield* facts
          yield* requireOurs(said)
          const there = yield* dialect.columns
          const history = yield* ifThere(dialect.read("SELECT id FROM port_history LIMIT 1", []), [])
          if (said.settingsTable === undefined && history.length === 0) return true
          const { missing } = conditionOf(settings, steps, there, said)
          if (missing.length === 0) return false
          return yield* refuse(
            `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing from it`,
            "wait if a backup is being restored, otherwise restore one; d doctor --fix makes empty tables"
          )
        })
      )
    )

    /** Waits until the tables are there again: a backup is being restored, or another program has just made them. */
    const untilThere = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      patiently(
        Effect.mapError(troubled(effect), (error) =>
          isTrouble("MissingTable")(error) ? new Troubled({ trouble: GONE }) : error
        ),
        patience
      )

    /** Waits for what may pass, makes the tables in a database that is not in use yet, and brings them up to date. */
    const tried = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) => {
      const attempt = withPatience(effect)
      return attempt.pipe(
        Effect.catchIf(isTrouble("MissingTable"), () =>
          Effect.if(isUnused, { onTrue: () => Effect.zipRight(makeSchema, attempt), onFalse: () => untilThere(effect) })
        ),
        Effect.catchIf(isTrouble("Outdated"), () => Effect.zipRight(makeSchema, attempt))
      )
    }

    /**
     * For what is no change of the registry: it makes no tables, and writes to none that are not ours to change, or that
     * are just being restored.
     */
    const attempted = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      withPatience(
        dialect.admit(
          Effect.gen(function* () {
            const rows = yield* said
            yield* requireOurs(factsOf(rows))
            return rows.some(({ name }) => name === MUTEX) ? yield* effect : yield* new Troubled({ trouble: GONE })
          })
        )
      )

    /** Says what is wrong, and mends nothing. */
    const asItIs = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      named(withPatience(dialect.admit(Effect.zipRight(ensureTable, effect))))

    /** The same for a question, which comes to `unused` in a database that is not in use yet. */
    const asked = <A, E, R, B, E2, R2>(
      effect: Effect.Effect<A, E | SqlError | RowMoved, R>,
      unused: Effect.Effect<B, E2 | SqlError, R2>
    ) => {
      const question = dialect.admit(Effect.zipRight(ensureTable, effect))
      return named(
        Effect.catchIf(withPatience(question), isTrouble("MissingTable"), () =>
          Effect.if(isUnused, {
            onTrue: () => withPatience(dialect.admit(unused)),
            onFalse: () => untilThere(question)
          })
        )
      )
    }

    return {
      provide,
      ofEngine,
      requireEngine,
      facts,
      ifThere,
      requireOurs,
      requireNewest,
      troubled,
      tried,
      named,
      attempted,
      asked,
      asItIs,
      /** Makes the tables that are missing, and brings them up to date. */
      makeTables: Effect.suspend(() => named(makeSchema))
    }
  })

export type Guard = Effect.Effect.Success<ReturnType<typeof makeGuard>>
