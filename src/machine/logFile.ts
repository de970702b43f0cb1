import { closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync, readSync, renameSync } from "node:fs"
import { dirname } from "node:path"
import { giveToOwner, makeDirectory } from "./directory.ts"
import { systemError } from "./systemError.ts"

/** The log of a daemon whose standard error is a file. */

/** How large a log may be when a daemon starts to write to it, in bytes. */
const SIZE_MAX = 2 ** 20
/** How much of the end of a log is read, in bytes. */
const END = 65_536

const MODE = 0o600

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Opens the log at `path` to write at its end, for its owner only. One that has grown large is kept as `PATH.1`, in place of the
 * one before. Links are refused, because root may have the HOME of another user, who could have made one to a file of root's.
 * Throws the system's error.
 */
export const openLog = (path: string): number => {
  makeDirectory(dirname(path), 0o700)
  const found = lstatSync(path, { throwIfNoEntry: false })
  // A pipe without a reader would block.
  if (found !== undefined && !found.isFile()) throw systemError(found.isDirectory() ? "EISDIR" : "EFTYPE")
  const isLarge = found !== undefined && found.size > SIZE_MAX
  if (isLarge) renameSync(path, `${path}.1`)
  const descriptor = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, MODE)
  try {
    const { mode, nlink } = fstatSync(descriptor)
    if (nlink > 1) throw systemError("EMLINK")
    if (found === undefined || isLarge) giveToOwner(path, descriptor)
    if ((mode & 0o777) !== MODE) fchmodSync(descriptor, MODE)
    return descriptor
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/** Returns the lines at the end of the log at `path` that were written after its first `start` bytes. */
export const linesAfter = (path: string, start: number): ReadonlyArray<string> => {
  const descriptor = openSync(path, "r")
  try {
    const { size } = fstatSync(descriptor)
    const buffer = Buffer.alloc(Math.min(END, Math.max(0, size - start)))
    const length = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length)
    return buffer
      .toString("utf8", 0, length)
      .split("\n")
      .filter((line) => line.trim() !== "")
  } finally {
    closeSync(descriptor)
  }
}
