import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync
} from "node:fs"
import { dirname } from "node:path"
import { closedPart } from "../../machine/closedPart.ts"
import { giveToOwner, makeDirectory } from "../../machine/directory.ts"
import { systemError } from "../../machine/systemError.ts"
import { shellWord } from "../../text/shell.ts"
import { FileRefused, NotCreated, OnlyReadable } from "./files.ts"
import { refuseMismatch } from "./mismatch.ts"
import { writeBeside } from "./probe.ts"
import { isForbidden } from "./unwritable.ts"

/** Whether `path` itself is a mount point, as when a container engine mounts a single file. */
const isMounted = (path: string): boolean => {
  try {
    const written = path.replace(/[ \t\n\\]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, "0")}`)
    return readFileSync("/proc/self/mountinfo", "utf8").includes(` ${written} `)
  } catch {
    return false
  }
}

/**
 * Refuses a file that has several names. SQLite keeps the latest writes in a file beside the database, named after it,
 * so a database with two names would have two such files, each hiding the writes in the other.
 */
const requireOneName = (path: string) => {
  if (statSync(path).nlink > 1)
    throw new FileRefused(
      "it has several hard links, and changes made through one are not visible through the others",
      `keep one link: find ${shellWord(dirname(path))} -samefile ${shellWord(path)}`
    )
  if (isMounted(realpathSync(path)))
    throw new FileRefused(
      "it is mounted as a single file, and changes made here are not visible at its source",
      `mount the directory that contains it, ${dirname(path)}`
    )
}

/**
 * Returns whether there is nothing at `path`. Throws if that cannot be told, as for a link to a disk that is not mounted.
 */
export const isMissing = (path: string): boolean => {
  let at = path
  while (lstatOf(at) === undefined) at = dirname(at)
  if (!existsSync(at))
    throw new FileRefused(`${at} is a link to something that does not exist`, `check: ls -l ${shellWord(at)}`)
  if (at !== path && !statSync(at).isDirectory()) throw systemError("ENOTDIR")
  return at !== path
}

/** Throws if the path cannot be looked up, unlike the `throwIfNoEntry` of `lstatSync`, which hides ENOTDIR. */
const lstatOf = (path: string) => {
  try {
    return lstatSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

/**
 * Creates the file before SQLite does, so that it and the files that SQLite puts beside it are private. Returns the
 * system's error if this process may not.
 */
const createFile = (path: string): unknown => {
  try {
    makeDirectory(dirname(path), 0o700)
    const descriptor = openSync(path, "wx", 0o600)
    giveToOwner(path, descriptor)
    closeSync(descriptor)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Another process was faster.
    if (code === "EEXIST" && existsSync(path)) return undefined
    if (isForbidden(code)) return error
    throw error
  }
}

/** Returns the error if this process may not write the database, or what SQLite has to put beside it. */
const writingFails = (path: string): unknown => {
  try {
    accessSync(path, constants.W_OK)
    if (!existsSync(`${realpathSync(path)}-wal`)) accessSync(dirname(realpathSync(path)), constants.W_OK)
    return undefined
  } catch (error) {
    return error
  }
}

/** What can be done with the file. `why` is the error if it is written. */
export type Prepared =
  | { readonly access: "write" }
  | { readonly access: "read" | "none"; readonly why: OnlyReadable | NotCreated }

/**
 * Creates the file if it is missing and `create` is set, refuses one that must not be used, and returns what can be done
 * with it. Does not open an existing file: closing it again would drop this process's locks on it.
 */
export const prepareFile = (path: string, create: boolean): Prepared => {
  if (isMissing(path)) {
    const why = create ? createFile(path) : systemError("ENOENT")
    return why === undefined ? { access: "write" } : { access: "none", why: new NotCreated(why) }
  }
  if (statSync(path).isDirectory()) throw systemError("EISDIR")
  accessSync(path, constants.R_OK)
  requireOneName(path)
  const why = writingFails(path)
  return why === undefined ? { access: "write" } : { access: "read", why: new OnlyReadable(why) }
}

/** Rejects if the database could not be written, or created, now. Leaves nothing behind. */
export const tryStorage = async (path: string): Promise<void> => {
  const prepared = prepareFile(path, false)
  if (prepared.access !== "none") await refuseMismatch(path)
  if (prepared.access === "read") throw prepared.why
  if (prepared.access === "write") return writeBeside(path)
  const closed = closedPart(path)
  if (closed !== undefined) throw new NotCreated(systemError(closed.code))
}
