import { type FSWatcher, realpathSync, statSync, watch } from "node:fs"
import { dirname } from "node:path"

/** The file at the path must not be used, or no longer; the message says why. */
export class FileRefused extends Error {
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/** The files at the path are no longer those that a connection has open, or no longer the same. */
export class FileReplaced extends Error {}

/** The database was opened only to be read, because opening it to write failed with `why`. */
export class OnlyReadable extends Error {
  readonly why: unknown
  constructor(why: unknown) {
    super("it can only be read")
    this.why = why
  }
}

/** The database does not exist, and creating it failed with `why`. */
export class NotCreated extends Error {
  readonly why: unknown
  constructor(why: unknown) {
    super("it cannot be created")
    this.why = why
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
 * long-lived process releases removed files at once, before another process opens what is left. If the directory does
 * not exist yet, waits for it.
 */
export const watchDirectory = (path: string, changed: () => void): (() => void) => {
  let watcher: FSWatcher | undefined
  const timer = setInterval(() => {
    try {
      watcher = watch(dirname(realpathSync(path)), { persistent: false }, (eventType) => {
        if (eventType === "rename") changed()
      })
      watcher.on("error", () => watcher?.close())
      clearInterval(timer)
    } catch {
      // If it can never be watched, the next query notices a change anyway.
    }
  }, SHORT_LIFE_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
    watcher?.close()
  }
}
