import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { tryRead } from "./tryRead.ts"

/**
 * Abstract sockets as locks: the kernel gives a name to one process, and releases it however that process ends. Any user
 * may bind such a name, so a name alone proves nothing: it is a lock only if a process of this user holds it
 * (docs/decisions/daemon-lock.md). Nothing is ever read from the holder. Only Linux has them.
 */

/**
 * Every name has 107 bytes, the maximum: Node 20 pads a shorter one with zeros, so that other versions would bind a
 * different name. A name also has no room for a forged line of the kernel's table.
 */
const NAME = 107
const SUFFIX = 32

/** The ending of a name, unless a stranger has that name. Another one is as many random bytes, in hexadecimal. */
export const USUAL = "0".repeat(SUFFIX)
export const RANDOM_BYTES = SUFFIX / 2

/** Returns the beginning of the names of a lock: as much of `what` as fits, which has only letters, digits, colons and hyphens. */
export const baseOf = (what: string): string => {
  const length = NAME - SUFFIX - ":".length
  return `${`automatelinux-ports:${what}`.slice(0, length).padEnd(length, "-")}:`
}

const PIECE = Buffer.alloc(65_536)

/** The sockets of this network namespace; `/proc/PID/net/unix` has those of a process's. */
const TABLE = "/proc/net/unix"

/** Returns the inodes of the sockets that listen on a name of `base` and any suffix, except for `suffix`. */
export const inodesOf = (base: string, suffix?: string, file = TABLE): ReadonlySet<string> => {
  const line = new RegExp(`^[0-9a-f]+: [0-9A-F]{8} [0-9A-F]{8} 00010000 0001 01 +(\\d+) @${base}([0-9a-f]{${SUFFIX}})$`)
  const found = new Set<string>()
  // Read in pieces: other users can make the table arbitrarily long.
  const table = openSync(file, "r")
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
 * Returns a process of `uid` that has one of the sockets open, of the pids `among` if they are given. All its user ids must
 * be `uid`: a set-user-ID program has the rights of its owner, and sockets that its caller passed to it.
 */
export const holderAmong = (
  inodes: ReadonlySet<string>,
  uid: number,
  among?: ReadonlyArray<string>
): number | undefined => {
  if (inodes.size === 0) return undefined
  const ids = new RegExp(`^Uid:(\\t${uid}){4}$`, "m")
  const pid = (among ?? tryRead(() => readdirSync("/proc"), [])).find(
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

/** Returns the process of `uid` that has bound a name of `base`, if any. */
export const holderOfBase = (base: string, uid: number): number | undefined =>
  holderAmong(
    tryRead(() => inodesOf(base), new Set<string>()),
    uid
  )

/** Whether the process `pid` of `uid` has bound a name of `base`, perhaps in another network namespace. */
export const isHolder = (base: string, uid: number, pid: number): boolean => {
  const inodes = tryRead(() => inodesOf(base, undefined, `/proc/${pid}/net/unix`), new Set<string>())
  return holderAmong(inodes, uid, [String(pid)]) !== undefined
}

/** Binds an abstract name; `undefined` if it is already bound. */
export const bind = (name: string): Promise<Server | undefined> =>
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
