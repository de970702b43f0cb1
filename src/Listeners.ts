import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import getPort, { clearLockedPorts } from "get-port"
import { CannotTry } from "./domain/errors.ts"
import type { Listener } from "./domain/Listener.ts"

interface Socket {
  readonly port: number
  readonly address: string
  readonly uid: number
  readonly inode: string
}

const LISTEN = "0A"

/** The kernel writes an address as words in the machine's own byte order, which is little-endian on all we run on. */
const address = (hex: string): string => {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".")
  const groups = bytes.flatMap((byte, at) =>
    at % 2 === 0 ? [Number.parseInt(byte + bytes[at + 1], 16).toString(16)] : []
  )
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1)
}

/** The listening sockets in the text of /proc/net/tcp or tcp6 (proc_net_tcp(5) of the kernel's documentation). */
export const parseSocketTable = (text: string): ReadonlyArray<Socket> =>
  text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state, , , , uid, , inode = ""] = line.trim().split(/\s+/)
      if (state !== LISTEN) return []
      const [host = "", port = ""] = local.split(":")
      return [{ port: Number.parseInt(port, 16), address: address(host), uid: Number(uid), inode }]
    })

const readOr = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

/** Empty where there is no such table: not Linux, or no IPv6. */
const sockets = (): ReadonlyArray<Socket> =>
  ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => parseSocketTable(readOr(() => readFileSync(path, "utf8"), "")))

/** Inode of a socket → the pid that has it open, for the processes that this user may look into. */
const ownersOf = (inodes: ReadonlySet<string>): Map<string, number> => {
  const owners = new Map<string, number>()
  for (const pid of readOr(() => readdirSync("/proc"), [])) {
    if (owners.size === inodes.size) break
    if (!/^\d+$/.test(pid)) continue
    for (const descriptor of readOr(() => readdirSync(`/proc/${pid}/fd`), [])) {
      const inode = /^socket:\[(\d+)\]$/.exec(readOr(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`), ""))?.[1]
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) owners.set(inode, Number(pid))
    }
  }
  return owners
}

/** What a process calls itself: the name of its program, without path and arguments. */
const commandOf = (pid: number): string | null => {
  const program = readOr(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"), "").split("\0")[0] ?? ""
  const name = program === "" ? readOr(() => readFileSync(`/proc/${pid}/comm`, "utf8"), "").trim() : basename(program)
  return name === "" ? null : name
}

/** Login names by uid. */
const users = (): ReadonlyMap<number, string> =>
  new Map(
    readOr(() => readFileSync("/etc/passwd", "utf8"), "")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , uid]): [number, string] => [Number(uid), name])
  )

const withOwners = (found: ReadonlyArray<Socket>): ReadonlyArray<Listener> => {
  if (found.length === 0) return []
  const owners = ownersOf(new Set(found.map((socket) => socket.inode)))
  const names = users()
  return found.map(({ inode, uid, ...socket }) => {
    const pid = owners.get(inode) ?? null
    return {
      ...socket,
      user: names.get(uid) ?? `uid ${uid}`,
      pid,
      command: pid === null ? null : commandOf(pid),
      directory: pid === null ? null : readOr(() => readlinkSync(`/proc/${pid}/cwd`), null)
    }
  })
}

/** Who listens on this host, and which process that is. */
export class Listeners extends Effect.Service<Listeners>()("Listeners", {
  succeed: {
    /** The ports something listens on, by one reading of the kernel's tables. */
    ports: Effect.sync((): ReadonlySet<number> => new Set(sockets().map((socket) => socket.port))),

    /** The listeners on `ports`, one for each address. */
    on: (ports: ReadonlySet<number>): Effect.Effect<ReadonlyArray<Listener>> =>
      Effect.sync(() => withOwners(sockets().filter((socket) => ports.has(socket.port)))),

    /**
     * Whether something has bound `port`, on any address, found out by binding it for a moment.
     *
     * Others who try the same port at that moment make it look busy. So a busy answer that the kernel's table does not
     * confirm is asked again, up to 5 times, 20 to 50 ms apart; if it stays, it is believed.
     */
    isBound: Effect.fn("Listeners.isBound")(function* (port: number) {
      for (let attempt = 0; ; attempt++) {
        if (yield* bindFails(port)) {
          if (attempt === 5 || sockets().some((socket) => socket.port === port)) return true
          yield* Effect.sleep(yield* Random.nextIntBetween(20, 51))
        } else return false
      }
    })
  }
}) {}

/** `get-port` answers another port where the wished one is busy, and for a while refuses what it answered before. */
const bindFails = (port: number): Effect.Effect<boolean, CannotTry> =>
  Effect.tryPromise({
    try: async () => {
      clearLockedPorts()
      return (await getPort({ port })) !== port
    },
    catch: (cause) => new CannotTry({ port, code: (cause as NodeJS.ErrnoException).code ?? String(cause) })
  })
