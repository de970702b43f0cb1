import { closeSync, fsyncSync, linkSync, lstatSync, openSync, renameSync, rmSync, statSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { CannotBackUp } from "../../domain/errors.ts"
import type { Database } from "./binding.ts"

/** Reasons why the copy cannot be written, by SQLite's primary result code. */
const UNWRITABLE: Readonly<Record<number, string>> = {
  10: "writing to its disk failed",
  13: "its disk is full",
  14: "it cannot be created"
}

/** SQLite's extended result codes for a database that cannot be read: then the copy is not at fault. */
const UNREADABLE = [266, 522]

/** Reasons by the system's error code. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the quota is exceeded",
  EIO: "writing to its disk failed",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "there is no such directory",
  ENOSPC: "its disk is full",
  ENOTDIR: "part of its path is a file, not a directory",
  EPERM: "permission denied",
  EROFS: "the file system is read-only"
}

/** The system's error codes if no hard link can be made. */
const NO_LINKS = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EXDEV"]

const alreadyExists = (file: string) => {
  const isDirectory = statSync(file, { throwIfNoEntry: false })?.isDirectory() === true
  return new CannotBackUp({
    file,
    exists: true,
    reason: isDirectory ? "it is a directory" : "a file of that name already exists"
  })
}

const refused = (file: string, error: unknown): unknown => {
  const { code = "", errcode = 0 } = error as { readonly code?: string; readonly errcode?: number }
  if (code === "EEXIST") return alreadyExists(file)
  if (UNREADABLE.includes(errcode)) return error
  const reason = UNWRITABLE[errcode & 0xff] ?? (/^E[A-Z]+$/.test(code) && `the system says ${code}`)
  const known = REASONS[code] ?? reason
  return known ? new CannotBackUp({ file, exists: false, reason: known }) : error
}

const exists = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined

const sync = (path: string): void => {
  const descriptor = openSync(path, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Renames `from` to `file`, which must not exist. */
const publish = (from: string, file: string): void => {
  try {
    // A link, because a rename would overwrite a file that was created there meanwhile.
    linkSync(from, file)
    rmSync(from)
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? "")) throw error
    if (exists(file)) throw alreadyExists(file)
    renameSync(from, file)
  }
}

/**
 * Writes a copy of `database`, as it is at this moment, to `file`, and returns its size. Others may read and write
 * meanwhile. The copy is made under a temporary name in the same directory, and renamed once it is on disk.
 *
 * Throws CannotBackUp if `file` exists or cannot be written, and SQLite's error if the database cannot be read.
 */
export const backUp = (database: Database, file: string): number => {
  const temporary = join(dirname(file), `.${basename(file).slice(0, 100)}.${crypto.randomUUID()}`)
  try {
    if (exists(file)) throw alreadyExists(file)
    // SQLite accepts an existing empty file. Creating it here keeps the copy private from the start.
    closeSync(openSync(temporary, "wx", 0o600))
    try {
      database.prepare("VACUUM INTO ?").run(temporary)
      sync(temporary)
      const { size } = statSync(temporary)
      publish(temporary, file)
      sync(dirname(file))
      return size
    } finally {
      for (const suffix of ["", "-journal"]) rmSync(temporary + suffix, { force: true })
    }
  } catch (error) {
    throw error instanceof CannotBackUp ? error : refused(file, error)
  }
}
