import { existsSync, realpathSync, statSync } from "node:fs"
import { pause } from "../../machine/pause.ts"
import { FileRefused } from "./files.ts"
import { type LockHolder, mismatchedUsers, processNamed } from "./locks.ts"

/** How often and how far apart the locks are read, in milliseconds: opening the files takes a while on a busy machine. */
const ROUNDS = 20
const ROUND_MS = 100

/** Finds a process that has had mismatched files open in every round. */
const findMismatch = async (path: string): Promise<LockHolder | undefined> => {
  const found = mismatchedUsers(path)
  for (let round = 1; found.size > 0 && round < ROUNDS; round++) {
    await pause(ROUND_MS)
    const still = mismatchedUsers(path)
    for (const pid of found) if (!still.has(pid)) found.delete(pid)
  }
  const [pid] = found
  return pid === undefined ? undefined : processNamed(pid)
}

/**
 * Waits while another process has the database at `path` open with another -wal, or its -wal with another database,
 * because one of them was removed or replaced. Throws FileRefused after two seconds.
 *
 * Only a database that has been at the path from before the call until after it is safe to open: one that is put there
 * meanwhile may find such a process that was not there in the first round.
 */
export const refuseMismatch = async (path: string): Promise<void> => {
  const real = realpathSync(path)
  const isLeft = () => (statSync(`${real}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
  // Reading /proc/locks takes the kernel 15 ms, so do it only if another process may have the files open.
  if (!isLeft() && !existsSync(`${real}-shm`)) return
  const user = await findMismatch(path)
  if (user !== undefined)
    throw new FileRefused(
      `it, or its -wal, was removed or replaced while ${user.command}, pid ${user.pid}, uses it`,
      `wait for that process to end, or end it: kill ${user.pid}`
    )
  // The last process that closes a database removes the -shm first: give it the time to remove the -wal, too.
  if (isLeft() && !existsSync(`${real}-shm`)) await pause(ROUND_MS)
}
