import { existsSync, mkdirSync, statSync } from "node:fs"
import { dirname } from "node:path"

/**
 * Makes `directory` with what is missing above it, and returns whether it was missing. Throws the system's error if it
 * cannot be made.
 *
 * Not by the `recursive` of `mkdirSync`, which never returns if the system answers ENOENT below a directory that is there,
 * as /proc does.
 */
export const makeDirectory = (directory: string, mode: number, again = false): boolean => {
  try {
    mkdirSync(directory, mode)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EEXIST" && statSync(directory).isDirectory()) return false
    if (code !== "ENOENT" || again) throw error
    // With the parent there, another process has just made it.
    const parent = dirname(directory)
    const isThere = existsSync(parent)
    if (!isThere) makeDirectory(parent, mode)
    return makeDirectory(directory, mode, isThere)
  }
}
