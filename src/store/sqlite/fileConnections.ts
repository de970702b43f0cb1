import { realpathSync, rmSync, statSync } from "node:fs"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { collectGarbage, type Database, loadBinding } from "./binding.ts"
import { makeConnection } from "./connection.ts"
import { FileReplaced, identityOf, prepareFile, watchFiles } from "./files.ts"
import { isUsedByOthers } from "./locks.ts"

/**
 * Waiting for locks is done outside, where it does not stop the event loop. SQLite's default in WAL mode may lose the last
 * commits when the power goes. The first read opens the -wal.
 */
const OPENING =
  "PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; SELECT 1 FROM sqlite_master LIMIT 1"

/** A connection, and whether the files that it works on are the ones at the path. */
export interface Opened {
  readonly database: Database
  readonly connection: Connection
  readonly isCurrent: () => boolean
  /** Its -wal, if that is left at the path while the database there was removed or is another one by now. */
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
    // By its own name: a symbolic link that leads elsewhere by now does not mean that the database was replaced.
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
 * Brings what the -wal holds to the database, as SQLite does when the last program closes it. A database that is closed
 * late may be closed never, if the process ends before: then whoever copies or replaces the file would miss the rest.
 */
const emptyWal = (database: Database, path: string) => {
  const wal = statSync(`${realpathSync(path)}-wal`, { throwIfNoEntry: false })
  if (wal !== undefined && wal.size > 0 && !isUsedByOthers(path)) database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

/**
 * Takes the -wal away from beside another database that was put in the place of its own: SQLite leaves it, and whoever
 * opens that database would take what is in it for its own. It goes as long as the old one is open, because until then
 * nobody else opens what is at the path; and it is not emptied before, because that would let them. What it holds goes to
 * the old database, wherever that is now. If another process is just doing that, it is the one that takes the -wal away.
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
 * The two connections to the file at `path`, opened when they are first used, and anew when the file or its -wal was
 * removed or replaced: then both are closed before one is opened, because SQLite must never have the old and the new file
 * open with one -wal.
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
        // What is in the -wal stays there, and is read from there.
      }
      try {
        database.close()
      } catch {
        // What is left of it goes with the process.
      }
    }
    connections.clear()
  }
  /** Closes both so that SQLite has let go of the files when this is done. */
  const closeNow = async () => {
    const late = [...connections.values()].some(({ closesLate }) => closesLate)
    close()
    if (late) await collectGarbage()
  }
  /** How many were opened: what one of them says of commits means nothing to the next. */
  let count = 0
  const isStale = () => [...connections.values()].some((each) => !each.isCurrent())
  const opening = Effect.unsafeMakeSemaphore(1)
  const current = (name: "reader" | "writer") => {
    const known = connections.get(name)
    return known?.isCurrent() === true ? known : undefined
  }
  /** `mayClose` if no transaction is open. */
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
  /** Closes what is stale, when no transaction is open. */
  const closeStale = Effect.suspend(() => (isStale() ? Effect.promise(closeNow) : Effect.void))
  return { close, closeStale, current, isStale, reopen, opened: () => count }
}
