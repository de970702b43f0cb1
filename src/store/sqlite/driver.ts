import { rmSync } from "node:fs"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import type { Sqlite } from "../../config/databaseUrl.ts"
import { CannotBackUp, type Unavailable } from "../../domain/errors.ts"
import { tryRead } from "../../machine/tryRead.ts"
import { Driver, type Statements } from "../Driver.ts"
import { labelOf } from "../databaseLabel.ts"
import { type RetryLimits, unavailable } from "../retry.ts"
import { transaction } from "../transaction.ts"
import { backUp } from "./backup.ts"
import { loadBinding } from "./binding.ts"
import { classifyCommitError, classifyError } from "./errors.ts"
import { makeConnections } from "./fileConnections.ts"
import { FileReplaced, watchDirectory } from "./files.ts"
import type { Opened } from "./opening.ts"
import { isMissing, tryStorage } from "./prepareFile.ts"
import { PRIMARY, READONLY, resultCodeOf } from "./resultCodes.ts"
import { beginImmediate } from "./writeLock.ts"

/** How long one attempt waits for the lock, in milliseconds, before it is checked whether others make progress. */
const WAIT_MS = 1000

const COLUMNS = `SELECT LOWER(t.name || '.' || c.name) AS name
  FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'`

const runOn = (connection: Connection, statements: Statements) =>
  Effect.forEach(statements, (statement) => {
    const [text, values] = statement.compile()
    return connection.execute(text, values, undefined)
  })

const isReadOnlyError = ({ cause }: SqlError): boolean => ((resultCodeOf(cause) ?? 0) & PRIMARY) === READONLY

/** Loads the SQLite binding. Fails if there is none. */
export const load = (database: Sqlite): Effect.Effect<void, Unavailable> =>
  Effect.asVoid(
    Effect.tryPromise({
      try: () => loadBinding(),
      catch: (cause) => unavailable(labelOf(database), classifyError(cause, database.path))
    })
  )

/** Makes the driver for a database file, which is created with its directory when it is first used. */
export const make = (database: Sqlite, databaseTimeout: RetryLimits) =>
  Effect.gen(function* () {
    const { path } = database
    const label = labelOf(database)
    const runtime = yield* Effect.runtime()
    /** Guards the writer, so that nothing runs inside the transaction of another. */
    const writerLock = Effect.unsafeMakeSemaphore(1)
    const closeStale = () => void Runtime.runFork(runtime, writerLock.withPermits(1)(connections.closeStale))
    const connections = makeConnections(path, closeStale)
    yield* Effect.addFinalizer(() => Effect.sync(connections.close))

    const get = (name: "reader" | "writer", reopen: Effect.Effect<Opened, SqlError>) =>
      Effect.suspend(() => {
        const known = connections.current(name)
        return known === undefined ? reopen : Effect.succeed(known)
      })
    const connectionOf = (opened: Effect.Effect<Opened, SqlError>) => Effect.map(opened, ({ connection }) => connection)
    /** Opens the connection for queries. It sees what is committed, even while the writer is in a transaction. */
    const openReader = get(
      "reader",
      Effect.suspend(() =>
        connections.isStale()
          ? writerLock.withPermits(1)(connections.reopen("reader", true))
          : connections.reopen("reader", false)
      )
    )
    const reader = connectionOf(openReader)
    const writer = connectionOf(get("writer", connections.reopen("writer", true)))

    const sql = yield* SqlClient.make({
      // A query must not create the file. What writes outside of a transaction follows one that has created it.
      acquirer: Effect.suspend(() =>
        tryRead(() => isMissing(path), false) ? reader : writerLock.withPermits(1)(writer)
      ),
      transactionAcquirer: Effect.zipRight(
        Effect.acquireRelease(Effect.interruptible(writerLock.take(1)), () => writerLock.release(1)),
        writer
      ),
      compiler: Statement.makeCompilerSqlite(),
      spanAttributes: [["db.system.name", "sqlite"]]
    })

    yield* Effect.acquireRelease(
      Effect.sync(() => watchDirectory(path, closeStale)),
      (stop) => Effect.sync(stop)
    )

    /** Fails if the files were removed or replaced: then the old ones were written to. */
    const stillCurrent = Effect.suspend(() =>
      connections.current("writer") === undefined ? new SqlError({ cause: new FileReplaced() }) : Effect.void
    )

    /** Returns a string that changes whenever anything is changed, over this connection or another one. */
    const versionOn = (connection: Connection) =>
      Effect.map(
        connection.execute("SELECT data_version, total_changes() AS changes FROM pragma_data_version", [], undefined),
        ([row]) => `${connections.opened()} ${Object.values(row ?? {}).join(" ")}`
      )
    /** `data_version` changes only for commits of other connections, so read it on the one that commits nothing. */
    const version = Effect.flatMap(reader, versionOn)

    /** The connections whose transaction cannot write. */
    const onlyReading = new WeakSet<Connection>()

    const driver: typeof Driver.Service = {
      label,
      reserve: sql.reserve,
      readOne: (statement, values) => Effect.flatMap(reader, (each) => each.execute(statement, values, undefined)),
      begin: (connection, { always = [], queries, since }) =>
        Effect.gen(function* () {
          const opened = connections.current("writer")
          if (opened?.connection !== connection) return yield* new SqlError({ cause: new FileReplaced() })
          onlyReading.delete(connection)
          // What turns out to change nothing is answered, too.
          const beginToRead = Effect.suspend(() => {
            onlyReading.add(connection)
            return Effect.asVoid(connection.executeUnprepared("BEGIN", [], undefined))
          })
          yield* opened.isReadOnly
            ? beginToRead
            : Effect.catchIf(
                beginImmediate(opened.database, Math.min(WAIT_MS, databaseTimeout.stalled / 2)),
                // A sandbox forbids it, whatever the modes say.
                isReadOnlyError,
                () => beginToRead
              )
          yield* stillCurrent
          const isUnchanged = since !== undefined && since === (yield* versionOn(connection))
          return {
            results: isUnchanged ? undefined : yield* runOn(connection, queries),
            always: yield* runOn(connection, always)
          }
        }),
      // A file has only one writer at a time, so this takes the lock after all, for a moment.
      runBeside: (statements) =>
        Effect.provideService(
          transaction((_, commitWith) => Effect.sync(() => commitWith(statements))),
          Driver,
          driver
        ),
      commit: (connection, last) => {
        const commit = connection.executeUnprepared("COMMIT", [], undefined)
        // Only a transaction that writes nothing gets past `last`.
        if (onlyReading.has(connection)) return Effect.as(Effect.zipRight(runOn(connection, last), commit), undefined)
        // Read the version before another process can commit. Our own COMMIT does not change it.
        return Effect.zipRight(runOn(connection, last), versionOn(connection)).pipe(
          Effect.zipLeft(commit),
          Effect.zipLeft(stillCurrent)
        )
      },
      dataVersion: version,
      progress: version,
      readMany: (queries) => Effect.flatMap(reader, (connection) => runOn(connection, queries)),
      // Nothing to limit: one connection writes, and one reads.
      withConnectionSlot: (effect) => effect,
      runAll: (connection, statements) =>
        Effect.forEach(statements, (statement) => {
          const [text, values] = statement.compile()
          return connection.executeRaw(text, values)
        }),
      classifyError: (error) => classifyError(error.cause, path),
      classifyCommitError: (error) => classifyCommitError(error.cause, path),
      backup: (file) =>
        Effect.flatMap(openReader, ({ database, isCurrent, isReadOnly }) =>
          Effect.try({
            try: () => {
              const size = backUp(database, file)
              if (!isReadOnly || isCurrent()) return size
              rmSync(file)
              throw new FileReplaced()
            },
            catch: (cause) => (cause instanceof CannotBackUp ? cause : new SqlError({ cause }))
          })
        ),
      tryStorage: Effect.tryPromise({ try: () => tryStorage(path), catch: (cause) => new SqlError({ cause }) }),
      checkpoint: writerLock.withPermits(1)(
        // PASSIVE waits for no other connection, and keeps the size of the -wal, a sign that the file is in use.
        Effect.flatMap(writer, (each) => each.executeUnprepared("PRAGMA wal_checkpoint(PASSIVE)", [], undefined))
      ),
      columns: Effect.flatMap(reader, (connection) =>
        Effect.map(connection.execute(COLUMNS, [], undefined), (rows) => new Set(rows.map(({ name }) => String(name))))
      ),
      account: Effect.succeed(undefined),
      // Every connection sets synchronous = FULL.
      durabilityRisk: Effect.succeed(undefined),
      affectedRows: (raw) => (raw as { changes: number }).changes,
      columnTypes: Effect.succeed({ name: () => "TEXT", serial: "INTEGER PRIMARY KEY AUTOINCREMENT", options: "" })
    }
    return { sql, driver }
  })
