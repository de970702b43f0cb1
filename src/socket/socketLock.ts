import { createHash, randomBytes } from "node:crypto"
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { tryRead } from "../machine/tryRead.ts"
import { answers, SocketRefused } from "./socketFile.ts"

/**
 * The right to serve a path: an abstract socket, which the kernel gives to one process, and takes back however that ends.
 * Any user may bind such a name, so a name alone says nothing: only one that a process of this user's holds is a lock
 * (docs/decisions/daemon-lock.md). Nothing is ever read from whoever holds it.
 */

/**
 * Every name has 107 bytes, as many as fit: Node 20 would fill a shorter one with zeros, so that other versions would not
 * meet it; and no name has room for a whole line of the kernel's table.
 */
const SUFFIX = 32
const baseOf = (path: string, uid: number): string => {
  const prefix = "automatelinux-ports:"
  const digest = createHash("sha256").update(`${uid}:${path}`).digest("hex")
  return `${prefix}${digest.slice(0, 107 - prefix.length - 1 - SUFFIX)}:`
}
const USUAL = "0".repeat(SUFFIX)

const PIECE = Buffer.alloc(65_536)

/** The inodes of the sockets that listen on a name that begins with `base`, apart from `suffix`. */
const inodesOf = (base: string, suffix?: string): ReadonlySet<string> => {
  const line = new RegExp(`^[0-9a-f]+: [0-9A-F]{8} [0-9A-F]{8} 00010000 0001 01 +(\\d+) @${base}([0-9a-f]{${SUFFIX}})$`)
  const found = new Set<string>()
  // Piece by piece: other users may make the table as long as they like.
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
 * A process of `uid` that has one of the sockets open. All its user ids must be that one: a program with the set-user-id
 * bit has the rights of its owner, and sockets that its caller gave it.
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
 * The process of `uid` that has the right to serve `path`, if any. The table's lines of paths would not tell: another user
 * may bind the same path elsewhere, or name a socket so that it looks like such a line.
 */
export const holderOf = (path: string, uid: number): number | undefined =>
  holderAmong(
    tryRead(() => inodesOf(baseOf(path, uid)), new Set<string>()),
    uid
  )

/** The daemon that serves the socket at `path`, if that can be told. */
export const serverOf = (path: string): number | undefined => {
  const owner = tryRead(() => lstatSync(path).uid, undefined)
  return owner === undefined ? undefined : holderOf(path, owner)
}

/** Says that the daemon `pid` runs and cannot be reached at `path`, and what to do. */
export const unreachable = (path: string, pid: number): { readonly message: string; readonly hint: string } => ({
  message: `a daemon runs, pid ${pid}, and does not answer at ${path}`,
  hint: "it makes its socket again within 5 seconds; if it does not, d doctor --check daemon-running shows the way out"
})

/** How long a daemon that is starting may have the lock and no socket yet. */
const STARTING_MS = 2000
const POLL_MS = 50

const answersSoon = async (path: string): Promise<boolean> => {
  const end = performance.now() + STARTING_MS
  while (!(await answers(path))) {
    if (performance.now() >= end) return false
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
  return true
}

/** Why a second daemon may not serve `path`, which the daemon `pid` has the lock of. It may not be reachable there. */
const heldBy = async (path: string, pid: number): Promise<SocketRefused> => {
  if (await answersSoon(path))
    return new SocketRefused(`a daemon serves ${path} already, pid ${pid}`, "d status tells more")
  const { hint, message } = unreachable(path, pid)
  return new SocketRefused(message, hint)
}

/** Binds a name; `undefined` if it is bound already. */
const bind = (name: string): Promise<Server | undefined> =>
  new Promise((done, fail) => {
    // Any user may connect, and gets neither a word nor a descriptor of ours.
    const server = createServer((socket) => socket.destroy())
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") done(undefined)
      else fail(error)
    })
    server.listen(`\0${name}`, () => {
      // Without a descriptor left, there is no one to tell.
      server.on("error", () => {})
      done(server.unref())
    })
  })

/**
 * Takes the right to serve `path`, for life. Only Linux has such names; elsewhere dialling must do.
 *
 * If the usual name is another user's, one that cannot be guessed is bound. Of two processes that do so at the same moment,
 * each may see the other, and then neither gets the lock; both never do.
 */
export const lock = async (path: string, uid: number): Promise<Server | undefined> => {
  if (process.platform !== "linux") return undefined
  const base = baseOf(path, uid)
  const random = randomBytes(SUFFIX / 2).toString("hex")
  for (const suffix of [USUAL, random]) {
    const server = await bind(base + suffix)
    const others = tryRead(() => inodesOf(base, server && suffix), new Set<string>())
    const holder = holderAmong(others, uid)
    if (holder !== undefined) {
      server?.close()
      throw await heldBy(path, holder)
    }
    if (server !== undefined) return server
  }
  return undefined
}
