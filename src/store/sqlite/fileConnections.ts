import { realpathSync, rmSync, statSync } from "node:fs"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { collectGarbage, type Database, loadBinding } from "./binding.ts"
import { makeConnection } from "./connection.ts"
import { FileReplaced, identityOf, prepareFile, watchFiles } from "./files.ts"
import { isUsedByOthers } from "./locks.ts"

/**
 * No busy_timeout, because it would block the event loop: `beginImmediate` waits for locks. synchronous = FULL, because
 * the default in WAL mode may lose the last commits in a power failure. The SELECT opens the -wal.
 */
const OPENING =
  "PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; SELECT 1 FROM sqlite_master LIMIT 1"

/** A connection, and whether its files are still those at the path. */
export interface Opened {
  readonly database: Database
  readonly connection: Connection
  readonly isCurrent: () => boolean
  /** The path of its -wal, if that is still there although the database was removed or replaced. */
  readonly leftWal: () => string | undefined
  readonly closesLate: boolean
}

const open = async (path: string): Promise<Opened> => {
  const { closesLate, DatabaseSync } = await loadBinding()
  await prepareFile(path)
  const files = watchFiles(path)
  const [before] = files().split(" ")
  const database = new DatabaseSync(path)
  try {
    database.exec(OPENING)
    const opened = files()
    if (!opened.startsWith(`${before} `)) throw new FileReplaced()
    const [, wal] = opened.split(" ")
    // The resolved path: if a symbolic link now points elsewhere, the database itself was not replaced.
    const real = realpathSync(path)
    const walPath = `${real}-wal`
    return {
      database,
      connection: makeConnection(database),
      isCurrent: () => files() === opened,
      leftWal: () => (identityOf(real) !== before && identityOf(walPath) === wal ? walPath : undefined),
      closesLate
    }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Moves the contents of the -wal into the database, as SQLite does when the last program closes it. A database that is
 * closed late is never closed if the process ends first, and a copy of the file alone would then lack the last commits.
 */
const emptyWal = (database: Database, path: string) => {
  const wal = statSync(`${realpathSync(path)}-wal`, { throwIfNoEntry: false })
  if (wal !== undefined && wal.size > 0 && !isUsedByOthers(path)) database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

/**
 * Removes a -wal whose database was replaced by another one. SQLite leaves it there, and whoever opens the new database
 * would apply it to that. It is removed while the old database is still open, because until then no other process opens
 * the new one; and it is not emptied first, because they would take that as the sign that they may. Its contents go to
 * the old database, wherever that is now. If another process is doing that at the moment, that one removes the -wal.
 */
const removeWal = ({ database, leftWal }: Opened) => {
  const { busy, checkpointed, log } = database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get() as Record<
    string,
    unknown
  >
  const wal = busy === 0 && log === checkpointed ? leftWal() : undefined
  if (wal === undefined) return
  rmSync(wal, { force: true })
  rmSync(wal.replace(/-wal$/, "-shm"), { force: true })
}

/**
 * Manages the two connections to the file at `path`. They are opened when they are first used, and reopened if the file
 * or its -wal was removed or replaced. Both are closed before either is reopened, because SQLite must never have the
 * old and the new file open with the same -wal.
 */
export const makeConnections = (path: string) => {
  const connections = new Map<"reader" | "writer", Opened>()
  const close = () => {
    for (const opened of connections.values()) {
      const { closesLate, database, isCurrent, leftWal } = opened
      try {
        if (leftWal() !== undefined) removeWal(opened)
        else if (closesLate && isCurrent()) emptyWal(database, path)
      } catch {
        // The contents of the -wal stay there, and are read from there.
      }
      try {
        database.close()
      } catch {
        // It is released when the process ends.
      }
    }
    connections.clear()
  }
  /** Closes both. SQLite has released the files when this resolves. */
  const closeNow = async () => {
    const late = [...connections.values()].some(({ closesLate }) => closesLate)
    close()
    if (late) await collectGarbage()
  }
  /** How many were opened: part of the data version, because `data_version` of one means nothing on the next. */
  let count = 0
  const isStale = () => [...connections.values()].some((each) => !each.isCurrent())
  const opening = Effect.unsafeMakeSemaphore(1)
  const current = (name: "reader" | "writer") => {
    const known = connections.get(name)
    return known?.isCurrent() === true ? known : undefined
  }
  /** Opens a connection again. `mayClose` permits closing stale ones: no transaction is open. */
  const reopen = (name: "reader" | "writer", mayClose: boolean): Effect.Effect<Opened, SqlError> =>
    opening.withPermits(1)(
      Effect.suspend(() => {
        const known = current(name)
        if (known !== undefined) return Effect.succeed(known)
        const stale = isStale()
        if (stale && !mayClose) return new SqlError({ cause: new FileReplaced() })
        return Effect.tryPromise({
          try: async () => {
            if (stale) await closeNow()
            const opened = await open(path)
            connections.set(name, opened)
            count++
            return opened
          },
          catch: (cause) => new SqlError({ cause })
        })
      })
    )
  /** Closes stale connections. Call it only while no transaction is open. */
  const closeStale = Effect.suspend(() => (isStale() ? Effect.promise(closeNow) : Effect.void))
  return { close, closeStale, current, isStale, reopen, opened: () => count }
}
