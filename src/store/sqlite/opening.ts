import { realpathSync } from "node:fs"
import type { Connection } from "@effect/sql/SqlConnection"
import { type Database, loadBinding } from "./binding.ts"
import { makeConnection } from "./connection.ts"
import { FileRefused, FileReplaced, identityOf, OnlyReadable, watchFiles } from "./files.ts"
import { refuseMismatch } from "./mismatch.ts"
import { prepareFile } from "./prepareFile.ts"
import { isWriteRefused } from "./probe.ts"
import { openNothing, openToRead } from "./readOnly.ts"
import {
  CANTOPEN,
  FULL,
  IOERR,
  NO_LOCKS,
  NO_SHARED_MEMORY,
  PERM,
  PRIMARY,
  READONLY,
  resultCodeOf
} from "./resultCodes.ts"

/**
 * No busy_timeout, because it would block the event loop: `beginImmediate` waits for locks. synchronous = FULL, because
 * the default in WAL mode may lose the last commits in a power failure. The SELECT opens the -wal.
 */
const OPENING =
  "PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; SELECT 1 FROM sqlite_master LIMIT 1"

/** A connection, and whether its files are still those at the path. */
export interface Opened {
  readonly database: Database
  readonly connection: Connection
  readonly isCurrent: () => boolean
  /** The path of its -wal, if that is still there although the database was removed or replaced. */
  readonly leftWal: () => string | undefined
  readonly closesLate: boolean
  /** Whether nothing can be written. */
  readonly isReadOnly: boolean
}

const openToWrite = async (path: string, isStale: () => boolean): Promise<Opened> => {
  const { closesLate, DatabaseSync } = await loadBinding()
  const files = watchFiles(path)
  const before = identityOf(path)
  const database = new DatabaseSync(path)
  try {
    // SQLite has opened the database, but not yet the -wal, so closing it now leaves a -wal alone that belongs to another one.
    await refuseMismatch(path)
    if (identityOf(path) !== before || isStale()) throw new FileReplaced()
    database.exec(OPENING)
    const opened = files()
    if (!opened.startsWith(`${before} `)) throw new FileReplaced()
    const [, wal] = opened.split(" ")
    // The resolved path: if a symbolic link now points elsewhere, the database itself was not replaced.
    const real = realpathSync(path)
    const walPath = `${real}-wal`
    return {
      database,
      connection: makeConnection(database),
      isCurrent: () => files() === opened,
      leftWal: () => (identityOf(real) !== before && identityOf(walPath) === wal ? walPath : undefined),
      closesLate,
      isReadOnly: false
    }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Whether the system keeps this process from writing, and not just a file that was replaced meanwhile: it refuses a file
 * beside the database, too, or the file system has no locks or shared memory.
 */
const isObstructed = (error: unknown, path: string): boolean => {
  const code = resultCodeOf(error) ?? 0
  if (NO_LOCKS.includes(code) || NO_SHARED_MEMORY.includes(code)) return true
  return [CANTOPEN, FULL, IOERR, PERM, READONLY].includes(code & PRIMARY) && isWriteRefused(path)
}

/**
 * Opens the database file at `path`. If it cannot be written, opens it to be read. If it does not exist, creates it only
 * if it is to be written, so that a query leaves nothing behind. `isStale` tells whether this process has files open that
 * were removed or replaced: then nothing is opened.
 */
export const open = async (path: string, toWrite: boolean, isStale: () => boolean): Promise<Opened> => {
  const prepared = prepareFile(path, toWrite)
  if (prepared.access === "none") return openNothing(path, prepared.why)
  if (prepared.access === "read") {
    await refuseMismatch(path)
    return openToRead(path, prepared.why)
  }
  try {
    return await openToWrite(path, isStale)
  } catch (error) {
    if (!isObstructed(error, path)) throw error
    return openToRead(path, new OnlyReadable(error)).catch((reason) => {
      throw reason instanceof FileRefused || reason instanceof FileReplaced ? reason : error
    })
  }
}
