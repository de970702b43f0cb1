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
 * The bytes that SQLite locks. In the database: from PENDING_BYTE on (os_unix.c). In its -shm file: those for writing,
 * for a checkpoint and for recovery (wal.c, WAL_WRITE_LOCK and following), and one that everyone who has it open shares
 * (UNIX_SHM_DMS).
 */
const PENDING_BYTE = 0x40000000
const SHM_WRITE = 120
const SHM_RECOVER = 122
const SHM_OPEN = 128

const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino

/** Returns the inodes of the database and of its -shm, which is beside the file that a symbolic link resolves to. */
const inodesOf = (path: string): readonly [database: number | undefined, shm: number | undefined] => {
  try {
    const real = realpathSync(path)
    return [inodeOf(real), inodeOf(`${real}-shm`)]
  } catch {
    return [undefined, undefined]
  }
}

/** Returns the locks that other processes in this container hold, from /proc/locks. None if this is not Linux. */
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

/** Returns a process with its command, or undefined if it has ended. */
export const processNamed = (pid: number): LockHolder | undefined => {
  try {
    return { pid, command: cut(readFileSync(`/proc/${pid}/comm`, "utf8").trim(), LIMITS.name) }
  } catch {
    return undefined
  }
}

/** Returns the process that keeps others from writing to the SQLite file `path`, if it can be found. */
export const lockHolder = (path: string): LockHolder | undefined => {
  const [database, shm] = inodesOf(path)
  const found = othersLocks().find(
    ({ first, inode, last, writes }) =>
      writes &&
      ((inode === database && last >= PENDING_BYTE) || (inode === shm && first <= SHM_RECOVER && last >= SHM_WRITE))
  )
  return found && processNamed(found.pid)
}

/** Whether another process has the database `path` open, as far as can be seen. */
export const isUsedByOthers = (path: string): boolean => {
  const [database] = inodesOf(path)
  return othersLocks().some(({ inode, last }) => inode === database && last >= PENDING_BYTE)
}

/**
 * Returns the processes that have the database `path` open with a -wal other than the one beside it, or that -wal with
 * another database, because one of the two was removed or replaced. Opening them together would damage the database, or
 * miss what was written. A process that is just opening or closing them is included, too.
 */
export const mismatchedUsers = (path: string): Set<number> => {
  const [database, shm] = inodesOf(path)
  const locks = othersLocks()
  const pids = (select: (lock: Lock) => boolean) => new Set(locks.filter(select).map(({ pid }) => pid))
  const withDatabase = pids(({ inode, last }) => inode === database && last >= PENDING_BYTE)
  const withShm = pids(({ first, inode, last }) => inode === shm && first <= SHM_OPEN && last >= SHM_OPEN)
  // A process with an exclusive lock on the database needs no -shm.
  const alone = pids(({ inode, last, writes }) => inode === database && last >= PENDING_BYTE && writes)
  return new Set(
    [...withDatabase, ...withShm].filter((pid) => !alone.has(pid) && withDatabase.has(pid) !== withShm.has(pid))
  )
}
