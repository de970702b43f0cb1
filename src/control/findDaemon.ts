import { lstatSync } from "node:fs"
import type { Status } from "../commands/Results.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import { tryRead } from "../machine/tryRead.ts"
import { type DaemonReply, requestOnce } from "../socket/daemonClient.ts"
import { holderOf, holdsLock, silent, unreachable } from "../socket/socketLock.ts"
import { clientPaths, deniedSocket, ownPaths } from "../socket/socketPath.ts"

/** A daemon of d that runs. */
export interface Found {
  readonly path: string
  readonly pid: number
  /** The uid of the socket's owner; undefined if there is no socket. */
  readonly owner: number | undefined
  /** Whether it is known to be a process of this user on this machine. */
  readonly isOwn: boolean
  /** Its own report; undefined if it does not answer. */
  readonly status: Status | undefined
  /** Whether something accepts connections at the socket, and does not answer. */
  readonly isSilent: boolean
  /** Why it does not answer commands of this environment, if it serves another registry. */
  readonly otherRegistry: string | undefined
  /** How its settings differ from those of this environment, be it only in the ranges. */
  readonly difference: string | undefined
}

/** The time limit for a ping, which a daemon answers at once. */
const PING_MS = 2000
/** The time limit for a status, for which a daemon waits 5 seconds for its database. */
const STATUS_MS = 7000

/** The system's error codes if this user may not use a socket. */
const DENIED = ["EACCES", "EPERM"]

/** Fails because something at `path` does not answer. */
const silence = (path: string): CommandFailed => new CommandFailed({ code: "unavailable", ...silent(path) })

/** Returns how the settings of a daemon differ from those of this environment, if it refused a request for that. */
const differenceIn = (reply: DaemonReply<"ping" | "status">): string | undefined =>
  reply._tag === "Reply" && !reply.reply.ok && reply.reply.error.code === "other-store"
    ? reply.reply.error.message
    : undefined

/**
 * Returns the daemon of d at `path`. Nothing else counts, such as the AutomateLinux daemon: a daemon answers a ping as ours does,
 * or holds our lock, which the kernel knows even if the daemon is stopped or its socket is gone.
 */
const daemonAt = async (path: string, environment: Environment, uid: number): Promise<Found | undefined> => {
  const asked = await requestOnce(path, "ping", environment, PING_MS)
  const otherRegistry = differenceIn(asked)
  const first = asked._tag === "Reply" ? await requestOnce(path, "status", environment, STATUS_MS) : asked
  const difference = differenceIn(first)
  const told = difference === undefined ? first : await requestOnce(path, "status", environment, STATUS_MS, true)
  const status =
    told._tag === "Reply" && told.reply.ok && "settings" in told.reply.result ? told.reply.result : undefined
  const isSilent = told._tag === "Lost" || (told._tag === "NoDaemon" && told.why === "silent")
  const holder = holderOf(path, uid)
  const pid = status?.pid ?? holder
  if (pid === undefined) {
    if (isSilent) throw silence(path)
    if (asked._tag === "NoDaemon" && DENIED.includes(asked.why)) throw new CommandFailed(deniedSocket(path))
    return undefined
  }
  const owner = tryRead(() => lstatSync(path).uid, undefined)
  return {
    path,
    pid,
    owner,
    isOwn: process.platform === "linux" ? holdsLock(path, uid, pid) : owner === uid,
    status,
    isSilent,
    otherRegistry,
    difference
  }
}

/** Returns the paths at which a daemon may be that a client of this environment finds: first those that one of its own serves. */
export const pathsOf = (environment: Environment, uid: number): ReadonlyArray<string> => [
  ...new Set([...ownPaths(environment, uid), ...clientPaths(environment, uid)])
]

/** Returns the first daemon of d at one of `paths`. */
export const findDaemon = async (
  paths: ReadonlyArray<string>,
  environment: Environment,
  uid: number
): Promise<Found | undefined> => {
  for (const path of paths) {
    const found = await daemonAt(path, environment, uid)
    if (found !== undefined) return found
  }
  return undefined
}

/** Fails because a daemon does not answer. */
export const unanswered = ({ isSilent, path, pid }: Found): CommandFailed =>
  isSilent ? silence(path) : new CommandFailed({ code: "unavailable", ...unreachable(path, pid) })
