import { readFileSync } from "node:fs"
import { connect } from "node:net"
import type * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as MysqlClient from "@effect/sql-mysql2/MysqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { userName } from "../config/user.ts"
import type { Limits, Mysql } from "../domain/Database.ts"
import type { Unavailable } from "../domain/errors.ts"
import type { Dialect, Trouble } from "./Dialect.ts"
import { openLayer } from "./open.ts"
import { Troubled } from "./patience.ts"
import { MUTEX } from "./schema.ts"

const CONNECTIONS = 10

/** The lock wait ends first, so that a server that answers says itself what was the matter. */
const SILENCE_MARGIN_MS = 1000

interface DriverError {
  readonly errno?: number
  readonly code?: string
  readonly message?: string
  /** Set where the server itself said it. */
  readonly sqlState?: string
}

const START_SERVER = "see whether the server runs, and AUTOMATELINUX_DATABASE_URL"
const TRY_AGAIN = "try again"
const MANUAL = "docs/database.md says which rights are needed"

/** Server errors by number, because the driver's names for them differ between its versions. */
const diagnoseServer = (errno: number, message: string): Trouble => {
  switch (errno) {
    case 1146: // no such table
      return { _tag: "MissingTable" }
    case 1062: // duplicate entry
      return { _tag: "Duplicate" }
    case 1020: // record changed since it was read
    case 1205: // lock wait timeout
    case 1213: // deadlock, or a certification conflict in a cluster
    case 1969: // max_statement_time exceeded
      return { _tag: "Busy", reason: "another program holds its tables locked", hint: "see who with: SHOW PROCESSLIST" }
    case 1040: // too many connections
    case 1203: // of this user
    case 1226: // a user's limit of connections
      return { _tag: "Busy", reason: "it has too many connections", hint: "see whose with: SHOW PROCESSLIST" }
    case 1053: // server shutdown in progress
    case 1317: // query interrupted
    case 1927: // connection was killed
    case 1047: // this node of the cluster is not ready
    case 4031: // disconnected for inactivity
      return { _tag: "Lost", reason: "it broke the connection", hint: TRY_AGAIN }
    case 1044:
    case 1142:
    case 1143:
    case 1227:
      return { _tag: "Refused", reason: `it does not allow that: ${message}`, hint: MANUAL }
    case 1045:
    case 1698:
      return { _tag: "Refused", reason: "it refuses this user or password", hint: "correct AUTOMATELINUX_DATABASE_URL" }
    case 1049:
      return { _tag: "Refused", reason: "there is no such database", hint: "make it, as docs/database.md says" }
    case 1054: {
      const column = /'([^']+)'/.exec(message)?.[1] ?? "that is needed"
      return {
        _tag: "Refused",
        reason: `a table in it has no column ${column}: it is another program's`,
        hint: "name another table with AUTOMATELINUX_SETTINGS_TABLE, or another database"
      }
    }
    case 1290:
    case 1792:
    case 1836:
      return {
        _tag: "Refused",
        reason: "it is read-only",
        hint: "name the server that takes writes in AUTOMATELINUX_DATABASE_URL"
      }
    default:
      return { _tag: "Refused", reason: `it says: ${message} (${errno})`, hint: MANUAL }
  }
}

const DOWN: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOENT: "there is no such socket",
  EACCES: "this user may not open the socket",
  ENOTFOUND: "there is no host of that name",
  EAI_AGAIN: "the host's name cannot be looked up now",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  EHOSTDOWN: "the host is down"
}

/** What the driver's error means. Without a state of SQL it is the connection's, not the server's. */
export const diagnose = (cause: unknown): Trouble => {
  const { code = "", errno = 0, message = String(cause), sqlState } = (cause ?? {}) as DriverError
  if (sqlState !== undefined && sqlState !== "" && errno > 0) return diagnoseServer(errno, message)
  if (code.startsWith("HANDSHAKE_") || /certificate|SSL|TLS/i.test(`${code} ${message}`)) {
    return {
      _tag: "Refused",
      reason: `no secure connection: ${message}`,
      hint: "see tls and ca in docs/configuration.md"
    }
  }
  const down = DOWN[code]
  if (down !== undefined) return { _tag: "Down", reason: down, hint: START_SERVER }
  if (code === "ETIMEDOUT") return { _tag: "Lost", reason: "it does not answer", hint: START_SERVER }
  return { _tag: "Lost", reason: "the connection broke", hint: TRY_AGAIN }
}

const certificates = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch (cause) {
    throw Object.assign(new Error(`${path} cannot be read`, { cause }), { code: "HANDSHAKE_CA" })
  }
}

const serverName = (server: Mysql["servers"][number]): string =>
  "socket" in server ? server.socket : `${server.host.includes(":") ? `[${server.host}]` : server.host}:${server.port}`

/** A server, or the nodes of a cluster: after a loss the next one is tried. */
export const layer = (
  database: Mysql,
  patience: Duration.Duration
): Layer.Layer<SqlClient.SqlClient | Dialect, Unavailable> => {
  const { name, password, servers, tls } = database
  const user = database.user ?? userName()
  const common = Duration.toMillis(patience)
  const limits: Limits = { connect: common, acquire: common, lock: common, statement: common, ...database.limits }
  const label = `database ${name} at ${servers.map(serverName).join(", ")} as ${user}`
  let current = 0

  /**
   * Connects to the current server; one that breaks hands over to the next. The limit on silence is the only one that
   * also holds where the server is stopped in the middle of a statement.
   */
  const open = () => {
    const mine = current
    const server = servers[mine % servers.length]
    if (server === undefined) throw new Error("no server is configured")
    const socket = "socket" in server ? connect(server.socket) : connect(server)
    const handOver = () => {
      if (current === mine) current = mine + 1
    }
    socket.setNoDelay(true)
    socket.once("error", handOver)
    socket.once("end", () => {
      if (!socket.writableEnded) handOver()
    })
    socket.setTimeout(Math.max(limits.statement, limits.lock) + SILENCE_MARGIN_MS, () =>
      socket.destroy(Object.assign(new Error("silent for too long"), { code: "ETIMEDOUT" }))
    )
    return socket
  }

  const seconds = (milliseconds: number) => Math.max(1, Math.ceil(milliseconds / 1000))
  const BEGIN =
    `SET SESSION sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = ${seconds(limits.lock)} ` +
    `/*M! , max_statement_time = ${limits.statement / 1000}, idle_transaction_timeout = ${seconds(common)} */; START TRANSACTION; ` +
    `SELECT name FROM port_registry WHERE name = '${MUTEX}' FOR UPDATE`

  const [first] = servers
  const make = Effect.suspend(() =>
    MysqlClient.make({
      ...(first !== undefined && "host" in first ? { host: first.host, port: first.port } : {}),
      database: name,
      username: user,
      ...(password === undefined ? {} : { password }),
      maxConnections: CONNECTIONS,
      poolConfig: {
        stream: open,
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
    // A file of certificates that cannot be read is thrown.
    Effect.catchAllDefect((cause) => Effect.fail(new SqlError({ cause }))),
    Effect.mapError((error) => new Troubled({ trouble: diagnosed(error) }))
  )

  /** Where there are several servers, one that is down says nothing of the next. */
  const diagnosed = (error: SqlError): Trouble => {
    const trouble = diagnose(error.cause)
    return trouble._tag === "Down" && servers.length > 1 ? { ...trouble, _tag: "Lost" } : trouble
  }

  const dialectOf = (sql: SqlClient.SqlClient): typeof Dialect.Service => ({
    label,
    // The pool itself waits without limit.
    reserve: Effect.timeoutFail(Effect.disconnect(sql.reserve), {
      duration: limits.acquire,
      onTimeout: () => new SqlError({ cause: { errno: 1040, sqlState: "08004", message: "no free connection" } })
    }),
    begin: (connection) =>
      Effect.filterOrFail(
        connection.executeUnprepared(BEGIN, [], undefined),
        (results) => Array.isArray(results.at(-1)) && results.at(-1).length === 1,
        // Without its row there is no queue: as bad as no table.
        () => new SqlError({ cause: { errno: 1146, sqlState: "42S02", message: "no mutex" } })
      ),
    diagnose: diagnosed,
    rowsMet: (raw) => (raw as { affectedRows: number }).affectedRows,
    columnTypes: Effect.map(
      sql<{ name: string }>`SELECT COLLATION_NAME AS name FROM information_schema.COLLATIONS
        WHERE COLLATION_NAME IN (${"utf8mb4_nopad_bin"}, ${"utf8mb4_0900_bin"})`,
      // The plain utf8mb4_bin takes "a" and "a " for one.
      ([unpadded]) => ({
        name: (length) => `VARCHAR(${length})`,
        serial: "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
        options: ` ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=${unpadded?.name ?? "utf8mb4_bin"}`
      })
    )
  })

  return openLayer(label, patience, make, dialectOf)
}
