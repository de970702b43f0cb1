import { closeSync, fsyncSync, linkSync, lstatSync, openSync, renameSync, rmSync, statSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { CannotBackUp } from "../../domain/errors.ts"
import type { Database } from "./binding.ts"

/** SQLite's primary result codes for a file that cannot be written. */
const UNWRITABLE: Readonly<Record<number, string>> = {
  10: "its disk does not take what is written",
  13: "its disk is full",
  14: "it cannot be made"
}

/** SQLite's codes for a database that cannot be read: that is not the copy's fault. */
const UNREADABLE = [266, 522]

/** The system's codes. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the quota is exceeded",
  EIO: "its disk does not take what is written",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "there is no such directory",
  ENOSPC: "its disk is full",
  ENOTDIR: "part of its path is a file, not a directory",
  EPERM: "permission denied",
  EROFS: "the file system is read-only"
}

/** File systems without hard links say one of these. */
const NO_LINKS = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EXDEV"]

const there = (file: string) =>
  new CannotBackUp({ file, exists: true, reason: "there is something of that name already" })

const refused = (file: string, error: unknown): unknown => {
  const { code = "", errcode = 0 } = error as { readonly code?: string; readonly errcode?: number }
  if (code === "EEXIST") return there(file)
  if (UNREADABLE.includes(errcode)) return error
  const reason = UNWRITABLE[errcode & 0xff] ?? (/^E[A-Z]+$/.test(code) && `the system says ${code}`)
  const known = REASONS[code] ?? reason
  return known ? new CannotBackUp({ file, exists: false, reason: known }) : error
}

const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined

const sync = (path: string): void => {
  const descriptor = openSync(path, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Gives `from` the name `file`, which nothing has. */
const publish = (from: string, file: string): void => {
  try {
    // To rename would overwrite what somebody has put there meanwhile.
    linkSync(from, file)
    rmSync(from)
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? "")) throw error
    if (isThere(file)) throw there(file)
    renameSync(from, file)
  }
}

/**
 * Writes a copy of `database`, as it is at this moment, to `file`, and returns its size. Others may read and write
 * meanwhile. The copy is made under another name beside it, and gets its own when the disk has it.
 *
 * Throws CannotBackUp if `file` is there or cannot be written, and what SQLite throws if the database cannot be read.
 */
export const backUp = (database: Database, file: string): number => {
  const making = join(dirname(file), `.${basename(file).slice(0, 100)}.${crypto.randomUUID()}`)
  try {
    if (isThere(file)) throw there(file)
    // SQLite writes to a file that is empty; this one is its owner's alone from the beginning.
    closeSync(openSync(making, "wx", 0o600))
    try {
      database.prepare("VACUUM INTO ?").run(making)
      sync(making)
      const { size } = statSync(making)
      publish(making, file)
      sync(dirname(file))
      return size
    } finally {
      for (const suffix of ["", "-journal"]) rmSync(making + suffix, { force: true })
    }
  } catch (error) {
    throw error instanceof CannotBackUp ? error : refused(file, error)
  }
}
