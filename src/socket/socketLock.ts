import { createHash, randomBytes } from "node:crypto"
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { tryRead } from "../machine/tryRead.ts"
import { answers, SocketRefused } from "./socketFile.ts"

/**
 * The lock for serving a path: an abstract socket, whose name the kernel gives to one process, and releases however
 * that process ends. Any user may bind such a name, so a name alone proves nothing: it is a lock only if a process of
 * this user holds it (docs/decisions/daemon-lock.md). Nothing is ever read from the holder.
 */

/**
 * Every name has 107 bytes, the maximum: Node 20 pads a shorter one with zeros, so that other versions would bind a
 * different name. A name also has no room for a forged line of the kernel's table.
 */
const SUFFIX = 32
const baseOf = (path: string, uid: number): string => {
  const prefix = "automatelinux-ports:"
  const digest = createHash("sha256").update(`${uid}:${path}`).digest("hex")
  return `${prefix}${digest.slice(0, 107 - prefix.length - 1 - SUFFIX)}:`
}
const USUAL = "0".repeat(SUFFIX)

const PIECE = Buffer.alloc(65_536)

/** Returns the inodes of the sockets that listen on a name of `base` and any suffix, except for `suffix`. */
const inodesOf = (base: string, suffix?: string): ReadonlySet<string> => {
  const line = new RegExp(`^[0-9a-f]+: [0-9A-F]{8} [0-9A-F]{8} 00010000 0001 01 +(\\d+) @${base}([0-9a-f]{${SUFFIX}})$`)
  const found = new Set<string>()
  // Read in pieces: other users can make the table arbitrarily long.
  const table = openSync("/proc/net/unix", "r")
  try {
    let rest = ""
    for (let length = readSync(table, PIECE); length > 0; length = readSync(table, PIECE)) {
      const lines = (rest + PIECE.toString("latin1", 0, length)).split("\n")
      rest = lines.pop() ?? ""
      for (const each of lines) {
        const [, inode, other] = line.exec(each) ?? []
        if (inode !== undefined && other !== suffix) found.add(inode)
      }
    }
  } finally {
    closeSync(table)
  }
  return found
}

/**
 * Returns a process of `uid` that has one of the sockets open. All its user ids must be `uid`: a set-user-ID program
 * has the rights of its owner, and sockets that its caller passed to it.
 */
const holderAmong = (inodes: ReadonlySet<string>, uid: number): number | undefined => {
  if (inodes.size === 0) return undefined
  const ids = new RegExp(`^Uid:(\\t${uid}){4}$`, "m")
  const pid = tryRead(() => readdirSync("/proc"), []).find(
    (name) =>
      /^\d+$/.test(name) &&
      ids.test(tryRead(() => readFileSync(`/proc/${name}/status`, "latin1"), "")) &&
      tryRead(() => readdirSync(`/proc/${name}/fd`), []).some((descriptor) => {
        const link = tryRead(() => readlinkSync(`/proc/${name}/fd/${descriptor}`), "")
        return inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? "")
      })
  )
  return pid === undefined ? undefined : Number(pid)
}

/**
 * Returns the process of `uid` that holds the lock for `path`, if any. The paths in the kernel's table would not do:
 * another user may bind the same path elsewhere, or name a socket so that it looks like a line with that path.
 */
export const holderOf = (path: string, uid: number): number | undefined =>
  holderAmong(
    tryRead(() => inodesOf(baseOf(path, uid)), new Set<string>()),
    uid
  )

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
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
}

/** Binds an abstract name; `undefined` if it is already bound. */
const bind = (name: string): Promise<Server | undefined> =>
  new Promise((done, fail) => {
    // Any user may connect: close at once, so that connections neither get data nor use up our descriptors.
    const server = createServer((socket) => socket.destroy())
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") done(undefined)
      else fail(error)
    })
    server.listen(`\0${name}`, () => {
      // Ignore failures to accept, as without a free descriptor: no client expects a reply here.
      server.on("error", () => {})
      done(server.unref())
    })
  })

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
  const base = baseOf(path, uid)
  const random = randomBytes(SUFFIX / 2).toString("hex")
  for (const suffix of [USUAL, random]) {
    const server = await bind(base + suffix)
    const others = tryRead(() => inodesOf(base, server && suffix), new Set<string>())
    if (holderAmong(others, uid) !== undefined) {
      server?.close()
      const refused = await heldBy(path, uid, end)
      if (refused !== undefined) throw refused
      // Two that have just seen each other try again at different times.
      await new Promise((done) => setTimeout(done, Math.random() * POLL_MS))
      return lock(path, uid, end)
    }
    if (server !== undefined) return server
  }
  return undefined
}
