import { readFileSync, realpathSync, statSync } from "node:fs"
import { cut, LIMITS } from "../../domain/foreignText.ts"

/** A process that holds a lock. */
export interface LockHolder {
  readonly pid: number
  readonly command: string
}

interface Lock {
  readonly pid: number
  readonly inode: number
  readonly writes: boolean
  readonly first: number
  readonly last: number
}

/**
 * The bytes that SQLite locks: in the database itself from here on (os_unix.c, PENDING_BYTE), and in its -shm file those
 * for writing, for a checkpoint and for recovery (wal.c, WAL_WRITE_LOCK and following), and one that everyone who has it
 * open shares (UNIX_SHM_DMS).
 */
const PENDING_BYTE = 0x40000000
const SHM_WRITE = 120
const SHM_RECOVER = 122
const SHM_OPEN = 128

const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino

/** The inodes of the database and of its -shm, which lies beside the file that a symbolic link leads to. */
const inodesOf = (path: string): readonly [database: number | undefined, shm: number | undefined] => {
  try {
    const real = realpathSync(path)
    return [inodeOf(real), inodeOf(`${real}-shm`)]
  } catch {
    return [undefined, undefined]
  }
}

/** The locks that other processes of this container hold, by /proc/locks: none if this is not Linux. */
const othersLocks = (): ReadonlyArray<Lock> => {
  try {
    return readFileSync("/proc/locks", "utf8")
      .split("\n")
      .flatMap((line) => {
        const [, kind, pid, inode, first, last] =
          /^\d+: \w+\s+\w+\s+(READ|WRITE) (\d+) \w+:\w+:(\d+) (\d+) (\w+)$/.exec(line) ?? []
        if (kind === undefined || Number(pid) === process.pid) return []
        return {
          pid: Number(pid),
          inode: Number(inode),
          writes: kind === "WRITE",
          first: Number(first),
          last: last === "EOF" ? Number.POSITIVE_INFINITY : Number(last)
        }
      })
  } catch {
    return []
  }
}

/** A process by its name, if it has not ended. */
export const toPublicError = (pid: number): LockHolder | undefined => {
  try {
    return { pid, command: cut(readFileSync(`/proc/${pid}/comm`, "utf8").trim(), LIMITS.name) }
  } catch {
    // It has ended.
    return undefined
  }
}

/** The process that keeps others from writing to the SQLite file `path`, if that can be told. */
export const lockHolder = (path: string): LockHolder | undefined => {
  const [database, shm] = inodesOf(path)
  const found = othersLocks().find(
    ({ first, inode, last, writes }) =>
      writes &&
      ((inode === database && last >= PENDING_BYTE) || (inode === shm && first <= SHM_RECOVER && last >= SHM_WRITE))
  )
  return found && toPublicError(found.pid)
}

/** Whether another process has the database `path` open, as far as that can be told. */
export const isUsedByOthers = (path: string): boolean => {
  const [database] = inodesOf(path)
  return othersLocks().some(({ inode, last }) => inode === database && last >= PENDING_BYTE)
}

/**
 * The processes that have the database `path` open with another -wal than the one beside it, or the -wal with another
 * database: one of them was removed or replaced. Whoever opens them together damages the database, or does not see what
 * was written. A process that only just opens or closes them is among them, too.
 */
export const mismatchedUsers = (path: string): Set<number> => {
  const [database, shm] = inodesOf(path)
  const locks = othersLocks()
  const pids = (select: (lock: Lock) => boolean) => new Set(locks.filter(select).map(({ pid }) => pid))
  const withDatabase = pids(({ inode, last }) => inode === database && last >= PENDING_BYTE)
  const withShm = pids(({ first, inode, last }) => inode === shm && first <= SHM_OPEN && last >= SHM_OPEN)
  // It needs no -shm, and lets nobody in.
  const alone = pids(({ inode, last, writes }) => inode === database && last >= PENDING_BYTE && writes)
  return new Set(
    [...withDatabase, ...withShm].filter((pid) => !alone.has(pid) && withDatabase.has(pid) !== withShm.has(pid))
  )
}
