import type { Fault } from "../../domain/Fault.ts"
import { cut, LIMITS } from "../../domain/foreignText.ts"
import { shellWord } from "../../text/shell.ts"
import type { FailureKind } from "../failures.ts"
import { DriverMissing } from "./binding.ts"
import { FileRefused, FileReplaced, NotCreated, OnlyReadable } from "./files.ts"
import {
  BUSY,
  CANTOPEN,
  CONSTRAINT_PRIMARYKEY,
  CONSTRAINT_UNIQUE,
  CORRUPT,
  type DriverError,
  ERROR,
  FULL,
  IOERR,
  LOCKED,
  MOVED,
  NO_LOCKS,
  NO_SHARED_MEMORY,
  NOMEM,
  NOTADB,
  PERM,
  PRIMARY,
  READONLY,
  resultCodeOf
} from "./resultCodes.ts"
import {
  describeLock,
  LOCAL_DISK,
  ofSystem,
  type Rejected,
  refused,
  refusedWrite,
  systemCodeOf,
  unwritable
} from "./systemErrors.ts"
import { ELSEWHERE } from "./unwritable.ts"

/** Describes a failure only when the description is read: while it is retried, it comes again and again. */
const described = (
  _tag: "Contended" | "Rejected" | "ConnectionLost",
  describe: () => Pick<Rejected, "reason" | "hint">,
  fault: Fault = "other"
): FailureKind => {
  let found: ReturnType<typeof describe> | undefined
  const once = () => {
    found ??= describe()
    return found
  }
  return {
    _tag,
    fault,
    get reason() {
      return once().reason
    },
    get hint() {
      return once().hint
    }
  }
}

const ofSqlite = (errcode: number, message: string, path: string): FailureKind => {
  if (NO_LOCKS.includes(errcode)) return refused("its file system does not support locks", LOCAL_DISK)
  if (NO_SHARED_MEMORY.includes(errcode)) return refused("its file system does not support shared memory", LOCAL_DISK)
  const otherwise = refused(`${message} (SQLite's code ${errcode})`, `check: ls -l ${shellWord(path)}*`)
  switch (errcode) {
    case CONSTRAINT_PRIMARYKEY:
    case CONSTRAINT_UNIQUE:
      return { _tag: "Duplicate" }
  }
  switch (errcode & PRIMARY) {
    case BUSY:
    case LOCKED:
      return described("Contended", () => describeLock(path))
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
    case CANTOPEN:
    case PERM:
      return described("Rejected", () => refusedWrite(path) ?? unwritable(path, "EACCES"), "rights")
    case READONLY:
      return described("Rejected", () => refusedWrite(path) ?? unwritable(path, "EACCES"), "read-only")
    case FULL:
      return ofSystem("ENOSPC", path)
    case IOERR:
      return described("Rejected", () => refusedWrite(path) ?? otherwise)
  }
  return otherwise
}

/** Classifies an exception of the driver or of the file system. `path` is the database file. */
export const classifyError = (cause: unknown, path: string): FailureKind => {
  if (cause instanceof DriverMissing)
    return refused(
      `Node ${process.version} has no SQLite, and the driver that comes with d cannot be loaded: ${cause.message}`,
      "run d with Node 22.13 or newer, or install d again"
    )
  if (cause instanceof FileRefused) return refused(cause.message, cause.hint)
  if (cause instanceof OnlyReadable || cause instanceof NotCreated) {
    const kind = classifyError(cause.why, path)
    if (!("reason" in kind)) return kind
    return cause instanceof OnlyReadable
      ? { ...kind, fault: "read-only" }
      : { ...kind, reason: `it cannot be created: ${kind.reason}` }
  }
  const { code = "", message: said = String(cause) } = (cause ?? {}) as DriverError
  const message = cut(said, LIMITS.message)
  const errcode = resultCodeOf(cause)
  // The last statement may have been executed on the old files.
  if (cause instanceof FileReplaced || (errcode !== undefined && MOVED.includes(errcode)))
    return {
      _tag: "ConnectionLost",
      reason: "it keeps being removed or replaced",
      hint: `check: ls -li ${shellWord(path)}*`
    }
  if (errcode !== undefined) return ofSqlite(errcode, message, path)
  // Closed by another fiber, because the files were replaced.
  if (code === "ERR_INVALID_STATE")
    return { _tag: "ConnectionLost", reason: message, hint: `check: ls -li ${shellWord(path)}*` }
  const system = systemCodeOf(cause)
  return system !== undefined ? ofSystem(system, path) : refused(message, `check: ls -l ${shellWord(path)}*`)
}

/**
 * Likewise for an error in response to COMMIT. After an I/O error its last frame may be on disk anyway: the index of
 * the -wal is extended after that.
 */
export const classifyCommitError = (cause: unknown, path: string): FailureKind => {
  const kind = classifyError(cause, path)
  const { errcode = 0 } = (cause ?? {}) as DriverError
  return [IOERR, NOMEM].includes(errcode & PRIMARY) && kind._tag === "Rejected"
    ? described("ConnectionLost", () => ({
        reason: `the disk did not confirm the write: ${kind.reason}`,
        hint: "see the system's log: dmesg"
      }))
    : kind
}
