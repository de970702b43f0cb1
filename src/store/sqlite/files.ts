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
import { type LockHolder, mismatchedUsers, toPublicError } from "./locks.ts"

/** The file at the path is not, or no longer, what may be used; the message says why. */
export class FileRefused extends Error {
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/** The files at the path are not the ones that a connection has open any more. */
export class FileReplaced extends Error {}

const fails = (code: string) => Object.assign(new Error(code), { code })

/** Whether `path` is mounted on its own, as a container engine mounts a single file. */
const isMounted = (path: string): boolean => {
  try {
    const written = path.replace(/[ \t\n\\]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, "0")}`)
    return readFileSync("/proc/self/mountinfo", "utf8").includes(` ${written} `)
  } catch {
    return false
  }
}

/**
 * SQLite keeps what was written last in a file beside the database, named like it. Under two names a database has two of
 * them: each would hide what was written through the other.
 */
const requireOneName = (path: string) => {
  if (statSync(path).nlink > 1)
    throw new FileRefused(
      "it has several names (hard links), and what is written under one is not seen under the others",
      `keep one name: find ${shellWord(dirname(path))} -samefile ${shellWord(path)}`
    )
  if (isMounted(realpathSync(path)))
    throw new FileRefused(
      "it is mounted on its own, and what is written here is not seen where it comes from",
      `mount the directory that it lies in, ${dirname(path)}`
    )
}

const ROUNDS = 20
const ROUND_MS = 100

/** The process that has other files of that name open for two seconds: on a busy machine, to open them takes a while. */
const findMismatch = async (path: string): Promise<LockHolder | undefined> => {
  const found = mismatchedUsers(path)
  for (let round = 1; found.size > 0 && round < ROUNDS; round++) {
    await new Promise((done) => setTimeout(done, ROUND_MS))
    const still = mismatchedUsers(path)
    for (const pid of found) if (!still.has(pid)) found.delete(pid)
  }
  const [pid] = found
  return pid === undefined ? undefined : toPublicError(pid)
}

/**
 * Makes the file before SQLite does, so that it and what SQLite puts beside it are their owner's alone, and refuses one
 * that must not be used. One that is there is not opened: to close it again would drop the locks that this process has on
 * it.
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
    // To read /proc/locks takes the kernel 15 ms, so it is done only if another process may have the file open.
    const wal = statSync(`${realpathSync(path)}-wal`, { throwIfNoEntry: false })
    const user = wal !== undefined && wal.size > 0 ? await findMismatch(path) : undefined
    if (user !== undefined)
      throw new FileRefused(
        `it, or its -wal, was removed or replaced while ${user.command}, pid ${user.pid}, uses it`,
        `let that process end, or end it: kill ${user.pid}`
      )
  }
}

/** The device and inode of the file at `path`. */
export const identityOf = (path: string): string => {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? "none" : `${stat.dev}:${stat.ino}`
}

/**
 * Tells which files a connection to `path` works on, by device and inode, as often as it is asked: the database at the
 * path, and the -wal beside the file that the path leads to now.
 */
export const watchFiles = (path: string): (() => string) => {
  const wal = `${realpathSync(path)}-wal`
  return () => `${identityOf(path)} ${identityOf(wal)}`
}

/** A process that has ended by then watches nothing, in milliseconds. */
const SHORT_LIFE_MS = 1000

/**
 * Calls `changed` when a file is made, removed or renamed beside `path`, as long as the function that is returned was not
 * called. A process that lives on lets go at once of files that were removed, before another process opens what is left.
 */
export const watchDirectory = (path: string, changed: () => void): (() => void) => {
  let watcher: FSWatcher | undefined
  const timer = setTimeout(() => {
    try {
      watcher = watch(dirname(realpathSync(path)), { persistent: false }, (historyEvent) => {
        if (historyEvent === "rename") changed()
      })
      watcher.on("error", () => watcher?.close())
    } catch {
      // Nothing is there yet, or it cannot be watched: what is asked next notices.
    }
  }, SHORT_LIFE_MS)
  timer.unref()
  return () => {
    clearTimeout(timer)
    watcher?.close()
  }
}
