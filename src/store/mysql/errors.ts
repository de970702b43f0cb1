import { PASSWORD_FILE } from "../../config/passwordFile.ts"
import { cut, LIMITS } from "../../domain/foreignText.ts"
import type { FailureKind } from "../failures.ts"

interface DriverError {
  readonly errno?: number
  /** Set by failover.ts. */
  readonly beforeGreeting?: true
  readonly code?: string
  readonly message?: string
  readonly sqlState?: string
  readonly hint?: string
}

const START_SERVER = "check that the server is running, and AUTOMATELINUX_DATABASE_URL"
const TRY_AGAIN = "try again"
const MANUAL = "docs/database.md lists the rights that are needed"
const ITS_COLUMNS = "see the table with SHOW CREATE TABLE, or name another with AUTOMATELINUX_SETTINGS_TABLE"
const OTHER_ACCOUNT = "correct AUTOMATELINUX_DATABASE_URL, or ask whoever runs the server"

const LOCKED = { reason: "its tables are locked by another program", hint: "to see which: SHOW PROCESSLIST" }

/** The Galera node is not ready, or has lost the others. */
const NOT_READY = 1047

/** A lock was not released in time; on a Galera node, also that the other nodes did not respond in time. */
const LOCK_TIMEOUT = 1205

/** A statement exceeded `max_statement_time`. A COMMIT may have taken effect before that. */
const STATEMENT_TIMEOUT = 1969

/** The error of a Galera node that is not ready, or has lost the others. */
export const nodeNotReady: DriverError = { errno: NOT_READY, sqlState: "08S01", message: "the node is not ready" }

/** Whether a Galera node reported that it is not ready, or has lost the others. */
export const isNodeNotReady = (cause: unknown): boolean => (cause as DriverError | undefined)?.errno === NOT_READY

/** Whether a statement exceeded `max_statement_time`. */
export const isStatementTimeout = (cause: unknown): boolean =>
  (cause as DriverError | undefined)?.errno === STATEMENT_TIMEOUT

/** Whether a lock timeout was reported. */
export const isLockTimeout = (cause: unknown): boolean => (cause as DriverError | undefined)?.errno === LOCK_TIMEOUT

/** The server refuses the user or the password. */
const ACCESS_DENIED = 1045

/** Whether the server refused the user or the password. */
export const isAccessDenied = (cause: unknown): boolean => (cause as DriverError | undefined)?.errno === ACCESS_DENIED

/** Classifies a server error by its number, because the driver's names for them differ between its versions. */
const diagnoseServer = (errno: number, message: string, passwordFile: string | undefined): FailureKind => {
  switch (errno) {
    case 1146: // no such table
      return { _tag: "MissingTable" }
    case 1050: // table already exists
    case 1060: // duplicate column
    case 1061: // duplicate index
    case 1062: // duplicate entry
      return { _tag: "Duplicate" }
    case 1020: // record changed since it was read
    case 1412: // a table was altered since the transaction began
    case LOCK_TIMEOUT:
    case 1213: // deadlock, or a certification conflict in a cluster
      return { _tag: "Contended", ...LOCKED }
    case STATEMENT_TIMEOUT:
      return { _tag: "ConnectionLost", ...LOCKED }
    case 1040: // too many connections
    case 1203: // too many connections of this user
      return { _tag: "Contended", reason: "it has too many connections", hint: "to see whose: SHOW PROCESSLIST" }
    case 1226: // a resource limit of this user
    case 1461: // too many prepared statements on the server
      return { _tag: "Contended", reason: `it says: ${message}`, hint: "raise that limit, or try again later" }
    case 1021: // the disk is full
    case 1114: // the table is full
      return { _tag: "Rejected", reason: `its disk is full: ${message}`, hint: "free some space on the server's disk" }
    case 1104: // SELECT would examine too many rows
    case 1153: // packet bigger than max_allowed_packet
      return {
        _tag: "Rejected",
        reason: `one of its limits is too small: ${message}`,
        hint: "raise that limit on the server"
      }
    case 1071: // key too long
    case 1709: // index column too long
      return {
        _tag: "Rejected",
        reason: `it cannot hold a key of 2,020 bytes: ${message}`,
        hint: "name a server with innodb_page_size of 16 KiB, the default, or more"
      }
    case 1267: // illegal mix of collations
    case 1366: // text that the column's character set cannot represent
    case 1406: // too long for its column
    case 1264: // out of the column's range
    case 1265: // truncated
      return { _tag: "Rejected", reason: `a column cannot hold what is written: ${message}`, hint: ITS_COLUMNS }
    case 1644: // signalled by a trigger or a routine
    case 1442: // a trigger writes to a table that the statement uses
    case 3819: // a CHECK constraint, MySQL
    case 4025: // a CHECK constraint
      return { _tag: "Rejected", reason: `a rule of the table forbids it: ${message}`, hint: ITS_COLUMNS }
    case 1184: // init_connect failed
      return { _tag: "Rejected", reason: "its init_connect fails for this account", hint: "see the server's error log" }
    case 1053: // server shutdown in progress
    case 1158: // up to 1161: the server closes the connection on its own
    case 1159:
    case 1160:
    case 1161:
    case 1317: // query interrupted
    case 1927: // connection was killed
    case 1180: // COMMIT failed; in a cluster, perhaps only on this node
    case 4031: // disconnected for inactivity
    case 2006: // the client library's codes for a lost server, which proxies pass on
    case 2013:
    case 2055:
    case 9001: // ProxySQL: could not reach a server in time
      return { _tag: "ConnectionLost", reason: "it broke the connection", hint: TRY_AGAIN }
    case NOT_READY:
      return {
        _tag: "ConnectionLost",
        reason: "it is not ready, as a node of a cluster that has lost the others, or has not caught up with them",
        hint: "ask it: SHOW STATUS LIKE 'wsrep_cluster_status'; or name another node in AUTOMATELINUX_DATABASE_URL"
      }
    case 1044:
    case 1142:
    case 1143:
    case 1227:
      return { _tag: "Rejected", fault: "rights", reason: `it does not allow that: ${message}`, hint: MANUAL }
    case 1129:
    case 1130:
      return {
        _tag: "Rejected",
        fault: "credentials",
        reason: `it accepts no connections from this host: ${message}`,
        hint: OTHER_ACCOUNT
      }
    case 1251: // the client does not support the authentication protocol
    case 1820: // the password must be changed
    case 1862: // the password has expired
    case 3118: // the account is locked, MySQL
    case 4151: // the account is locked
      return {
        _tag: "Rejected",
        fault: "credentials",
        reason: `it does not accept this account: ${message}`,
        hint: OTHER_ACCOUNT
      }
    case ACCESS_DENIED:
    case 1698:
      return {
        _tag: "Rejected",
        fault: "credentials",
        reason: "it refuses this user or password",
        hint: `correct ${passwordFile === undefined ? "" : `the first line of ${passwordFile}, or the user in `}AUTOMATELINUX_DATABASE_URL`
      }
    case 3159: // require_secure_transport, MySQL
      return {
        _tag: "Rejected",
        fault: "credentials",
        reason: "it requires TLS",
        hint: "add tls=true to the parameters of AUTOMATELINUX_DATABASE_URL"
      }
    case 1049:
      return {
        _tag: "Rejected",
        fault: "no-database",
        reason: "there is no such database",
        hint: "create it as described in docs/database.md"
      }
    case 1054: {
      const column = /'([^']+)'/.exec(message)?.[1] ?? "that is needed"
      return {
        _tag: "MissingColumn",
        reason: `one of its tables has no column ${column}: it belongs to another program`,
        hint: "name another table with AUTOMATELINUX_SETTINGS_TABLE, or another database"
      }
    }
    case 1290:
    case 1792:
    case 1836:
      return {
        _tag: "Rejected",
        fault: "read-only",
        reason: "it is read-only",
        hint: "name the server that accepts writes in AUTOMATELINUX_DATABASE_URL"
      }
    default:
      return {
        _tag: "Rejected",
        reason: `it says: ${message} (${errno})`,
        hint: "see the server's error log"
      }
  }
}

const DOWN: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOENT: "the socket does not exist",
  EACCES: "permission denied for the socket",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "the host name cannot be resolved right now",
  EHOSTUNREACH: "the host is unreachable",
  ENETUNREACH: "the network is unreachable",
  EHOSTDOWN: "the host is down"
}

/** Matches the driver's messages for a connection that broke during the TLS handshake. */
const BROKEN_HANDSHAKE = /disconnected before secure|ECONNRESET|EPIPE/

/** The lowest number of a server error; lower ones are the system's. */
const SERVER_ERRNO = 1000

/** Whether the server itself reported the error. Decided by number: before its handshake, it sends no SQL state. */
export const isFromServer = (cause: unknown): boolean =>
  ((cause as DriverError | undefined)?.errno ?? 0) >= SERVER_ERRNO

/**
 * Classifies an error of the driver: by number if the server reported it, otherwise as a connection error.
 * `passwordFile` is the one that the password was read from, if it was.
 */
export const classifyError = (cause: unknown, passwordFile?: string): FailureKind => {
  const { code = "", errno = 0, hint = TRY_AGAIN, message: said = String(cause) } = (cause ?? {}) as DriverError
  const message = cut(said, LIMITS.message)
  if (isFromServer(cause)) return diagnoseServer(errno, message, passwordFile)
  if (code === PASSWORD_FILE) return { _tag: "Rejected", reason: message, hint }
  if ((cause as DriverError | undefined)?.beforeGreeting) {
    return {
      _tag: "ConnectionLost",
      fault: "down",
      reason: "it closes connections before it says anything, as a tunnel or proxy does without a server behind it",
      hint: "check the tunnel or proxy, and the server behind it"
    }
  }
  if (code === "AUTH_SWITCH_PLUGIN_ERROR") {
    return {
      _tag: "Rejected",
      fault: "credentials",
      reason: `it requires an authentication method that d does not support: ${message}`,
      hint: "name an account that logs in with mysql_native_password or caching_sha2_password, or ask whoever runs the server for one"
    }
  }
  if (code.startsWith("HANDSHAKE_") && !BROKEN_HANDSHAKE.test(message)) {
    return {
      _tag: "Rejected",
      reason: `no secure connection: ${message}`,
      hint: /does not match certificate/.test(message)
        ? "if it is the right server, name the host in its certificate: serverName in docs/configuration.md"
        : "see tls and ca in docs/configuration.md"
    }
  }
  const down = DOWN[code]
  if (down !== undefined) return { _tag: "Unreachable", reason: down, hint: START_SERVER }
  if (code === "ETIMEDOUT") {
    // If the timeout was while connecting, nothing was sent, and the whole time limit is used up.
    const _tag = message.startsWith("connect ") ? "Unreachable" : "ConnectionLost"
    return { _tag, fault: "silent", reason: "it does not answer", hint: START_SERVER }
  }
  return { _tag: "ConnectionLost", reason: "the connection broke", hint: TRY_AGAIN }
}

/** SQL state classes of statements that are rejected before they take effect: data, constraints, privileges, syntax. */
const REJECTED_STATES = /^(21|22|23|42)/

/**
 * Likewise for an error in response to COMMIT. A server that rejects one rolls back and sends an error that is known
 * here; any other error, perhaps of a proxy, leaves the outcome unknown.
 */
export const classifyCommitError = (cause: unknown): FailureKind => {
  const kind = classifyError(cause)
  const { sqlState = "" } = (cause ?? {}) as DriverError
  return kind._tag === "Rejected" && kind.fault !== "read-only" && !REJECTED_STATES.test(sqlState)
    ? { ...kind, _tag: "ConnectionLost", hint: TRY_AGAIN }
    : kind
}
