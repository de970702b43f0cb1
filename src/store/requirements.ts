import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { version as program } from "../../package.json"
import { cut, LIMITS } from "../domain/foreignText.ts"
import type { RegistryFacts } from "../domain/RegistryState.ts"
import { quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { DatabaseFailure } from "./failures.ts"
import { query } from "./Query.ts"
import { newest, type Steps, versionOf } from "./schema.ts"

export const rejected = (reason: string, hint: string): DatabaseFailure =>
  new DatabaseFailure({ kind: { _tag: "Rejected", reason, hint } })

/** Makes the checks of the tables before they are read or changed. Each fails with DatabaseFailure. */
export const makeRequirements = (settings: string, steps: Steps) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const known = newest(steps)

    /** Requires that the claims belong to our settings table. */
    const requireTable = (stored: string | undefined) =>
      stored === undefined || stored === settings
        ? Effect.void
        : rejected(
            `its settings table is ${quote(stored)}, not ${quote(settings)}: with two settings tables, a port could be assigned twice`,
            `set AUTOMATELINUX_SETTINGS_TABLE=${shellWord(cut(stored, LIMITS.name))}, or name another database`
          )

    /** Requires that the tables are not of a newer program. */
    const requireVersion = (row: string | undefined) => {
      const { since, version } = versionOf(row)
      if (version <= known.version) return Effect.void
      const made = Number.isFinite(version) ? String(version) : quote(row)
      return rejected(
        `its tables have version ${made}${since === undefined ? "" : `, from d ${since}`}; this is d ${program}, which supports version ${known.version}`,
        `install ${since === undefined ? "a newer d" : `d ${since} or newer`}, and restart the daemon if there is one`
      )
    }

    /** Requires that the tables are ours to change. */
    const requireOurs = (facts: RegistryFacts | undefined) =>
      Effect.zipRight(requireTable(facts?.settingsTable), requireVersion(facts?.version))

    /** Requires that the tables need no upgrade before they are changed. */
    const requireNewest = (facts: RegistryFacts | undefined) =>
      versionOf(facts?.version).version < known.version
        ? new DatabaseFailure({ kind: { _tag: "Outdated" } })
        : Effect.void

    let isTransactional = false
    /** Queries the storage engine of the settings table, until it is known to support transactions. */
    const engineQuery = () =>
      isTransactional
        ? undefined
        : sql.onDialectOrElse({
            mysql: () =>
              query(
                sql<{ engine: string }>`
                  SELECT t.ENGINE AS engine FROM information_schema.TABLES t
                  JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
                  WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = ${settings} AND e.TRANSACTIONS <> 'YES'`,
                ([found]) => found?.engine
              ),
            orElse: () => undefined
          })

    /** Requires that changes to the settings table can be rolled back. `engine` is its engine if that cannot. */
    const requireEngine = (engine: string | undefined) => {
      isTransactional = engine === undefined
      return engine === undefined
        ? Effect.void
        : rejected(
            `its table ${quote(settings)} uses the engine ${engine}, which cannot roll back a failed change`,
            `convert it: ALTER TABLE \`${settings}\` ENGINE=InnoDB`
          )
    }

    let isOurs = false
    /** Requires that the claims belong to our settings table, until that is known. A change checks it itself. */
    const ensureTable = (facts: Effect.Effect<RegistryFacts, SqlError>) =>
      Effect.suspend(() =>
        isOurs
          ? Effect.void
          : Effect.flatMap(facts, ({ settingsTable }) => {
              isOurs = settingsTable === settings
              return requireTable(settingsTable)
            })
      )

    return { requireOurs, requireVersion, requireNewest, engineQuery, requireEngine, ensureTable }
  })
