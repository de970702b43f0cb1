import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { version as program } from "../../package.json"
import { cut, LIMITS } from "../domain/foreignText.ts"
import type { RegistryFacts } from "../domain/RegistryState.ts"
import { quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { query } from "./Query.ts"
import { DatabaseFailure } from "./retry.ts"
import { newest, type Steps, versionOf } from "./schema.ts"

export const rejected = (reason: string, hint: string): DatabaseFailure =>
  new DatabaseFailure({ kind: { _tag: "Rejected", reason, hint } })

/** What must be true of the tables before they are read or changed. Each fails with DatabaseFailure if it is not. */
export const makeRequirements = (settings: string, steps: Steps) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const known = newest(steps)

    /** Requires that the claims belong to our table of settings. */
    const requireTable = (stored: string | undefined) =>
      stored === undefined || stored === settings
        ? Effect.void
        : rejected(
            `it is kept with the table ${quote(stored)}, and not ${quote(settings)}: with two of them a port is given twice`,
            `set AUTOMATELINUX_SETTINGS_TABLE=${shellWord(cut(stored, LIMITS.name))}, or name another database`
          )

    /** Requires that no newer program has made the tables. */
    const requireVersion = (row: string | undefined) => {
      const { since, version } = versionOf(row)
      if (version <= known.version) return Effect.void
      const made = Number.isFinite(version) ? String(version) : quote(row)
      return rejected(
        `its tables are of version ${made}${since === undefined ? "" : `, which d ${since} brought`}; this is d ${program}, which knows version ${known.version}`,
        `install ${since === undefined ? "a newer d" : `d ${since} or newer`}, and start the daemon anew if there is one`
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
    /** Asks for the storage engine of the table of settings, until it is known to support transactions. */
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

    /** Requires that changes to the table of settings can be rolled back. `engine` is one that cannot, if any. */
    const requireEngine = (engine: string | undefined) => {
      isTransactional = engine === undefined
      return engine === undefined
        ? Effect.void
        : rejected(
            `its table ${quote(settings)} is of the engine ${engine}, which keeps half of a change that fails`,
            `convert it: ALTER TABLE \`${settings}\` ENGINE=InnoDB`
          )
    }

    let isOurs = false
    /** Requires our table of settings, until it is known to be. A change reads it itself. */
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
