import { closeSync, constants, existsSync, fchownSync, mkdirSync, openSync, statSync } from "node:fs"
import { dirname } from "node:path"

/** The mode of parents that are made. They are not ours alone: `~/.local` belongs to every program. */
const PARENT_MODE = 0o755

/**
 * Gives what was just made at `path`, open as `descriptor`, to the owner of the directory that it is in, if this is
 * root: under sudo with its user's HOME, the user would otherwise be locked out. SQLite does the same with its files.
 */
export const giveToOwner = (path: string, descriptor: number): void => {
  const { gid, uid } = statSync(dirname(path))
  if (process.getuid?.() !== 0 || uid === 0) return
  try {
    fchownSync(descriptor, uid, gid)
  } catch {
    // Inside a user namespace, as of a container, the owner may have no number. Then nobody else is locked out either.
  }
}

/** By descriptor, because the owner of the parent may replace the directory meanwhile. */
const giveDirectory = (path: string): void => {
  if (process.getuid?.() !== 0) return
  const descriptor = openSync(path, constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    giveToOwner(path, descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Makes `directory` with `mode`, and its missing parents, and returns whether it was missing. Throws the system's error
 * if it cannot be made.
 *
 * Does not use the `recursive` option of `mkdirSync`, which never returns if the system reports ENOENT below an
 * existing directory, as it does for /proc.
 */
export const makeDirectory = (directory: string, mode: number, again = false): boolean => {
  try {
    mkdirSync(directory, mode)
    giveDirectory(directory)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EEXIST" && statSync(directory).isDirectory()) return false
    if (code !== "ENOENT" || again) throw error
    // If the parent exists by now, another process has just made it: retry once.
    const parent = dirname(directory)
    const isThere = existsSync(parent)
    if (!isThere) makeDirectory(parent, PARENT_MODE)
    return makeDirectory(directory, mode, isThere)
  }
}

/** Whether there is certainly no directory at `path`. */
export const isNoDirectory = (path: string): boolean => {
  try {
    return !statSync(path).isDirectory()
  } catch (error) {
    // Perhaps this user may not look.
    return ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")
  }
}
