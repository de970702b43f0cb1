import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { RegistryFacts } from "../domain/RegistryState.ts"
import type { SchemaStatus, SchemaVersion } from "../domain/SchemaStatus.ts"
import { type ColumnTypes, Driver } from "./Driver.ts"

type Columns = ReadonlyArray<readonly [table: string, columns: ReadonlyArray<string>]>

/**
 * What a version of the tables adds to the one before.
 *
 * Older programs go on reading, and a transaction of theirs may commit between two statements. So a step only adds: a
 * table, an index, or a column that may be left out of an INSERT. What a newer program reads must be there to the older
 * one as well, so a question takes the columns of a step with `SELECT *`, and does without what is missing. The table
 * port_registry, and the row that has the version, stay as they are for ever.
 */
export interface SchemaStep extends SchemaVersion {
  /** Each may be run again, and by several programs at once: what is there already is no failure. */
  readonly statements: (types: ColumnTypes) => ReadonlyArray<string>
  /** The columns that it adds, by table. */
  readonly columns: Columns
}

/** The version of the tables without any step. */
const FIRST: SchemaVersion = { version: 1, since: "0.1.0" }

/** The steps from the first version to the newest, in their order. */
export class SchemaSteps extends Context.Reference<SchemaSteps>()("SchemaSteps", {
  defaultValue: (): ReadonlyArray<SchemaStep> => []
}) {}

export type Steps = ReadonlyArray<SchemaStep>

/** The columns of the first version that every table must have, ours or not. */
const COLUMNS = (settings: string): Columns => [
  [settings, ["setting_key", "setting_value"]],
  ["port_claims", ["port", "claim_key", "claimed_at", "host", "by"]],
  ["port_keys", ["key", "description", "created_at", "host", "by"]],
  ["port_owners", ["host", "key", "kind", "name", "since", "seen"]],
  ["port_reserved", ["port", "reason", "created_at", "host", "by"]],
  ["port_history", ["id", "batch", "at", "what", "key", "old_port", "new_port", "detail", "host", "user", "program"]],
  ["port_registry", ["name", "value"]],
  ["port_health", ["host", "port", "key", "state", "since", "last_up", "failures", "mark", "listener"]]
]

/** The columns of the tables in `version`. */
const columnsOf = (settings: string, steps: Steps, version: number): Columns => {
  const columns = new Map(COLUMNS(settings))
  for (const step of steps.filter((each) => each.version <= version)) {
    for (const [table, added] of step.columns) columns.set(table, [...(columns.get(table) ?? []), ...added])
  }
  return [...columns]
}

/**
 * The tables of the first version, each made only if it is missing. The last one is port_registry: without its rows there
 * is no change, so a registry that was changed has had all of them. Times are ISO 8601 text in UTC, because the databases have no type
 * for them in common.
 */
const statements = (sql: SqlClient.SqlClient, types: ColumnTypes, settings: string) => {
  const create = (table: string, columns: string) =>
    sql.unsafe(`CREATE TABLE IF NOT EXISTS ${table} (${columns})${types.options}`).raw
  const id = (name: string) => sql.onDialectOrElse({ mysql: () => `\`${name}\``, orElse: () => `"${name}"` })
  const name = types.name
  const stamp = `host ${name(255)} NOT NULL, ${id("by")} ${name(255)} NOT NULL`
  /** The columns that the history is searched by. */
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
    // On a server they are part of the table, because to make an index is another right there.
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

/** What the key of an assignment's row begins with. */
export const PREFIX = "port_"
/** The registry's tables. */
export const tableNames = (settings: string): ReadonlyArray<string> => COLUMNS(settings).map(([table]) => table)

/** The row that every transaction locks first, so that writers stand in a queue. */
export const MUTEX = "mutex"

/** The row that says which table of settings the claims belong to: those of another would drop them. */
export const TABLE_ROW = "settings_table"

/** The row that has the version of the tables, and the first `d` that knows it; one that has none is of the first version. */
export const VERSION_ROW = "schema_version"

export interface FactRow {
  readonly name: string
  readonly value: string
}

/** What the rows of that name in port_registry say. */
export const factsOf = (rows: ReadonlyArray<FactRow>): RegistryFacts => {
  const value = (name: string) => rows.find((row) => row.name === name)?.value
  return { settingsTable: value(TABLE_ROW), version: value(VERSION_ROW) }
}

/** The version that `steps` make. */
export const newest = (steps: Steps): SchemaVersion => steps.at(-1) ?? FIRST

/** What the row of the version holds for the one that `steps` make. */
export const versionRow = (steps: Steps): string => `${newest(steps).version} ${newest(steps).since}`

/** The version that the row tells; one that cannot be read is newer than any. */
export const versionOf = (row: string | undefined): SchemaVersion => {
  if (row === undefined) return FIRST
  const [, version, since] = /^([1-9]\d{0,8})(?: (\d+\.\d+\.\d+))?$/.exec(row) ?? []
  return { version: Number(version ?? Number.POSITIVE_INFINITY), since }
}

/** Many may do it at once. */
const insertMutex = (sql: SqlClient.SqlClient) =>
  sql.onDialectOrElse({
    mysql: () => sql`INSERT IGNORE INTO port_registry ${sql.insert({ name: MUTEX, value: "" })}`,
    orElse: () => sql`INSERT OR IGNORE INTO port_registry ${sql.insert({ name: MUTEX, value: "" })}`
  })

/** Makes what is missing, in the newest version; safe when many do it at once. Nothing that is there is altered. */
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

/** Stores, in a transaction, that the tables have the newest version. */
export const storeVersion = (steps: Steps) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<FactRow>`SELECT name, value FROM port_registry WHERE name = ${VERSION_ROW}`
    if (row !== undefined && versionOf(row.value).version >= newest(steps).version) return
    yield* sql`DELETE FROM port_registry WHERE name = ${VERSION_ROW}`
    yield* sql`INSERT INTO port_registry ${sql.insert({ name: VERSION_ROW, value: versionRow(steps) })}`
  })

/** Reads no row and every column, so that a table of another shape fails here and not in the middle of a change. */
export const checkColumns = (settings: string, steps: Steps) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const [table, columns] of columnsOf(settings, steps, newest(steps).version)) {
      yield* sql`SELECT ${sql.csv(columns.map((column) => sql`${sql(column)}`))} FROM ${sql(table)} LIMIT 0`.raw
    }
  })

/** Inserts and deletes nothing, wherever a change may: a right that is missing shows all the same. */
export const tryEverything = (settings: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const [table, columns] of COLUMNS(settings)) {
      const names = sql.csv(columns.map((column) => sql`${sql(column)}`))
      yield* sql`INSERT INTO ${sql(table)} (${names}) SELECT ${names} FROM ${sql(table)} WHERE 1 = 0`
      if (table !== "port_history") yield* sql`DELETE FROM ${sql(table)} WHERE 1 = 0`
    }
  })

/** Compares what is there, by `table.column`, with what is expected of the version that it is. */
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
