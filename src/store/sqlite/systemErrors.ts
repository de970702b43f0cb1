import { constants } from "node:os"
import { dirname } from "node:path"
import type { Fault } from "../../domain/Fault.ts"
import { sharedFileSystem } from "../../machine/fileSystem.ts"
import { shellWord } from "../../text/shell.ts"
import { lockHolder } from "./locks.ts"
import { refusesLocks, writeBeside } from "./probe.ts"
import { describeUnwritable, ELSEWHERE, isForbidden } from "./unwritable.ts"

/** What the system has against the file of a database, in words. */

export const LOCAL_DISK = "name a file on a local disk with AUTOMATELINUX_DATABASE_URL=sqlite:/PATH/TO/FILE"

/** A failure that stays until someone fixes something. */
export interface Rejected {
  readonly _tag: "Rejected"
  readonly reason: string
  readonly hint: string
  readonly fault: Fault
}

export const refused = (reason: string, hint: string, fault: Fault = "other"): Rejected => ({
  _tag: "Rejected",
  reason,
  hint,
  fault
})

/** Returns the system's error code. Node calls some of them UNKNOWN, as EDQUOT. */
export const systemCodeOf = (error: unknown): string | undefined => {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException
  const known =
    code === "UNKNOWN" ? Object.entries(constants.errno).find(([, value]) => value === -(errno ?? 0)) : undefined
  const name = known?.[0] ?? code ?? ""
  return /^E[A-Z0-9]+$/.test(name) ? name : undefined
}

/** The failure if this process may not write the database; `code` is the system's. */
export const unwritable = (path: string, code: string): Rejected => {
  const { hint, reason } = describeUnwritable(path, code)
  return refused(reason, hint, "rights")
}

/** Classifies the system's error for the file, its directory or its disk. */
export const ofSystem = (code: string, path: string): Rejected => {
  if (isForbidden(code)) return unwritable(path, code)
  switch (code) {
    case "EISDIR":
      return refused("it is a directory", ELSEWHERE)
    case "ENOTDIR":
    case "EEXIST":
      return refused("part of its path is a file, not a directory", ELSEWHERE)
    case "ENOENT":
      return refused("its directory does not exist and cannot be made", ELSEWHERE)
    case "ENOSPC":
      return refused("the disk is full", `free some space: df -h ${shellWord(dirname(path))}`)
    case "EDQUOT":
      return refused("the disk quota is exceeded", "free some space, or ask for a larger quota: quota -s")
    case "EIO":
      return refused("the disk reports an error", "see the system's log: dmesg")
    case "ESTALE":
      return refused("its file system was unmounted, or is no longer exported", `mount it again, or ${LOCAL_DISK}`)
    case "EMFILE":
    case "ENFILE":
      return refused("too many files are open", "check the limits of this shell: ulimit -n")
    default:
      return refused(`the system says ${code}`, ELSEWHERE)
  }
}

/** Asks the system what it has against a write that SQLite reports as an I/O error. */
export const refusedWrite = (path: string): Rejected | undefined => {
  try {
    writeBeside(path)
    return undefined
  } catch (error) {
    const code = systemCodeOf(error)
    return code === undefined ? undefined : ofSystem(code, path)
  }
}

/** Names the process that holds the lock on the file, if it can be found. */
export const describeLock = (path: string) => {
  const holder = lockHolder(path)
  if (holder !== undefined)
    return {
      reason: `it is locked by another program: ${holder.command}, pid ${holder.pid}`,
      hint: `to see what it does: ps -fp ${holder.pid}`
    }
  if (refusesLocks(path))
    return { reason: "its file system refuses locks, as NFS without a lock service does", hint: LOCAL_DISK }
  const system = sharedFileSystem(path)
  return system === undefined
    ? { reason: "it is locked by another program", hint: `to see which: fuser -v ${shellWord(path)}` }
    : { reason: `it is locked, perhaps by another machine: it is on ${system}`, hint: LOCAL_DISK }
}
