import {
  accessSync,
  closeSync,
  constants,
  type FSWatcher,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
  watch
} from "node:fs"
import { dirname } from "node:path"
import { makeDirectory } from "../../machine/directory.ts"
import { shellWord } from "../../text/shell.ts"
import { type LockHolder, mismatchedUsers, processNamed } from "./locks.ts"

/** The file at the path must not be used, or no longer; the message says why. */
export class FileRefused extends Error {
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/** The files at the path are no longer those that a connection has open. */
export class FileReplaced extends Error {}

const fails = (code: string) => Object.assign(new Error(code), { code })

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

const ROUNDS = 20
const ROUND_MS = 100

/** Finds a process that has had mismatched files open for two seconds: opening them takes a while on a busy machine. */
const findMismatch = async (path: string): Promise<LockHolder | undefined> => {
  const found = mismatchedUsers(path)
  for (let round = 1; found.size > 0 && round < ROUNDS; round++) {
    await new Promise((done) => setTimeout(done, ROUND_MS))
    const still = mismatchedUsers(path)
    for (const pid of found) if (!still.has(pid)) found.delete(pid)
  }
  const [pid] = found
  return pid === undefined ? undefined : processNamed(pid)
}

/**
 * Creates the file before SQLite does, so that it and the files that SQLite puts beside it are private, and refuses a
 * file that must not be used. Does not open an existing file: closing it again would drop this process's locks on it.
 */
export const prepareFile = async (path: string): Promise<void> => {
  makeDirectory(dirname(path), 0o700)
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    if (statSync(path).isDirectory()) throw fails("EISDIR")
    accessSync(path, constants.R_OK | constants.W_OK)
    requireOneName(path)
    // Reading /proc/locks takes the kernel 15 ms, so do it only if another process may have the file open.
    const wal = statSync(`${realpathSync(path)}-wal`, { throwIfNoEntry: false })
    const user = wal !== undefined && wal.size > 0 ? await findMismatch(path) : undefined
    if (user !== undefined)
      throw new FileRefused(
        `it, or its -wal, was removed or replaced while ${user.command}, pid ${user.pid}, uses it`,
        `wait for that process to end, or end it: kill ${user.pid}`
      )
  }
}

/** Returns the device and inode of the file at `path`. */
export const identityOf = (path: string): string => {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? "none" : `${stat.dev}:${stat.ino}`
}

/**
 * Returns a function that returns the device and inode of the files a connection to `path` uses: the database at the
 * path, and the -wal beside the file that the path resolves to when `watchFiles` is called.
 */
export const watchFiles = (path: string): (() => string) => {
  const wal = `${realpathSync(path)}-wal`
  return () => `${identityOf(path)} ${identityOf(wal)}`
}

/** The delay before watching, in milliseconds, so that a short-lived process never does. */
const SHORT_LIFE_MS = 1000

/**
 * Calls `changed` when a file beside `path` is created, removed or renamed, until the returned function is called. So a
 * long-lived process releases removed files at once, before another process opens what is left.
 */
export const watchDirectory = (path: string, changed: () => void): (() => void) => {
  let watcher: FSWatcher | undefined
  const timer = setTimeout(() => {
    try {
      watcher = watch(dirname(realpathSync(path)), { persistent: false }, (eventType) => {
        if (eventType === "rename") changed()
      })
      watcher.on("error", () => watcher?.close())
    } catch {
      // The directory does not exist yet, or cannot be watched. The next query notices a change anyway.
    }
  }, SHORT_LIFE_MS)
  timer.unref()
  return () => {
    clearTimeout(timer)
    watcher?.close()
  }
}
