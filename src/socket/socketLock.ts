import { createHash, randomBytes } from "node:crypto"
import { lstatSync, readFileSync } from "node:fs"
import type { Server } from "node:net"
import {
  baseOf,
  bind,
  holderAmong,
  holderOfBase,
  inodesOf,
  isHolder,
  RANDOM_BYTES,
  USUAL
} from "../machine/abstractSocket.ts"
import { pause } from "../machine/pause.ts"
import { tryRead } from "../machine/tryRead.ts"
import { answers, SocketRefused } from "./socketFile.ts"

/** The lock for serving a path: an abstract socket. */

const baseFor = (path: string, uid: number): string =>
  baseOf(createHash("sha256").update(`${uid}:${path}`).digest("hex"))

/**
 * Returns the process of `uid` that holds the lock for `path`, if any. The paths in the kernel's table would not do:
 * another user may bind the same path elsewhere, or name a socket so that it looks like a line with that path.
 */
export const holderOf = (path: string, uid: number): number | undefined => holderOfBase(baseFor(path, uid), uid)

/** Whether the process `pid` of `uid` holds the lock for `path`, perhaps in another network namespace, as that of a container. */
export const holdsLock = (path: string, uid: number, pid: number): boolean => isHolder(baseFor(path, uid), uid, pid)

/** Returns the pid of the daemon that serves the socket at `path`, if it can be identified. */
export const serverPidOf = (path: string): number | undefined => {
  const owner = tryRead(() => lstatSync(path).uid, undefined)
  return owner === undefined ? undefined : holderOf(path, owner)
}

/** The error if the daemon `pid` is running but cannot be reached at `path`. */
export const unreachable = (path: string, pid: number): { readonly message: string; readonly hint: string } => ({
  message: `a daemon is running, pid ${pid}, but does not answer at ${path}`,
  hint: "it makes its socket again within 5 seconds; if it does not, d doctor --check daemon-running says what to do"
})

/** Describes a daemon, or another program, that accepts connections at `path` and does not reply. */
export const silent = (path: string): { readonly message: string; readonly hint: string } => {
  const pid = serverPidOf(path)
  const hint = "d doctor --check daemon-running says what to do"
  if (pid === undefined) return { message: `the program at ${path} does not answer`, hint }
  const isStopped = /^State:\tT/m.test(tryRead(() => readFileSync(`/proc/${pid}/status`, "latin1"), ""))
  return isStopped
    ? { message: `the daemon at ${path}, pid ${pid}, does not answer: it is stopped`, hint: `kill -CONT ${pid}` }
    : { message: `the daemon at ${path}, pid ${pid}, does not answer`, hint }
}

/** How long a daemon that is starting may hold the lock without having its socket yet. */
const STARTING_MS = 2000
const POLL_MS = 50

/**
 * Waits until the daemon that holds the lock answers at `path`, as one that is starting soon does, and returns why a
 * second one may not serve it; `undefined` if the first ends meanwhile. `end` is a time of `performance.now()`.
 */
const heldBy = async (path: string, uid: number, end: number): Promise<SocketRefused | undefined> => {
  while (true) {
    const isAnswering = await answers(path)
    const pid = holderOf(path, uid)
    if (pid === undefined) return undefined
    if (isAnswering) return new SocketRefused(`a daemon already serves ${path}, pid ${pid}`, "d status shows more")
    if (performance.now() >= end) {
      const { hint, message } = unreachable(path, pid)
      return new SocketRefused(message, hint)
    }
    await pause(POLL_MS)
  }
}

/**
 * Takes the lock for `path`, for the lifetime of this process. Only Linux has abstract sockets; other systems rely on
 * dialling the socket.
 *
 * If another user has bound the usual name, binds a random one. Two processes that do so at the same moment may each
 * see the other, and then both try again; they never both get it.
 */
export const lock = async (
  path: string,
  uid: number,
  end = performance.now() + STARTING_MS
): Promise<Server | undefined> => {
  if (process.platform !== "linux") return undefined
  const base = baseFor(path, uid)
  const random = randomBytes(RANDOM_BYTES).toString("hex")
  for (const suffix of [USUAL, random]) {
    const server = await bind(base + suffix)
    const others = tryRead(() => inodesOf(base, server && suffix), new Set<string>())
    if (holderAmong(others, uid) !== undefined) {
      server?.close()
      const refused = await heldBy(path, uid, end)
      if (refused !== undefined) throw refused
      // Two that have just seen each other try again at different times.
      await pause(Math.random() * POLL_MS)
      return lock(path, uid, end)
    }
    if (server !== undefined) return server
  }
  return undefined
}
