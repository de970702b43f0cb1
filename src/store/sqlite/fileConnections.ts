import { realpathSync, rmSync, statSync } from "node:fs"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { tryRead } from "../../machine/tryRead.ts"
import { collectGarbage, type Database } from "./binding.ts"
import { FileReplaced } from "./files.ts"
import { isUsedByOthers } from "./locks.ts"
import { type Opened, open } from "./opening.ts"

/**
 * Moves the contents of the -wal into the database, as SQLite does when the last program closes it. A database that is
 * closed late is never closed if the process ends first, and a copy of the file alone would then lack the last commits.
 */
const emptyWal = (database: Database, path: string) => {
  const wal = statSync(`${realpathSync(path)}-wal`, { throwIfNoEntry: false })
  if (wal !== undefined && wal.size > 0 && !isUsedByOthers(path)) database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

/** How long another process may take to remove a -wal, in milliseconds. */
const REMOVAL_MS = 100

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
  if (busy !== 0 || log !== checkpointed) return
  // One process at a time: the next one must not remove the -wal that the new database has got meanwhile. One that is in
  // a transaction for longer is not about to remove it.
  tryRead(() => database.exec(`PRAGMA busy_timeout = ${REMOVAL_MS}; BEGIN IMMEDIATE`), undefined)
  const wal = leftWal()
  if (wal !== undefined) for (const file of [wal, wal.replace(/-wal$/, "-shm")]) rmSync(file, { force: true })
  // The prebuilt driver closes late, and would keep the lock until then.
  tryRead(() => database.exec("ROLLBACK"), undefined)
}

/**
 * How long a connection that can only read is used, in milliseconds. Perhaps the next one can write. And it must not look
 * as if this process had another -wal open, which keeps others from opening the database (mismatch.ts): SQLite does not
 * lock the -shm if it cannot write it.
 */
const READ_ONLY_MS = 100

interface Known extends Opened {
  readonly openedAt: number
}

/**
 * Manages the two connections to the file at `path`, and calls `whenStale` when one is to be closed. They are opened when
 * they are first used, and reopened if the file or its -wal was removed or replaced. Both are closed before either is
 * reopened, because SQLite must never have the old and the new file open with the same -wal.
 */
export const makeConnections = (path: string, whenStale: () => void) => {
  const connections = new Map<"reader" | "writer", Known>()
  const close = () => {
    for (const opened of connections.values()) {
      const { closesLate, database, isCurrent, isReadOnly, leftWal } = opened
      try {
        if (leftWal() !== undefined) removeWal(opened)
        else if (closesLate && !isReadOnly && isCurrent()) emptyWal(database, path)
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
  const isCurrent = ({ isReadOnly, isCurrent, openedAt }: Known) =>
    isCurrent() && (!isReadOnly || performance.now() - openedAt < READ_ONLY_MS)
  const isStale = () => [...connections.values()].some((each) => !isCurrent(each))
  const opening = Effect.unsafeMakeSemaphore(1)
  const current = (name: "reader" | "writer") => {
    const known = connections.get(name)
    return known !== undefined && isCurrent(known) ? known : undefined
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
            const opened = await open(path, name === "writer", isStale)
            // One of them may come from another copy of SQLite, which would drop the locks of this one when it is closed.
            if ([...connections.values()].some(({ isReadOnly }) => isReadOnly !== opened.isReadOnly)) {
              opened.database.close()
              if (mayClose) await closeNow()
              throw new FileReplaced()
            }
            connections.set(name, { ...opened, openedAt: performance.now() })
            count++
            if (opened.isReadOnly) setTimeout(whenStale, READ_ONLY_MS).unref()
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
