import { statSync } from "node:fs"
import { dirname } from "node:path"
import type { Fault } from "../../domain/errors.ts"
import { cut, LIMITS } from "../../domain/foreignText.ts"
import { userName } from "../../machine/user.ts"
import { shellWord } from "../../text/shell.ts"
import type { FailureKind } from "../failures.ts"
import { DriverMissing } from "./binding.ts"
import { FileRefused, FileReplaced } from "./files.ts"
import { lockHolder } from "./locks.ts"

const ELSEWHERE = "name another file with AUTOMATELINUX_DATABASE_URL=sqlite:/PATH/TO/FILE"

/** Explains why a file or directory cannot be opened, by the system's error code. */
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

/** SQLite's result codes (sqlite.org/rescode.html). The low byte of an extended code is its primary code. */
const PRIMARY = 0xff
const ERROR = 1
const BUSY = 5
const LOCKED = 6
const NOMEM = 7
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const NOTADB = 26
const CONSTRAINT_PRIMARYKEY = 1555
const CONSTRAINT_UNIQUE = 2067

/**
 * The primary codes by SQLite's message for each (sqlite3_errstr): @photostructure/sqlite 1.2.1 drops the code of an
 * error that occurs while rows are read.
 */
const CODES: Readonly<Record<string, number>> = {
  "database is locked": BUSY,
  "database table is locked": LOCKED,
  "attempt to write a readonly database": READONLY,
  "disk I/O error": IOERR,
  "database disk image is malformed": CORRUPT,
  "database or disk is full": FULL,
  "file is not a database": NOTADB
}

/** Names the process that holds the lock on the file, if it can be found. */
const describeLock = (path: string) => {
  const holder = lockHolder(path)
  return holder === undefined
    ? { reason: "it is locked by another program", hint: `to see which: fuser -v ${shellWord(path)}` }
    : {
        reason: `it is locked by another program: ${holder.command}, pid ${holder.pid}`,
        hint: `to see what it does: ps -fp ${holder.pid}`
      }
}

/** Finds the lock's holder only when the reason is read: a waiting writer gets this failure again and again. */
const locked = (path: string): FailureKind => {
  let found: ReturnType<typeof describeLock> | undefined
  const describe = () => {
    found ??= describeLock(path)
    return found
  }
  return {
    _tag: "Contended",
    get reason() {
      return describe().reason
    },
    get hint() {
      return describe().hint
    }
  }
}

interface DriverError {
  /** The system's error code, or the driver's one code for every SQLite error. */
  readonly code?: string
  /** SQLite's extended result code. */
  readonly errcode?: number
  readonly message?: string
}

const refused = (reason: string, hint: string, fault: Fault = "other"): FailureKind => ({
  _tag: "Rejected",
  reason,
  hint,
  fault
})

const ofSystem = (code: string, path: string): FailureKind =>
  refused(systemReason(code, path), ELSEWHERE, ["EACCES", "EPERM"].includes(code) ? "read-only" : "other")

const ofSqlite = (errcode: number, message: string, path: string): FailureKind => {
  switch (errcode) {
    case CONSTRAINT_PRIMARYKEY:
    case CONSTRAINT_UNIQUE:
      return { _tag: "Duplicate" }
  }
  switch (errcode & PRIMARY) {
    case BUSY:
    case LOCKED:
      return locked(path)
    case ERROR: {
      if (/no such table/.test(message)) return { _tag: "MissingTable" }
      const column = /(?:no such column:|has no column named) "?(\w+)/.exec(message)?.[1]
      if (column !== undefined)
        return {
          _tag: "MissingColumn",
          reason: `one of its tables has no column ${column}: it belongs to another program`,
          hint: ELSEWHERE
        }
      if (/ already exists$|^duplicate column name/.test(message)) return { _tag: "Duplicate" }
      break
    }
    case NOTADB:
      return refused("it is not an SQLite database", `move it away, or ${ELSEWHERE}`)
    case CORRUPT:
      return refused(
        "it is damaged",
        `restore it from a backup, or recover what is left: sqlite3 ${shellWord(path)} .recover`
      )
    case READONLY:
      return refused(`it cannot be written${ownedBy(path)}`, `check: ls -l ${shellWord(path)}*`, "read-only")
    case FULL:
      return refused("the disk is full", `free some space: df -h ${shellWord(dirname(path))}`)
  }
  return refused(`${message} (SQLite's code ${errcode})`, `check: ls -l ${shellWord(path)}*`)
}

/** Infers the result code of an error that has none. Most with another message of SQLite's are plain ERRORs. */
const codeOf = (code: string, message: string): number | undefined =>
  CODES[message] ?? (code === "ERR_SQLITE_ERROR" ? ERROR : undefined)

/** Classifies an exception of the driver or of the file system. `path` is the database file. */
export const classifyError = (cause: unknown, path: string): FailureKind => {
  if (cause instanceof DriverMissing)
    return refused(
      `Node ${process.version} has no SQLite, and the driver that comes with d cannot be loaded: ${cause.message}`,
      "run d with Node 22.13 or newer, or install d again"
    )
  if (cause instanceof FileRefused) return refused(cause.message, cause.hint)
  // The last statement may have been executed on the old files.
  if (cause instanceof FileReplaced)
    return {
      _tag: "ConnectionLost",
      reason: "it keeps being removed or replaced",
      hint: `check: ls -li ${shellWord(path)}*`
    }
  const { code = "", message: said = String(cause), errcode = codeOf(code, said) } = (cause ?? {}) as DriverError
  const message = cut(said, LIMITS.message)
  if (errcode !== undefined) return ofSqlite(errcode, message, path)
  // Closed by another fiber, because the files were replaced.
  if (code === "ERR_INVALID_STATE")
    return { _tag: "ConnectionLost", reason: message, hint: `check: ls -li ${shellWord(path)}*` }
  return /^E[A-Z]+$/.test(code) ? ofSystem(code, path) : refused(message, `check: ls -l ${shellWord(path)}*`)
}

/**
 * Likewise for an error in response to COMMIT. After an I/O error its last frame may be on disk anyway: the index of
 * the -wal is extended after that.
 */
export const classifyCommitError = (cause: unknown, path: string): FailureKind => {
  const kind = classifyError(cause, path)
  const { errcode = 0 } = (cause ?? {}) as DriverError
  return [IOERR, NOMEM].includes(errcode & PRIMARY) && kind._tag === "Rejected"
    ? {
        _tag: "ConnectionLost",
        reason: `the disk did not confirm the write: ${kind.reason}`,
        hint: "check: dmesg"
      }
    : kind
}
