/** SQLite's result codes (sqlite.org/rescode.html). The low byte of an extended code is its primary code. */
export const PRIMARY = 0xff
export const ERROR = 1
export const PERM = 3
export const BUSY = 5
export const LOCKED = 6
export const NOMEM = 7
export const READONLY = 8
export const IOERR = 10
export const CORRUPT = 11
export const FULL = 13
export const CANTOPEN = 14
export const NOTADB = 26
export const CONSTRAINT_PRIMARYKEY = 1555
export const CONSTRAINT_UNIQUE = 2067

/** The extended codes for a file that was replaced meanwhile, or whose journal was removed with it. */
export const MOVED = [1032, 5898]

/** The extended codes for locks, and for memory shared through a file, which not every file system has. */
export const NO_LOCKS = [2058, 2314, 3594, 3850, 5130]
export const NO_SHARED_MEMORY = [4618, 5386]

/**
 * The primary codes by SQLite's message for each (sqlite3_errstr): @photostructure/sqlite 1.2.1 drops the code of an
 * error that occurs while rows are read.
 */
const CODES: Readonly<Record<string, number>> = {
  "access permission denied": PERM,
  "database is locked": BUSY,
  "database table is locked": LOCKED,
  "attempt to write a readonly database": READONLY,
  "disk I/O error": IOERR,
  "database disk image is malformed": CORRUPT,
  "database or disk is full": FULL,
  "unable to open database file": CANTOPEN,
  "file is not a database": NOTADB
}

/** An error of a driver, or of the file system. */
export interface DriverError {
  /** The system's error code, or the driver's one code for every SQLite error. */
  readonly code?: string
  /** SQLite's extended result code. */
  readonly errcode?: number
  readonly message?: string
}

/** Returns SQLite's extended result code of an exception, or at least its primary code; `undefined` if it has none. */
export const resultCodeOf = (cause: unknown): number | undefined => {
  const { code = "", errcode, message = "" } = (cause ?? {}) as DriverError
  // Most errors with another message of SQLite's are plain ERRORs.
  return errcode ?? CODES[message] ?? (code === "ERR_SQLITE_ERROR" ? ERROR : undefined)
}
