import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs"
import { loadedBinding } from "./binding.ts"
import { BUSY, PRIMARY, resultCodeOf } from "./resultCodes.ts"

/** Finds out what the file system of a database refuses, because SQLite does not pass on the system's error. */

/** About what a change needs. */
const SIZE = 65_536

/** Runs `work` with the name of a new file beside the database, which is removed afterwards with those beside it. */
const withFileBeside = <A>(path: string, work: (file: string) => A): A => {
  const file = `${path}-probe-${crypto.randomUUID()}`
  try {
    return work(file)
  } finally {
    for (const suffix of ["", "-journal"]) rmSync(file + suffix, { force: true })
  }
}

/** Writes a file beside the database `path`, and removes it. Throws the system's error, as for a full disk. */
export const writeBeside = (path: string): void =>
  withFileBeside(path, (file) => {
    const descriptor = openSync(file, "wx", 0o600)
    try {
      const data = Buffer.alloc(SIZE)
      for (let at = 0; at < SIZE; ) at += writeSync(descriptor, data, at, SIZE - at, at)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  })

/** Whether the system refuses to write a file beside the database. */
export const isWriteRefused = (path: string): boolean => {
  try {
    writeBeside(path)
    return false
  } catch {
    return true
  }
}

/** Whether not even a new database beside `path`, which nothing else can have open, can be locked. */
export const refusesLocks = (path: string): boolean => {
  const binding = loadedBinding()
  if (binding === undefined) return false
  try {
    return withFileBeside(path, (file) => {
      const database = new binding.DatabaseSync(file)
      try {
        database.exec("PRAGMA user_version = 1")
        return false
      } catch (error) {
        return ((resultCodeOf(error) ?? 0) & PRIMARY) === BUSY
      } finally {
        database.close()
      }
    })
  } catch {
    return false
  }
}
