import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { OwnTable } from "../domain/names.ts"
import type { RegistryFacts } from "../domain/RegistryState.ts"
import type { SchemaStatus, SchemaVersion } from "../domain/SchemaStatus.ts"
import { type ColumnTypes, Driver } from "./Driver.ts"

type Columns = ReadonlyArray<readonly [table: string, columns: ReadonlyArray<string>]>

/**
 * The changes from one version of the tables to the next.
 *
 * Older programs keep reading, and one of their transactions may commit between two statements. So a step only adds: a
 * table, an index, or a column that an INSERT may omit. A newer program also reads tables that are not upgraded yet, so
 * its queries select the columns of a step with `SELECT *`, and tolerate missing ones. The table port_registry and the
 * form of its version row never change.
 */
export interface SchemaStep extends SchemaVersion {
  /** Safe to run repeatedly and by several programs at once: an error that something already exists is ignored. */
  readonly statements: (types: ColumnTypes) => ReadonlyArray<string>
  /** The columns that the step adds, by table. */
  readonly columns: Columns
}

/** The version of the tables before any step. */
const FIRST: SchemaVersion = { version: 1, since: "0.1.0" }

/** The steps from the first version to the newest, in order. */
export class SchemaSteps extends Context.Reference<SchemaSteps>()("SchemaSteps", {
  defaultValue: (): ReadonlyArray<SchemaStep> => []
}) {}

export type Steps = ReadonlyArray<SchemaStep>

/** The columns that our tables must have in the first version, even if another program created them. */
const OWN_COLUMNS: Record<OwnTable, ReadonlyArray<string>> = {
  port_claims: ["port", "claim_key", "claimed_at", "host", "by"],
  port_keys: ["key", "description", "created_at", "host", "by"],
  port_owners: ["host", "key", "kind", "name", "since", "seen"],
  port_reserved: ["port", "reason", "created_at", "host", "by"],
  port_history: ["id", "batch", "at", "what", "key", "old_port", "new_port", "detail", "host", "user", "program"],
  port_registry: ["name", "value"],
  port_health: ["host", "port", "key", "state", "since", "last_up", "failures", "mark", "listener"]
}

const COLUMNS = (settings: string): Columns => [
  [settings, ["setting_key", "setting_value"]],
  ...Object.entries(OWN_COLUMNS)
]

/** Returns the columns of the tables in `version`. */
const columnsOf = (settings: string, steps: Steps, version: number): Columns => {
  const columns = new Map(COLUMNS(settings))
  for (const step of steps.filter((each) => each.version <= version)) {
    for (const [table, added] of step.columns) columns.set(table, [...(columns.get(table) ?? []), ...added])
  }
  return [...columns]
}

/**
 * Returns the statements that create the tables of the first version, if they are missing. port_registry comes last: no
 * change is possible without its rows, so a registry that was ever changed has had all tables. Times are ISO 8601 text
 * in UTC, because the databases have no time type in common.
 */
const statements = (sql: SqlClient.SqlClient, types: ColumnTypes, settings: string) => {
  const create = (table: string, columns: string) =>
    sql.unsafe(`CREATE TABLE IF NOT EXISTS ${table} (${columns})${types.options}`).raw
  const id = (name: string) => sql.onDialectOrElse({ mysql: () => `\`${name}\``, orElse: () => `"${name}"` })
  const name = types.name
  const stamp = `host ${name(255)} NOT NULL, ${id("by")} ${name(255)} NOT NULL`
  /** The columns by which the history is searched. */
  const indexed = [id("key"), "old_port", "new_port"]
  return [
    create(id(settings), `setting_key ${name(255)} NOT NULL PRIMARY KEY, setting_value TEXT NOT NULL`),
    create(
      "port_claims",
      `port INTEGER NOT NULL PRIMARY KEY, claim_key ${name(250)} NOT NULL UNIQUE, claimed_at ${name(32)} NOT NULL, ${stamp}`
    ),
    create(
      "port_keys",
      `${id("key")} ${name(250)} NOT NULL PRIMARY KEY, description TEXT, created_at ${name(32)} NOT NULL, ${stamp}`
    ),
    create(
      "port_owners",
      `host ${name(255)} NOT NULL, ${id("key")} ${name(250)} NOT NULL, kind ${name(16)} NOT NULL, name TEXT NOT NULL, ` +
        `since ${name(32)} NOT NULL, seen ${name(32)}, PRIMARY KEY (host, ${id("key")})`
    ),
    create(
      "port_reserved",
      `port INTEGER NOT NULL PRIMARY KEY, reason TEXT NOT NULL, created_at ${name(32)} NOT NULL, ${stamp}`
    ),
    create(
      "port_history",
      `id ${types.serial}, batch ${name(36)} NOT NULL, at ${name(32)} NOT NULL, what ${name(16)} NOT NULL, ` +
        `${id("key")} ${name(250)}, old_port INTEGER, new_port INTEGER, detail TEXT, host ${name(255)} NOT NULL, ` +
        `${id("user")} ${name(255)} NOT NULL, program ${name(255)} NOT NULL, UNIQUE (batch, id)` +
        sql.onDialectOrElse({ mysql: () => indexed.map((column) => `, INDEX (${column})`).join(""), orElse: () => "" })
    ),
    // On a server they are part of CREATE TABLE, because CREATE INDEX needs another privilege.
    ...sql.onDialectOrElse({
      mysql: () => [],
      orElse: () =>
        indexed.map(
          (column, index) =>
            sql.unsafe(`CREATE INDEX IF NOT EXISTS port_history_${index + 1} ON port_history (${column})`).raw
        )
    }),
    create(
      "port_health",
      `host ${name(255)} NOT NULL, port INTEGER NOT NULL, ${id("key")} ${name(250)} NOT NULL, state ${name(16)} NOT NULL, ` +
        `since ${name(32)} NOT NULL, last_up ${name(32)}, failures INTEGER NOT NULL, mark INTEGER NOT NULL, ` +
        `listener TEXT, PRIMARY KEY (host, port)`
    ),
    create("port_registry", `name ${name(255)} NOT NULL PRIMARY KEY, value TEXT NOT NULL`)
  ]
}

/** The prefix of the setting_key of an assignment. */
export const PREFIX = "port_"

/** Returns the names of the registry's tables. */
export const tableNames = (settings: string): ReadonlyArray<string> => COLUMNS(settings).map(([table]) => table)

/** The row that every change locks first on a server, so that writers queue. */
export const MUTEX = "mutex"

/** The row that names the settings table of the claims: a program with another one would drop them. */
export const TABLE_ROW = "settings_table"

/** The row with the version of the tables and the first `d` that knows it. Without it, it is the first version. */
export const VERSION_ROW = "schema_version"

export interface FactRow {
  readonly name: string
  readonly value: string
}

/** Returns what rows of port_registry say about the registry. */
export const factsOf = (rows: ReadonlyArray<FactRow>): RegistryFacts => {
  const value = (name: string) => rows.find((row) => row.name === name)?.value
  return { settingsTable: value(TABLE_ROW), version: value(VERSION_ROW) }
}

/** Returns the version of the tables after all `steps`. */
export const newest = (steps: Steps): SchemaVersion => steps.at(-1) ?? FIRST

/** Returns the value of the version row after all `steps`. */
export const versionRow = (steps: Steps): string => `${newest(steps).version} ${newest(steps).since}`

/** Parses the version row. A value that cannot be parsed counts as newer than any version. */
export const versionOf = (row: string | undefined): SchemaVersion => {
  if (row === undefined) return FIRST
  const [, version, since] = /^([1-9]\d{0,8})(?: (\d+\.\d+\.\d+))?$/.exec(row) ?? []
  return { version: Number(version ?? Number.POSITIVE_INFINITY), since }
}

/** Inserts the mutex row. Safe to run concurrently. */
const insertMutex = (sql: SqlClient.SqlClient) =>
  sql.onDialectOrElse({
    mysql: () => sql`INSERT IGNORE INTO port_registry ${sql.insert({ name: MUTEX, value: "" })}`,
    orElse: () => sql`INSERT OR IGNORE INTO port_registry ${sql.insert({ name: MUTEX, value: "" })}`
  })

/** Creates what is missing, in the newest version, and changes nothing else. Safe to run concurrently. */
export const ensureSchema = (settings: string, steps: Steps) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const driver = yield* Driver
    const types = yield* driver.columnTypes
    yield* Effect.forEach(statements(sql, types, settings), (statement) => statement, { discard: true })
    yield* insertMutex(sql)
    for (const text of steps.flatMap((step) => step.statements(types))) {
      yield* Effect.catchIf(
        sql.unsafe(text).raw,
        (error) => driver.classifyError(error)._tag === "Duplicate",
        () => Effect.void
      )
    }
  })

/** Stores that the tables have the newest version. Run it in a transaction. */
export const storeVersion = (steps: Steps) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<FactRow>`SELECT name, value FROM port_registry WHERE name = ${VERSION_ROW}`
    if (row !== undefined && versionOf(row.value).version >= newest(steps).version) return
    yield* sql`DELETE FROM port_registry WHERE name = ${VERSION_ROW}`
    yield* sql`INSERT INTO port_registry ${sql.insert({ name: VERSION_ROW, value: versionRow(steps) })}`
  })

/** Selects every column of no row, so that a table of another shape fails here and not in the middle of a change. */
export const checkColumns = (settings: string, steps: Steps) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const [table, columns] of columnsOf(settings, steps, newest(steps).version)) {
      yield* sql`SELECT ${sql.csv(columns.map((column) => sql`${sql(column)}`))} FROM ${sql(table)} LIMIT 0`.raw
    }
  })

/** Inserts and deletes no rows in every table that a change may write to, so that a missing privilege shows. */
export const tryEverything = (settings: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const [table, columns] of COLUMNS(settings)) {
      const names = sql.csv(columns.map((column) => sql`${sql(column)}`))
      yield* sql`INSERT INTO ${sql(table)} (${names}) SELECT ${names} FROM ${sql(table)} WHERE 1 = 0`
      if (table !== "port_history") yield* sql`DELETE FROM ${sql(table)} WHERE 1 = 0`
    }
  })

/** Compares the columns that exist (`table.column`) with those expected of the stored version. */
export const schemaStatusOf = (
  settings: string,
  steps: Steps,
  there: ReadonlySet<string>,
  facts: RegistryFacts
): SchemaStatus => {
  const stored = versionOf(facts.version)
  const tables = new Set([...there].map((name) => name.slice(0, name.indexOf("."))))
  const expected = columnsOf(settings, steps, stored.version)
  const missing = expected.map(([table]) => table).filter((table) => !tables.has(table.toLowerCase()))
  const foreign = expected.flatMap(([table, columns]) => {
    const column = columns.find((name) => !there.has(`${table}.${name}`.toLowerCase()))
    return column === undefined || missing.includes(table) ? [] : [{ table, column }]
  })
  const ours = (table: string) => !missing.includes(table) && !foreign.some((each) => each.table === table)
  return {
    unused: !expected.some(([table]) => table !== settings && ours(table)),
    missing,
    foreign,
    stored,
    known: newest(steps)
  }
}
