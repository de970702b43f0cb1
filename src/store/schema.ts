import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import type { SchemaCondition } from "../domain/Schema.ts"
import { type ColumnTypes, Dialect } from "./Dialect.ts"

/** The columns that every table must have, ours or not. */
const COLUMNS = (settings: string): ReadonlyArray<readonly [string, ReadonlyArray<string>]> => [
  [settings, ["setting_key", "setting_value"]],
  ["port_claims", ["port", "claim_key", "claimed_at", "host", "by"]],
  ["port_keys", ["key", "description", "created_at", "host", "by"]],
  ["port_owners", ["host", "key", "kind", "name", "since", "seen"]],
  ["port_reserved", ["port", "reason", "created_at", "host", "by"]],
  ["port_history", ["id", "batch", "at", "what", "key", "old_port", "new_port", "detail", "host", "user", "program"]],
  ["port_registry", ["name", "value"]],
  ["port_health", ["host", "port", "key", "state", "since", "last_up", "failures", "mark", "listener"]]
]

/**
 * The tables, each made only where it is missing. Times are ISO 8601 text in UTC, because the databases have no type
 * for them in common.
 */
const statements = (sql: SqlClient.SqlClient, types: ColumnTypes, settings: string) => {
  const create = (table: string, columns: string) =>
    sql.unsafe(`CREATE TABLE IF NOT EXISTS ${table} (${columns})${types.options}`).raw
  const id = (name: string) => sql.onDialectOrElse({ mysql: () => `\`${name}\``, orElse: () => `"${name}"` })
  const name = types.name
  const stamp = `host ${name(255)} NOT NULL, ${id("by")} ${name(255)} NOT NULL`
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
        `${id("user")} ${name(255)} NOT NULL, program ${name(255)} NOT NULL, UNIQUE (batch, id)`
    ),
    create("port_registry", `name ${name(255)} NOT NULL PRIMARY KEY, value TEXT NOT NULL`),
    create(
      "port_health",
      `host ${name(255)} NOT NULL, port INTEGER NOT NULL, ${id("key")} ${name(250)} NOT NULL, state ${name(16)} NOT NULL, ` +
        `since ${name(32)} NOT NULL, last_up ${name(32)}, failures INTEGER NOT NULL, mark INTEGER NOT NULL, ` +
        `listener TEXT, PRIMARY KEY (host, port)`
    )
  ]
}

/** The tables that are expected, by name. */
export const tableNames = (settings: string): ReadonlyArray<string> => COLUMNS(settings).map(([table]) => table)

/** What the key of an assignment's row begins with. */
export const PREFIX = "port_"

/** The row that every transaction locks first, so that writers stand in a queue. */
export const MUTEX = "mutex"

/** The row that says which table of settings the claims belong to: those of another would drop them. */
export const TABLE_ROW = "settings_table"

/** Many may do it at once. */
const insertMutex = (sql: SqlClient.SqlClient) =>
  sql.onDialectOrElse({
    mysql: () => sql`INSERT IGNORE INTO port_registry ${sql.insert({ name: MUTEX, value: "" })}`,
    orElse: () => sql`INSERT OR IGNORE INTO port_registry ${sql.insert({ name: MUTEX, value: "" })}`
  })

/** Makes what is missing; safe when many do it at once. Nothing that is there is altered. */
export const ensureSchema = (settings: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const dialect = yield* Dialect
    const types = yield* dialect.columnTypes
    yield* Effect.forEach(statements(sql, types, settings), (statement) => statement, { discard: true })
    yield* insertMutex(sql)
  })

/** Reads no row and every column, so that a table of another shape fails here and not in the middle of a change. */
export const checkColumns = (settings: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const [table, columns] of COLUMNS(settings)) {
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

/** Compares what is there, by `table.column`, with what is expected. */
export const conditionOf = (settings: string, there: ReadonlySet<string>): SchemaCondition => {
  const tables = new Set([...there].map((name) => name.slice(0, name.indexOf("."))))
  const expected = COLUMNS(settings)
  const missing = expected.map(([table]) => table).filter((table) => !tables.has(table.toLowerCase()))
  const foreign = expected.flatMap(([table, columns]) => {
    const column = columns.find((name) => !there.has(`${table}.${name}`.toLowerCase()))
    return column === undefined || missing.includes(table) ? [] : [{ table, column }]
  })
  const ours = (table: string) => !missing.includes(table) && !foreign.some((each) => each.table === table)
  return { unused: !expected.some(([table]) => table !== settings && ours(table)), missing, foreign }
}
