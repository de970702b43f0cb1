import { accessSync, constants, realpathSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { pathToFileURL } from "node:url"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { sharedFileSystem } from "../../machine/fileSystem.ts"
import { tryRead } from "../../machine/tryRead.ts"
import { type Database, loadBinding } from "./binding.ts"
import { makeConnection } from "./connection.ts"
import { FileRefused, FileReplaced, type NotCreated, type OnlyReadable, watchFiles } from "./files.ts"
import type { Opened } from "./opening.ts"
import { isMissing } from "./prepareFile.ts"
import { CANTOPEN, PRIMARY, READONLY, resultCodeOf } from "./resultCodes.ts"
import { OUTSIDE } from "./unwritable.ts"

/** Opens a database that this process cannot write to, but others can, at any time (docs/decisions/read-only.md). */

/** The error if it is written. */
type Why = OnlyReadable | NotCreated

/** Two changes of a file within this time may leave the same time stamp. The kernel's own tick is at most 10 ms. */
const SAME_TIME_MS = 100
const ROUNDS = 20

/** A file, described so that every change to it changes the description. */
const stateOf = (path: string) => {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return {
    state: stat && [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(),
    isEmpty: stat === undefined || stat.size === 0n,
    changedAt: Number(stat?.mtimeMs ?? 0)
  }
}

/** The files of a database. */
interface Files {
  readonly state: string
  /** Whether the database file alone has everything: nothing is in a -wal, and no transaction is to be rolled back. */
  readonly isWhole: boolean
  readonly changedAt: number
}

const filesOf = (path: string): Files => {
  const real = realpathSync(path)
  const [database, wal, journal] = [stateOf(real), stateOf(`${real}-wal`), stateOf(`${real}-journal`)]
  return {
    state: [real, database.state, wal.state, journal.state].join(" "),
    isWhole: wal.isEmpty && journal.isEmpty,
    changedAt: Math.max(database.changedAt, wal.changedAt, journal.changedAt)
  }
}

/** Returns the files once their last change is old enough for the next one to leave another time stamp. */
const settledFilesOf = async (path: string): Promise<Files> => {
  for (let round = 0; round < ROUNDS; round++) {
    const files = filesOf(path)
    const age = Date.now() - files.changedAt
    if (!files.isWhole || age < 0 || age >= SAME_TIME_MS) return files
    await sleep(SAME_TIME_MS - age)
  }
  throw new FileReplaced()
}

/** Verifies what was read, and says why nothing can be written. */
const guarded = (connection: Connection, isCurrent: () => boolean, why: Why): Connection => {
  const explained = <A>(effect: Effect.Effect<A, SqlError>) =>
    Effect.mapError(effect, (error) =>
      ((resultCodeOf(error.cause) ?? 0) & PRIMARY) === READONLY ? new SqlError({ cause: why }) : error
    )
  const verified = <A>(effect: Effect.Effect<A, SqlError>) =>
    Effect.zipLeft(
      explained(effect),
      Effect.suspend(() => (isCurrent() ? Effect.void : new SqlError({ cause: new FileReplaced() })))
    )
  return {
    execute: (...call) => verified(connection.execute(...call)),
    executeRaw: (...call) => explained(connection.executeRaw(...call)),
    executeValues: (...call) => verified(connection.executeValues(...call)),
    executeUnprepared: (...call) => explained(connection.executeUnprepared(...call)),
    executeStream: connection.executeStream
  }
}

const readOnly = (database: Database, closesLate: boolean, isCurrent: () => boolean, why: Why): Opened => ({
  database,
  connection: guarded(makeConnection(database), isCurrent, why),
  isCurrent,
  leftWal: () => undefined,
  closesLate,
  isReadOnly: true
})

/** SQLite takes no locks, and looks for no -wal. So nothing that it reads is used unless the files are still the same. */
const openWhole = async (path: string, { state }: Files, why: Why): Promise<Opened> => {
  const { closesLate, DatabaseSync } = await loadBinding("URIs")
  const database = new DatabaseSync(`${pathToFileURL(realpathSync(path)).href}?immutable=1`, { readOnly: true })
  return readOnly(database, closesLate, () => filesOf(path).state === state, why)
}

/** SQLite takes its locks, and reads the -wal. It needs a -shm, which only a process that can write makes. */
const openShared = async (path: string, { state }: Files, why: Why): Promise<Opened> => {
  const { closesLate, DatabaseSync } = await loadBinding()
  const files = watchFiles(path)
  const before = files()
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    database.exec("PRAGMA busy_timeout = 0; SELECT 1 FROM sqlite_master LIMIT 1")
    if (files() !== before) throw new FileReplaced()
    return readOnly(database, closesLate, () => files() === before, why)
  } catch (error) {
    database.close()
    if (((resultCodeOf(error) ?? 0) & PRIMARY) !== CANTOPEN) throw error
    // The last process that had it open has just moved the -wal into the file.
    if (filesOf(path).state !== state) throw new FileReplaced()
    throw new FileRefused(
      "its last changes are in its -wal, which cannot be read where neither can be written",
      "run d listPorts where they can be: it moves the changes into the file"
    )
  }
}

/** How often and for how long a -shm is waited for that a writer has made and not yet filled. */
const SHM_ROUNDS = 10
const SHM_MS = 30

/** Opens the database with its -wal, as soon as the writer's -shm is ready. */
const openWhenShared = async (path: string, first: Files, why: Why): Promise<Opened> => {
  let files = first
  for (let round = 1; ; round++) {
    try {
      return await openShared(path, files, why)
    } catch (error) {
      if (((resultCodeOf(error) ?? 0) & PRIMARY) !== READONLY || round === SHM_ROUNDS) throw error
      await sleep(SHM_MS)
      files = filesOf(path)
    }
  }
}

const isWritable = (path: string): boolean => tryRead(() => accessSync(path, constants.W_OK) === undefined, false)

/** Opens the database file at `path` to read it. */
export const openToRead = async (path: string, why: Why): Promise<Opened> => {
  const system = sharedFileSystem(path)
  if (system !== undefined)
    throw new FileRefused(
      `it cannot be written, and it is on ${system}, where a change by another machine may not be noticed in time`,
      OUTSIDE
    )
  const files = await settledFilesOf(path)
  if (files.isWhole) return openWhole(path, files, why)
  // In a directory that it can write to, SQLite would make files that the owner of the database cannot write.
  if (!isWritable(path) && isWritable(dirname(realpathSync(path)))) throw why
  return openWhenShared(path, files, why)
}

/** Opens nothing, which reads as an empty registry. */
export const openNothing = async (path: string, why: Why): Promise<Opened> => {
  const { closesLate, DatabaseSync } = await loadBinding()
  const database = new DatabaseSync(":memory:")
  database.exec("PRAGMA query_only = 1")
  return readOnly(database, closesLate, () => tryRead(() => isMissing(path), false), why)
}
