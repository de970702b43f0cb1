import { cut, LIMITS } from "../../domain/foreignText.ts"
import type { FailureKind } from "../Driver.ts"

interface DriverError {
  readonly errno?: number
  readonly code?: string
  readonly message?: string
  readonly sqlState?: string
}

const START_SERVER = "see whether the server runs, and AUTOMATELINUX_DATABASE_URL"
const TRY_AGAIN = "try again"
const MANUAL = "docs/database.md says which rights are needed"
const ITS_COLUMNS = "see the table with SHOW CREATE TABLE, or name another with AUTOMATELINUX_SETTINGS_TABLE"
const OTHER_ACCOUNT = "correct AUTOMATELINUX_DATABASE_URL, or ask whoever runs the server"

const LOCKED = { reason: "another program holds its tables locked", hint: "see who with: SHOW PROCESSLIST" }

/** This node of a cluster is not ready, or has lost the others. */
const NOT_READY = 1047

/** Somebody else held for too long what was waited for. */
const LOCK_WAIT = 1205

/** A statement took longer than `max_statement_time`, a COMMIT perhaps when it had taken effect. */
const OVER_TIME = 1969

/** What a node of a cluster says that is none at the moment. */
export const outOfCluster: DriverError = { errno: NOT_READY, sqlState: "08S01", message: "the node is not ready" }

/** Whether a node of a cluster says that it is none at the moment. */
export const isOutOfCluster = (cause: unknown): boolean => (cause as DriverError | undefined)?.errno === NOT_READY

/** Whether a statement was ended for the time that it took. */
export const isOverTime = (cause: unknown): boolean => (cause as DriverError | undefined)?.errno === OVER_TIME

/** Whether what was waited for did not come in time. */
export const isLockWait = (cause: unknown): boolean => (cause as DriverError | undefined)?.errno === LOCK_WAIT

/** Server errors by number, because the driver's names for them differ between its versions. */
const diagnoseServer = (errno: number, message: string): FailureKind => {
  switch (errno) {
    case 1146: // no such table
      return { _tag: "MissingTable" }
    case 1050: // the table exists
    case 1060: // the column
    case 1061: // the index
    case 1062: // duplicate entry
      return { _tag: "Duplicate" }
    case 1020: // record changed since it was read
    case 1412: // a table was altered since the transaction began
    case LOCK_WAIT:
    case 1213: // deadlock, or a certification conflict in a cluster
      return { _tag: "Contended", ...LOCKED }
    case OVER_TIME:
      return { _tag: "ConnectionLost", ...LOCKED }
    case 1040: // too many connections
    case 1203: // of this user
      return { _tag: "Contended", reason: "it has too many connections", hint: "see whose with: SHOW PROCESSLIST" }
    case 1226: // a limit of this user's
    case 1461: // too many prepared statements, of all programs
      return { _tag: "Contended", reason: `it says: ${message}`, hint: "raise that limit, or try again later" }
    case 1021: // the disk is full
    case 1114: // the table is full
      return { _tag: "Rejected", reason: `it has no room left: ${message}`, hint: "make room on the server's disk" }
    case 1104: // SELECT would examine too many rows
    case 1153: // packet bigger than max_allowed_packet
      return {
        _tag: "Rejected",
        reason: `a limit of it is too small: ${message}`,
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
    case 1366: // a text that the column's character set does not have
    case 1406: // too long for its column
    case 1264: // out of the column's range
    case 1265: // truncated
      return { _tag: "Rejected", reason: `a column cannot hold what is written: ${message}`, hint: ITS_COLUMNS }
    case 1644: // signalled by a trigger or a routine
    case 1442: // a trigger on the table it reads
    case 4025: // a constraint
      return { _tag: "Rejected", reason: `a rule of the table forbids it: ${message}`, hint: ITS_COLUMNS }
    case 1184: // init_connect failed
      return { _tag: "Rejected", reason: "its init_connect fails for this account", hint: "see the server's error log" }
    case 1053: // server shutdown in progress
    case 1158: // what a server says when it ends a connection by itself, up to 1161
    case 1159:
    case 1160:
    case 1161:
    case 1317: // query interrupted
    case 1927: // connection was killed
    case 1180: // COMMIT failed, in a cluster perhaps only on this node
    case 4031: // disconnected for inactivity
    case 2006: // the client library's own numbers for a lost server, which proxies pass on
    case 2013:
    case 2055:
    case 9001: // ProxySQL: no server in reach in time
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
        reason: `it lets nobody in from here: ${message}`,
        hint: OTHER_ACCOUNT
      }
    case 1251: // a client of an older protocol
    case 1820: // the password must be changed
    case 1862: // the password has expired
    case 3118: // the account is locked, MySQL
    case 4151: // the account is locked
      return {
        _tag: "Rejected",
        fault: "credentials",
        reason: `it does not let this account in: ${message}`,
        hint: OTHER_ACCOUNT
      }
    case 1045:
    case 1698:
      return {
        _tag: "Rejected",
        fault: "credentials",
        reason: "it refuses this user or password",
        hint: "correct AUTOMATELINUX_DATABASE_URL"
      }
    case 1049:
      return {
        _tag: "Rejected",
        fault: "no-database",
        reason: "there is no such database",
        hint: "make it, as docs/database.md says"
      }
    case 1054: {
      const column = /'([^']+)'/.exec(message)?.[1] ?? "that is needed"
      return {
        _tag: "MissingColumn",
        reason: `a table in it has no column ${column}: it is another program's`,
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
        hint: "name the server that takes writes in AUTOMATELINUX_DATABASE_URL"
      }
    default:
      return {
        _tag: "Rejected",
        reason: `it says: ${message} (${errno})`,
        hint: "see what the server's error log says"
      }
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

/** How the driver's error reads where the connection broke while it was being made secure. */
const CUT = /disconnected before secure|ECONNRESET|EPIPE/

/** The numbers of a server's errors begin here; below are those of the system. */
const SERVER_ERRNO = 1000

/** Whether the server itself said it. Before it has said who it is, it does so without a state of SQL. */
export const isFromServer = (cause: unknown): boolean =>
  ((cause as DriverError | undefined)?.errno ?? 0) >= SERVER_ERRNO

/** What the driver's error means: the server's if it has such a number, or else the connection's. */
export const classifyError = (cause: unknown): FailureKind => {
  const { code = "", errno = 0, message: said = String(cause) } = (cause ?? {}) as DriverError
  const message = cut(said, LIMITS.message)
  if (isFromServer(cause)) return diagnoseServer(errno, message)
  if (code === "AUTH_SWITCH_PLUGIN_ERROR") {
    return {
      _tag: "Rejected",
      fault: "credentials",
      reason: `it asks for a way of logging in that d does not speak: ${message}`,
      hint: "name an account that logs in with mysql_native_password, or ask whoever runs the server for one"
    }
  }
  if (code.startsWith("HANDSHAKE_") && !CUT.test(message)) {
    return {
      _tag: "Rejected",
      reason: `no secure connection: ${message}`,
      hint: "see tls and ca in docs/configuration.md"
    }
  }
  const down = DOWN[code]
  if (down !== undefined) return { _tag: "Unreachable", reason: down, hint: START_SERVER }
  if (code === "ETIMEDOUT") {
    // A connection that was never made has carried nothing, and has taken the whole time limit.
    const _tag = message.startsWith("connect ") ? "Unreachable" : "ConnectionLost"
    return { _tag, fault: "silent", reason: "it does not answer", hint: START_SERVER }
  }
  return { _tag: "ConnectionLost", reason: "the connection broke", hint: TRY_AGAIN }
}

/** The classes of SQL states in which a statement is refused before it has done anything: data, constraints, rights, syntax. */
const REFUSALS = /^(21|22|23|42)/

/**
 * The same for what a COMMIT was answered. A server that refuses one rolls back and says so by a number that is known here;
 * whatever else is said, by a proxy perhaps, leaves it open.
 */
export const classifyCommitError = (cause: unknown): FailureKind => {
  const kind = classifyError(cause)
  const { sqlState = "" } = (cause ?? {}) as DriverError
  return kind._tag === "Rejected" && kind.fault !== "read-only" && !REFUSALS.test(sqlState)
    ? { ...kind, _tag: "ConnectionLost", hint: TRY_AGAIN }
    : kind
}
