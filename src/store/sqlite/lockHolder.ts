import { readFileSync, statSync } from "node:fs"
import { escaped } from "../../domain/rules.ts"

/** A process that holds a lock. */
export interface LockHolder {
  readonly pid: number
  readonly command: string
}

/**
 * The bytes that SQLite locks: in the database itself from here on (os_unix.c, PENDING_BYTE), and in its -shm file those
 * for writing, for a checkpoint and for recovery (wal.c, WAL_WRITE_LOCK and following).
 */
const PENDING_BYTE = 0x40000000
const SHM_WRITE = 120
const SHM_RECOVER = 122

const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino

/**
 * The process that keeps others from writing to the SQLite file `path`, by /proc/locks: `undefined` if it has ended
 * meanwhile, is this one, is in another container, or if this is not Linux.
 */
export const lockHolder = (path: string): LockHolder | undefined => {
  try {
    const [database, shm] = [inodeOf(path), inodeOf(`${path}-shm`)]
    for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
      const fields = /^\d+: \w+\s+\w+\s+WRITE (\d+) \w+:\w+:(\d+) (\d+) (\w+)$/.exec(line)
      if (fields === null) continue
      const [pid, inode, first] = fields.slice(1, 4).map(Number)
      const last = fields[4] === "EOF" ? Number.POSITIVE_INFINITY : Number(fields[4])
      const keepsOthersOut =
        (inode === database && last >= PENDING_BYTE) ||
        (inode === shm && (first ?? 0) <= SHM_RECOVER && last >= SHM_WRITE)
      if (!keepsOthersOut || pid === undefined || pid === process.pid) continue
      return { pid, command: escaped(readFileSync(`/proc/${pid}/comm`, "utf8").trim()) }
    }
  } catch {
    // It has ended, or there is no /proc.
  }
  return undefined
}
