import { closeSync, mkdirSync, openSync, statSync } from "node:fs"
import { dirname } from "node:path"
import type * as Reactivity from "@effect/experimental/Reactivity"
import type * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { userName } from "../config/user.ts"
import type { Sqlite } from "../domain/Database.ts"
import type { Fault, Unavailable } from "../domain/errors.ts"
import type { Dialect, Statements, Trouble } from "./Dialect.ts"
import { labelOf } from "./label.ts"
import { openLayer } from "./open.ts"
import { Troubled } from "./patience.ts"

const ELSEWHERE = "name another file with AUTOMATELINUX_DATABASE_URL=sqlite:/PATH/TO/FILE"

/** Why a file or directory cannot be opened, by the system's code for it. */
const systemReason = (code: string | undefined, path: string): string => {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return `permission denied for ${userName()}${ownedBy(path)}`
    case "EISDIR":
      return "it is a directory"
    case "ENOTDIR":
    case "EEXIST":
      return "part of its path is a file, not a directory"
    case "EROFS":
      return "the file system is read-only"
    case "ENOSPC":
      return "the disk is full"
    default:
      return `the system says ${code ?? "no"}`
  }
}

const ownedBy = (path: string): string => {
  try {
    const { uid } = statSync(path)
    return uid === process.getuid?.() ? "" : `; it belongs to uid ${uid}`
  } catch {
    return ""
  }
}

const diagnose = (cause: unknown, path: string): Trouble => {
  const { code = "", message = String(cause) } = cause as { code?: string; message?: string }
  const refused = (reason: string, hint: string, fault: Fault = "other"): Trouble => ({
    _tag: "Refused",
    reason,
    hint,
    fault
  })
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) {
    return { _tag: "Busy", reason: "another program holds it locked", hint: `see who with: fuser -v ${path}` }
  }
  if (/no such table/.test(message)) return { _tag: "MissingTable" }
  if (/^SQLITE_CONSTRAINT_(PRIMARYKEY|UNIQUE)/.test(code)) return { _tag: "Duplicate" }
  const column = /no such column: "?(\w+)/.exec(message)?.[1]
  if (column !== undefined) return refused(`a table in it has no column ${column}: it is another program's`, ELSEWHERE)
  if (/^SQLITE_NOTADB/.test(code)) return refused("it is not an SQLite database", `move it away, or ${ELSEWHERE}`)
  if (/^SQLITE_CORRUPT/.test(code))
    return refused("it is damaged", `restore it from a backup, or see what is left: sqlite3 ${path} .recover`)
  if (/^SQLITE_READONLY/.test(code))
    return refused(`it cannot be written${ownedBy(path)}`, `look at: ls -l ${path}*`, "read-only")
  // A COMMIT that could not be brought to the disk may be found there after a crash all the same.
  if (/^SQLITE_IOERR_(DIR_)?FSYNC/.test(code))
    return {
      _tag: "Lost",
      reason: `the disk does not say that it has what was written (${code})`,
      hint: "look at: dmesg"
    }
  if (/^SQLITE_FULL/.test(code)) return refused("the disk is full", `make room: df -h ${dirname(path)}`)
  if (/^SQLITE_/.test(code)) return refused(`${message} (${code})`, `look at: ls -l ${path}*`)
  if (/^E[A-Z]+$/.test(code)) {
    const closed = ["EACCES", "EPERM"].includes(code)
    return refused(systemReason(code, path), ELSEWHERE, closed ? "read-only" : "other")
  }
  return refused(message, ELSEWHERE)
}

/** Makes the file before SQLite does, so that it and what SQLite puts beside it are their owner's alone. */
const makeFile = (path: string) => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, "a", 0o600))
}

const runOn = (connection: Connection, statements: Statements) =>
  Effect.forEach(statements, (statement) => {
    const [text, values] = statement.compile()
    return connection.execute(text, values, undefined)
  })

/** The embedded database in a file, which is made with its directory where it is missing. */
export const layer = (
  database: Sqlite,
  patience: Duration.Duration
): Layer.Layer<SqlClient.SqlClient | Dialect, Unavailable> => {
  const { path } = database
  const label = labelOf(database)
  const open = Effect.gen(function* () {
    yield* Effect.sync(() => makeFile(path))
    const sql = yield* SqliteClient.make({ filename: path, prepareCacheTTL: "1 second" })
    // Waiting is done outside, where it does not stop the event loop.
    yield* sql`PRAGMA busy_timeout = 0`
    // The driver's default in WAL mode may lose the last commits when the power goes.
    yield* sql`PRAGMA synchronous = FULL`
    return sql
  }).pipe(
    // The driver throws where it cannot open.
    Effect.catchAllDefect(Effect.fail),
    Effect.mapError(
      (thrown) => new Troubled({ trouble: diagnose(thrown instanceof SqlError ? thrown.cause : thrown, path) })
    )
  )
  /** A connection for questions alone. It sees what is committed, while the other one may be in a transaction. */
  const openReader = Effect.gen(function* () {
    const client = yield* SqliteClient.make({ filename: path, prepareCacheTTL: "1 second", disableWAL: true })
    yield* client`PRAGMA busy_timeout = 0`
    return yield* client.reserve
  }).pipe(Effect.catchAllDefect((cause) => Effect.fail(new SqlError({ cause }))))

  const dialectOf = (
    sql: SqlClient.SqlClient,
    reader: Effect.Effect<Connection, SqlError>
  ): typeof Dialect.Service => ({
    label,
    reserve: sql.reserve,
    read: (statement, values) =>
      Effect.flatMap(reader, (connection) => connection.execute(statement, values, undefined)),
    begin: (connection, questions) =>
      Effect.zipRight(connection.execute("BEGIN IMMEDIATE", [], undefined), runOn(connection, questions)),
    commit: (connection, last) =>
      Effect.zipRight(runOn(connection, last), connection.executeUnprepared("COMMIT", [], undefined)),
    // It tells of the commits of every other connection, so it is asked for over the one that commits nothing.
    version: Effect.flatMap(reader, (connection) =>
      Effect.map(
        connection.execute("PRAGMA data_version", [], undefined),
        ([row]) => (row as { readonly data_version: number } | undefined)?.data_version
      )
    ),
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
  })
  return openLayer(label, patience, open, (sql) =>
    Effect.map(Effect.context<Scope.Scope | Reactivity.Reactivity>(), (context) => {
      const opening = Effect.unsafeMakeSemaphore(1)
      let opened: Connection | undefined
      const open = Effect.suspend(() =>
        opened !== undefined
          ? Effect.succeed(opened)
          : Effect.tap(Effect.provide(openReader, context), (connection) => {
              opened = connection
            })
      )
      // Never two: what one of them says of commits means nothing to the other.
      return dialectOf(sql, opening.withPermits(1)(open))
    })
  )
}
