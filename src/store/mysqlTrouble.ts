import type { Trouble } from "./Dialect.ts"

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
const diagnoseServer = (errno: number, message: string): Trouble => {
  switch (errno) {
    case 1146: // no such table
      return { _tag: "MissingTable" }
    case 1062: // duplicate entry
      return { _tag: "Duplicate" }
    case 1020: // record changed since it was read
    case LOCK_WAIT:
    case 1213: // deadlock, or a certification conflict in a cluster
      return { _tag: "Busy", ...LOCKED }
    case OVER_TIME:
      return { _tag: "Lost", ...LOCKED }
    case 1040: // too many connections
    case 1203: // of this user
      return { _tag: "Busy", reason: "it has too many connections", hint: "see whose with: SHOW PROCESSLIST" }
    case 1226: // a limit of this user's
      return { _tag: "Busy", reason: `it says: ${message}`, hint: "raise that limit, or try again later" }
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
      return { _tag: "Lost", reason: "it broke the connection", hint: TRY_AGAIN }
    case NOT_READY:
      return {
        _tag: "Lost",
        reason: "it is not ready, as a node of a cluster that has lost the others, or has not caught up with them",
        hint: "ask it: SHOW STATUS LIKE 'wsrep_cluster_status'; or name another node in AUTOMATELINUX_DATABASE_URL"
      }
    case 1044:
    case 1142:
    case 1143:
    case 1227:
      return { _tag: "Refused", fault: "rights", reason: `it does not allow that: ${message}`, hint: MANUAL }
    case 1045:
    case 1698:
      return {
        _tag: "Refused",
        fault: "credentials",
        reason: "it refuses this user or password",
        hint: "correct AUTOMATELINUX_DATABASE_URL"
      }
    case 1049:
      return {
        _tag: "Refused",
        fault: "no-database",
        reason: "there is no such database",
        hint: "make it, as docs/database.md says"
      }
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
        fault: "read-only",
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

/** How the driver's error reads where the connection broke while it was being made secure. */
const CUT = /disconnected before secure|ECONNRESET|EPIPE/

/** What the driver's error means. Without a state of SQL it is the connection's, not the server's. */
export const diagnose = (cause: unknown): Trouble => {
  const { code = "", errno = 0, message = String(cause), sqlState } = (cause ?? {}) as DriverError
  if (sqlState !== undefined && sqlState !== "" && errno > 0) return diagnoseServer(errno, message)
  if (code.startsWith("HANDSHAKE_") && !CUT.test(message)) {
    return {
      _tag: "Refused",
      reason: `no secure connection: ${message}`,
      hint: "see tls and ca in docs/configuration.md"
    }
  }
  const down = DOWN[code]
  if (down !== undefined) return { _tag: "Down", reason: down, hint: START_SERVER }
  if (code === "ETIMEDOUT") return { _tag: "Lost", fault: "silent", reason: "it does not answer", hint: START_SERVER }
  return { _tag: "Lost", reason: "the connection broke", hint: TRY_AGAIN }
}

/** The classes of SQL states in which a statement is refused before it has done anything: data, constraints, rights, syntax. */
const REFUSALS = /^(21|22|23|28|42)/

/**
 * The same for what a COMMIT was answered. A server that refuses one rolls back and says so by a number that is known here;
 * whatever else is said, by a proxy perhaps, leaves it open.
 */
export const diagnoseCommit = (cause: unknown): Trouble => {
  const trouble = diagnose(cause)
  const { sqlState = "" } = (cause ?? {}) as DriverError
  return trouble._tag === "Refused" && trouble.fault === undefined && !REFUSALS.test(sqlState)
    ? { ...trouble, _tag: "Lost", hint: TRY_AGAIN }
    : trouble
}
