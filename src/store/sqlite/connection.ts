import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Database, Statement } from "./binding.ts"

/** The maximum number of prepared statements that a connection keeps. */
const STATEMENTS_MAX = 200

type Row = Readonly<Record<string, unknown>>

/** Whether a driver refused to return an integer that a JavaScript number cannot hold. */
const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && error.message.includes("too large to be represented")

/** Converts a bigint to a number, or to text if a number cannot hold it. */
const narrowed = (value: unknown): unknown =>
  typeof value !== "bigint" ? value : Number.isSafeInteger(Number(value)) ? Number(value) : String(value)

/** Runs `statement` and returns its rows. A large integer in another program's row must not hide all other rows. */
const rowsOf = (statement: Statement, values: ReadonlyArray<unknown>): ReadonlyArray<Row> => {
  const all = () => statement.all(...(values as Array<string>)) as ReadonlyArray<Row>
  try {
    return all()
  } catch (error) {
    if (!isTooLarge(error)) throw error
    statement.setReadBigInts(true)
    try {
      return all().map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, narrowed(value)])))
    } finally {
      statement.setReadBigInts(false)
    }
  }
}

/** Runs `work`, and turns exceptions into failures. */
const attempt = <A>(work: () => A): Effect.Effect<A, SqlError> =>
  Effect.try({ try: work, catch: (cause) => new SqlError({ cause }) })

/** Matches statements that return rows. Others use `run`: only then do both drivers report why a statement failed. */
const RETURNS_ROWS = /^\s*(SELECT|PRAGMA|WITH)\b|\bRETURNING\b/i

/** Wraps an open database as a connection of @effect/sql. Keeps prepared statements, and drops the oldest first. */
export const makeConnection = (database: Database): Connection => {
  const prepared = new Map<string, Statement>()
  const prepare = (sql: string): Statement => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    const [oldest] = prepared.size < STATEMENTS_MAX ? [] : prepared.keys()
    if (oldest !== undefined) prepared.delete(oldest)
    prepared.set(sql, statement)
    return statement
  }

  const change = (statement: Statement, values: ReadonlyArray<unknown>) => statement.run(...(values as Array<string>))
  const rows = (sql: string, values: ReadonlyArray<unknown>, statement = prepare): ReadonlyArray<Row> => {
    if (RETURNS_ROWS.test(sql)) return rowsOf(statement(sql), values)
    change(statement(sql), values)
    return []
  }

  return {
    execute: (sql, values) => attempt(() => rows(sql, values)),
    executeRaw: (sql, values) => attempt(() => change(prepare(sql), values)),
    executeValues: (sql, values) => attempt(() => rows(sql, values).map(Object.values)),
    executeUnprepared: (sql, values) => attempt(() => rows(sql, values, (text) => database.prepare(text))),
    executeStream: () => Stream.dieMessage("rows are not streamed")
  }
}
