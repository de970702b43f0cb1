import { accessSync, closeSync, constants, openSync, statSync } from "node:fs"
import { dirname } from "node:path"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { Sqlite } from "../domain/Database.ts"
import type { Unavailable } from "../domain/errors.ts"
import { makeDirectory } from "../machine/directory.ts"
import type { Dialect, Statements } from "./Dialect.ts"
import { labelOf } from "./label.ts"
import { openLayer } from "./open.ts"
import type { Patience } from "./patience.ts"
import { attempt, makeConnection } from "./sqlite/connection.ts"
import { type Database, loadDriver } from "./sqlite/driver.ts"
import { diagnose } from "./sqlite/errors.ts"
import { beginImmediate } from "./sqlite/writeLock.ts"

const fails = (code: string) => Object.assign(new Error(code), { code })

/**
 * Makes the file before SQLite does, so that it and what SQLite puts beside it are their owner's alone. One that is
 * there is not opened: to close it again would drop the locks that this process has on it.
 */
const makeFile = (path: string) => {
  makeDirectory(dirname(path), 0o700)
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    if (statSync(path).isDirectory()) throw fails("EISDIR")
    accessSync(path, constants.R_OK | constants.W_OK)
  }
}

const runOn = (connection: Connection, statements: Statements) =>
  Effect.forEach(statements, (statement) => {
    const [text, values] = statement.compile()
    return connection.execute(text, values, undefined)
  })

/**
 * Waiting for locks is done outside, where it does not stop the event loop. SQLite's default in WAL mode may lose the last
 * commits when the power goes.
 */
const PRAGMAS = "PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"

/** Opens the file until the scope ends. */
const open = (path: string): Effect.Effect<Database, SqlError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const { DatabaseSync } = await loadDriver()
        makeFile(path)
        const database = new DatabaseSync(path)
        try {
          database.exec(PRAGMAS)
          return database
        } catch (error) {
          database.close()
          throw error
        }
      },
      catch: (cause) => new SqlError({ cause })
    }),
    (database) => Effect.ignore(attempt(() => database.close()))
  )

/** What `open` answers the first time that it succeeds, for everyone who asks. */
const once = <A, E, R>(open: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const opening = Effect.unsafeMakeSemaphore(1)
  let opened: A | undefined
  const first = Effect.tap(open, (value) => {
    opened = value
  })
  const get = Effect.suspend(() => (opened === undefined ? first : Effect.succeed(opened)))
  return Effect.suspend(() => (opened === undefined ? opening.withPermits(1)(get) : Effect.succeed(opened)))
}

/** The embedded database in a file, which is made with its directory where it is missing, when it is first used. */
export const layer = (
  database: Sqlite,
  patience: Patience
): Layer.Layer<SqlClient.SqlClient | Dialect, Unavailable> => {
  const { path } = database
  const label = labelOf(database)
  const make = Effect.gen(function* () {
    const scope = yield* Effect.scope
    const connect = Effect.map(Scope.extend(open(path), scope), makeConnection)
    const writer = once(connect)
    /**
     * A connection for questions alone. It sees what is committed, while the other one may be in a transaction. Never
     * two: what one of them says of commits means nothing to the other.
     */
    const reader = once(connect)

    const free = Effect.unsafeMakeSemaphore(1)
    const sql = yield* SqlClient.make({
      acquirer: free.withPermits(1)(writer),
      transactionAcquirer: Effect.zipRight(
        Effect.acquireRelease(Effect.interruptible(free.take(1)), () => free.release(1)),
        writer
      ),
      compiler: Statement.makeCompilerSqlite(),
      spanAttributes: [["db.system.name", "sqlite"]]
    })

    /** It tells of the commits of every other connection, so it is asked for over the one that commits nothing. */
    const version = Effect.map(
      Effect.flatMap(reader, (each) => each.execute("PRAGMA data_version", [], undefined)),
      ([row]) => (row as { readonly data_version: number } | undefined)?.data_version
    )

    const dialect: typeof Dialect.Service = {
      label,
      reserve: sql.reserve,
      read: (statement, values) => Effect.flatMap(reader, (each) => each.execute(statement, values, undefined)),
      begin: (connection, questions) =>
        Effect.zipRight(
          Effect.flatMap(writer, ({ database }) => beginImmediate(database)),
          runOn(connection, questions)
        ),
      commit: (connection, last) =>
        Effect.zipRight(runOn(connection, last), connection.executeUnprepared("COMMIT", [], undefined)),
      version,
      progress: version,
      look: (questions) => Effect.flatMap(reader, (connection) => runOn(connection, questions)),
      // There is one connection that writes, and one that reads.
      admit: (effect) => effect,
      all: (connection, statements) =>
        Effect.forEach(statements, (statement) => {
          const [text, values] = statement.compile()
          return connection.executeRaw(text, values)
        }),
      diagnose: (error) => diagnose(error.cause, path),
      columns: Effect.map(
        sql<{ name: string }>`
          SELECT LOWER(t.name || '.' || c.name) AS name FROM sqlite_master AS t, pragma_table_info(t.name) AS c
          WHERE t.type = 'table'`,
        (rows) => new Set(rows.map((row) => row.name))
      ),
      account: Effect.succeed(undefined),
      // Every commit is written through, whatever the file says.
      loses: Effect.succeed(undefined),
      rowsMet: (raw) => (raw as { changes: number }).changes,
      columnTypes: Effect.succeed({ name: () => "TEXT", serial: "INTEGER PRIMARY KEY AUTOINCREMENT", options: "" })
    }
    return { sql, dialect }
  })
  return openLayer(label, patience, make)
}
