import { readFileSync } from "node:fs"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as MysqlClient from "@effect/sql-mysql2/MysqlClient"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DurabilityRisk, Limits, Mysql } from "../../config/databaseUrl.ts"
import { BackedUpElsewhere } from "../../domain/errors.ts"
import type { Driver } from "../Driver.ts"
import { labelOf, userOf } from "../databaseLabel.ts"
import type { FailureKind } from "../failures.ts"
import { lazily } from "../lazily.ts"
import type { RetryLimits } from "../retry.ts"
import { MUTEX } from "../schema.ts"
import { CONNECTIONS, makeConnectionLimits } from "./connectionLimits.ts"
import { dumpCommand } from "./dump.ts"
import {
  classifyCommitError,
  classifyError,
  isAccessDenied,
  isFromServer,
  isLockTimeout,
  isNodeNotReady,
  isStatementTimeout,
  nodeNotReady
} from "./errors.ts"
import { makeFailover } from "./failover.ts"
import { asText, compiled, sendAlone, sendTogether, type Text, textOf } from "./roundTrips.ts"

/** Added to the longest of the server's own timeouts, so that a server that responds reports its timeout first. */
const SILENCE_MARGIN_MS = 1000

/**
 * The session settings that every statement relies on, whatever the server's globals are: reads see the latest commits,
 * complete and in UTF-8; no value is truncated; statements that use no index are allowed. On MySQL, it waits `lock` seconds for
 * a lock, and closes a connection that has been silent for `idle` seconds, perhaps within a transaction.
 */
const session = (lock: number, idle: number) =>
  "SET NAMES utf8mb4; SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; " +
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES', autocommit = 1, completion_type = 0, sql_safe_updates = 0, " +
  "sql_select_limit = 18446744073709551615, sql_big_selects = 1, sql_auto_is_null = 0 /*M! , max_statement_time = 0 */" +
  // MySQL has no idle_transaction_timeout, and does not count a lock on a whole table as one of InnoDB's.
  ` /*!80000 , max_execution_time = 0, lock_wait_timeout = ${lock}, wait_timeout = ${idle} */`

const certificates = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch (cause) {
    throw Object.assign(new Error(`${path} cannot be read`, { cause }), { code: "HANDSHAKE_CA" })
  }
}

/** Makes the driver for a server, or for the nodes of a cluster, with failover. It connects when it is first used. */
export const make = (database: Mysql, settingsTable: string, databaseTimeout: RetryLimits) =>
  Effect.gen(function* () {
    const { name, password, passwordFile, servers, tls } = database
    const common = databaseTimeout.stalled
    const limits: Limits = { connect: common, acquire: common, lock: common, statement: common, ...database.limits }
    const label = labelOf(database)
    const silence = Math.max(limits.statement, limits.lock) + SILENCE_MARGIN_MS
    const seconds = (milliseconds: number) => Math.max(1, Math.ceil(milliseconds / 1000))
    // A client that still runs closes an idle connection first.
    const onConnect = session(seconds(limits.lock), seconds(silence + SILENCE_MARGIN_MS))
    const connections = makeFailover(servers, silence, onConnect, { passwordFile, serverName: tls?.serverName })
    /** Whether the last server was a node of a Galera cluster. Queried again after a connection has closed. */
    let clustered = false
    let checkedAt = -1
    /**
     * The connections whose transaction is on a Galera node. Remembered, because the server must never be queried for
     * it inside a transaction: if Galera has aborted that, the query may swallow the error, and later statements would
     * run outside any transaction.
     */
    const onNodes = new WeakSet<Connection>()

    const opening = (inCluster: boolean): ReadonlyArray<Text> => [
      [
        `SET SESSION sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = ${seconds(limits.lock)} ` +
          `/*M! , max_statement_time = ${limits.statement / 1000}, idle_transaction_timeout = ${seconds(common)} */` +
          // Reads must see everything that was acknowledged on any other node.
          (inCluster ? ", wsrep_sync_wait = 1" : ""),
        []
      ],
      ["START TRANSACTION", []]
    ]
    const lockMutex: Text = [`SELECT name FROM port_registry WHERE name = '${MUTEX}' FOR UPDATE`, []]

    /** A lock timeout of a statement that takes no lock means that the node has lost the others and waited for them. */
    const withoutLocks = <A, R>(effect: Effect.Effect<A, SqlError, R>) =>
      Effect.mapError(effect, (error) => (isLockTimeout(error.cause) ? new SqlError({ cause: nodeNotReady }) : error))

    const run = (connection: Connection, text: string) =>
      withoutLocks(connection.executeUnprepared(text, [], undefined))

    const inCluster = (connection: Connection) =>
      Effect.suspend(() => {
        const now = connections.ended()
        if (checkedAt === now) return Effect.succeed(clustered)
        return Effect.map(run(connection, "SHOW VARIABLES LIKE 'wsrep_on'"), ([row]) => {
          checkedAt = now
          clustered = (row as { readonly Value?: string } | undefined)?.Value === "ON"
          return clustered
        })
      })

    const { withConnectionSlot, reserveFrom } = makeConnectionLimits(servers.length > 1, limits.acquire)

    const [first] = servers
    const connect = Effect.suspend(() =>
      MysqlClient.make({
        ...(first !== undefined && "host" in first ? { host: first.host, port: first.port } : {}),
        database: name,
        username: userOf(database),
        ...(password === undefined ? {} : { password }),
        maxConnections: CONNECTIONS,
        poolConfig: {
          stream: connections.open,
          connectTimeout: limits.connect,
          maxIdle: CONNECTIONS,
          ...(tls === undefined
            ? {}
            : {
                ssl: {
                  rejectUnauthorized: tls.verify,
                  verifyIdentity: tls.verify,
                  ...(tls.ca === undefined ? {} : { ca: certificates(tls.ca) })
                }
              })
        }
      })
    ).pipe(
      // `certificates` throws if the file cannot be read.
      Effect.catchAllDefect((cause) => Effect.fail(new SqlError({ cause }))),
      // With several servers, `classify` depends on `clustered` from the start.
      Effect.tap((sql) => (servers.length === 1 ? Effect.void : Effect.scoped(Effect.flatMap(sql.reserve, inCluster)))),
      withoutLocks,
      // A failed `make` leaves its pool connected.
      Effect.tapError(() => Effect.sync(connections.leave)),
      Effect.map((sql) => ({ sql, reserve: Effect.map(reserveFrom(sql), asText) }))
    )

    /** A server refuses an account that requires TLS in the same words as a wrong password. */
    const withTlsHint = (kind: FailureKind, { cause }: SqlError): FailureKind => {
      if (tls !== undefined || !isAccessDenied(cause) || !("hint" in kind)) return kind
      const isFirst = Object.keys(database.limits).length === 0 && first !== undefined && "host" in first
      return { ...kind, hint: `${kind.hint}; if the account requires TLS, add ${isFirst ? "?" : "&"}tls=true to it` }
    }

    /** Nothing is lost, and nothing will get better soon, if there has never been a server. */
    const withoutRetry = (kind: FailureKind): FailureKind =>
      kind._tag === "ConnectionLost" && connections.isMute() ? { ...kind, _tag: "Rejected" } : kind

    /** Classifies an error. With several servers, one that is down or cut off says nothing about the next. */
    const classify = (error: SqlError): FailureKind => {
      const kind = classifyError(
        isFromServer(error.cause) ? error.cause : (connections.refusal() ?? error.cause),
        passwordFile
      )
      if (servers.length === 1) return withoutRetry(withTlsHint(kind, error))
      // A node that has lost the others keeps its connections, but rejects statements or reports a lock timeout. One
      // that is being copied to another node blocks all writes.
      const { cause } = error
      if (isNodeNotReady(cause) || (clustered && (isLockTimeout(cause) || isStatementTimeout(cause))))
        connections.leave()
      return kind._tag === "Unreachable" ? { ...kind, _tag: "ConnectionLost", fault: "down" } : kind
    }

    const { get: pool, isMade } = yield* lazily(connect)
    /** Runs single statements on any free connection of the pool. */
    const pooled: Connection = {
      execute: (text, values) => Effect.flatMap(pool, ({ sql }) => sql.unsafe<object>(text, values).withoutTransform),
      executeRaw: (text, values) => Effect.flatMap(pool, ({ sql }) => sql.unsafe(text, values).raw),
      executeValues: (text, values) => Effect.flatMap(pool, ({ sql }) => sql.unsafe(text, values).values),
      executeUnprepared: (text, values) =>
        Effect.flatMap(pool, ({ sql }) => sql.unsafe<object>(text, values).unprepared),
      executeStream: () => Stream.dieMessage("rows are not streamed")
    }
    const reserve = Effect.flatMap(pool, ({ sql }) => sql.reserve)
    const sql = yield* SqlClient.make({
      acquirer: Effect.succeed(pooled),
      transactionAcquirer: reserve,
      compiler: MysqlClient.makeCompiler(),
      spanAttributes: [["db.system.name", "mysql"]]
    })

    const driver: typeof Driver.Service = {
      label,
      reserve: Effect.flatMap(pool, (each) => each.reserve),
      readOne: (statement, values) => pooled.execute(statement, values, undefined),
      begin: (connection, { always = [], queries }) =>
        Effect.gen(function* () {
          const onNode = yield* inCluster(connection)
          if (onNode) {
            onNodes.add(connection)
            yield* run(connection, textOf(opening(true)))
          }
          const texts = [...(onNode ? [] : opening(false)), lockMutex, ...[...queries, ...always].map(compiled)]
          const results = yield* (onNode ? sendAlone : sendTogether)(connection, texts)
          const at = texts.indexOf(lockMutex)
          const mutex = results[at]
          const rest = at + 1 + queries.length
          return Array.isArray(mutex) && mutex.length === 1
            ? { results: results.slice(at + 1, rest), always: results.slice(rest) }
            : // Without the mutex row writers do not exclude each other: treat it as a missing table.
              yield* new SqlError({ cause: { errno: 1146, sqlState: "42S02", message: "no mutex" } })
        }),
      runBeside: (statements) =>
        Effect.scoped(
          Effect.gen(function* () {
            const connection = yield* reserve
            const texts: ReadonlyArray<Text> = [...statements.map(compiled), ["COMMIT", []]]
            const onNode = yield* inCluster(connection)
            const all = onNode
              ? Effect.zipRight(run(connection, textOf(opening(true))), sendAlone(connection, texts))
              : sendTogether(connection, [...opening(false), ...texts])
            yield* Effect.onError(all, () => Effect.ignore(connection.executeUnprepared("ROLLBACK", [], undefined)))
          })
        ),
      commit: (connection, last) =>
        Effect.as(
          onNodes.has(connection)
            ? Effect.zipRight(sendAlone(connection, last.map(compiled)), run(connection, "COMMIT"))
            : sendTogether(connection, [...last.map(compiled), ["COMMIT", []]]),
          undefined
        ),
      dataVersion: Effect.succeed(undefined),
      // Before the first connection, no other writer can be in the way.
      progress: Effect.suspend(() =>
        isMade()
          ? Effect.map(sql<{ id: number | null }>`SELECT MAX(id) AS id FROM port_history`, ([row]) => row?.id)
          : Effect.succeed(undefined)
      ),
      readMany: (queries) =>
        Effect.scoped(Effect.flatMap(reserve, (connection) => sendTogether(connection, queries.map(compiled)))),
      withConnectionSlot,
      runAll: (connection, statements) => {
        const texts = statements.map(compiled)
        return onNodes.has(connection) ? sendAlone(connection, texts, true) : sendTogether(connection, texts)
      },
      classifyError: classify,
      classifyCommitError: (error) => {
        const kind = classify(error)
        return kind._tag === "Rejected" ? classifyCommitError(error.cause) : kind
      },
      affectedRows: (raw) => (raw as { affectedRows: number }).affectedRows,
      backup: (file) => new BackedUpElsewhere({ store: label, command: dumpCommand(database, settingsTable, file) }),
      tryStorage: Effect.void,
      checkpoint: Effect.void,
      columns: Effect.gen(function* () {
        const rows = yield* sql<{ name: string }>`
        SELECT LOWER(CONCAT(TABLE_NAME, '.', COLUMN_NAME)) AS name FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE()`
        // No columns may also mean that the database was dropped: connections survive that.
        const exists = rows.length > 0 || (yield* sql`SHOW DATABASES WHERE ${sql("Database")} = DATABASE()`).length > 0
        return exists
          ? new Set(rows.map((row) => row.name))
          : yield* new SqlError({ cause: { errno: 1049, sqlState: "42000", message: "no such database" } })
      }),
      account: Effect.map(sql<{ account: string }>`SELECT CURRENT_USER() AS account`, ([row]) => row?.account),
      durabilityRisk: Effect.map(
        sql<{ flush: number; binlog: number; sync: number }>`
        SELECT @@innodb_flush_log_at_trx_commit AS flush, @@log_bin AS binlog, @@sync_binlog AS sync`,
        ([row]): DurabilityRisk | undefined => {
          const loss = (when: DurabilityRisk["when"], name: string, value: number): DurabilityRisk => ({
            when,
            setting: `${name} is ${value}`,
            safe: `${name} = 1`
          })
          const [flush, binlog, sync] = [row?.flush, row?.binlog, row?.sync].map(Number)
          if (flush === 0 || flush === 2) {
            return loss(flush === 0 ? "server" : "machine", "innodb_flush_log_at_trx_commit", flush)
          }
          // With a binary log, a COMMIT is on disk only once that log is.
          return binlog === 1 && sync !== undefined && sync !== 1 ? loss("machine", "sync_binlog", sync) : undefined
        }
      ),
      columnTypes: Effect.map(
        sql<{ name: string }>`SELECT COLLATION_NAME AS name FROM information_schema.COLLATIONS
        WHERE COLLATION_NAME IN (${"utf8mb4_nopad_bin"}, ${"utf8mb4_0900_bin"})`,
        // The older utf8mb4_bin ignores trailing spaces: "a" and "a " would be equal.
        ([unpadded]) => ({
          name: (length) => `VARCHAR(${length})`,
          serial: "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
          options: ` ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=${unpadded?.name ?? "utf8mb4_bin"}`
        })
      )
    }

    return { sql, driver }
  })
