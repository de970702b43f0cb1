import { existsSync, mkdirSync, statSync } from "node:fs"
import { dirname } from "node:path"

/**
 * Makes `directory` and its missing parents, and returns whether it was missing. Throws the system's error if it cannot
 * be made.
 *
 * Does not use the `recursive` option of `mkdirSync`, which never returns if the system reports ENOENT below an
 * existing directory, as it does for /proc.
 */
export const makeDirectory = (directory: string, mode: number, again = false): boolean => {
  try {
    mkdirSync(directory, mode)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EEXIST" && statSync(directory).isDirectory()) return false
    if (code !== "ENOENT" || again) throw error
    // If the parent exists by now, another process has just made it: retry once.
    const parent = dirname(directory)
    const isThere = existsSync(parent)
    if (!isThere) makeDirectory(parent, mode)
    return makeDirectory(directory, mode, isThere)
  }
}
