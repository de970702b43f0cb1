import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { connect } from "node:net"
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
  readonly queue: number
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
      const [, local = "", , state, queues = "", , , uid, , inode = ""] = line.trim().split(/\s+/)
      if (state !== LISTEN) return []
      const queue = Number.parseInt(queues.split(":")[1] ?? "0", 16)
      const [host = "", port = ""] = local.split(":")
      return [{ port: Number.parseInt(port, 16), address: address(host), uid: Number(uid), inode, queue }]
    })

const readOr = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"]

/** `undefined` where there is no such table: not Linux. */
const readSockets = (): ReadonlyArray<Socket> | undefined => {
  const texts = TABLES.map((path) => readOr(() => readFileSync(path, "utf8"), undefined)).filter(
    (text) => text !== undefined
  )
  return texts.length === 0 ? undefined : texts.flatMap(parseSocketTable)
}

const sockets = (): ReadonlyArray<Socket> => readSockets() ?? []

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

/** A process by its own words: the name of its program, and where it passes connections on to. */
const processOf = (pid: number): { readonly command: string | null; readonly container: string | null } => {
  const words = readOr(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"), "").split("\0")
  const [program = ""] = words
  const name = program === "" ? readOr(() => readFileSync(`/proc/${pid}/comm`, "utf8"), "").trim() : basename(program)
  const after = (option: string) => (words.includes(option) ? words[words.indexOf(option) + 1] : undefined)
  // docker-proxy says it this way.
  const port = after("-container-port")
  return {
    command: name === "" ? null : name,
    container: port === undefined ? null : `${after("-container-ip") ?? ""}:${port}`
  }
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
      ...(pid === null ? { command: null, container: null } : processOf(pid)),
      directory: pid === null ? null : readOr(() => readlinkSync(`/proc/${pid}/cwd`), null)
    }
  })
}

/** Who listens on this host, and which process that is. */
export class Listeners extends Effect.Service<Listeners>()("Listeners", {
  succeed: {
    /** The ports something listens on, by one reading of the kernel's tables; `undefined` where it has none. */
    ports: Effect.sync((): ReadonlySet<number> | undefined => {
      const found = readSockets()
      return found && new Set(found.map((socket) => socket.port))
    }),

    /** Whether something accepts connections to `port` on this host, by connecting; `undefined` where it is silent. */
    answers: (port: number): Effect.Effect<boolean | undefined> =>
      Effect.map(
        Effect.all(
          LOOPBACK.map((host) => connects(host, port)),
          { concurrency: "unbounded" }
        ),
        (answers) => (answers.includes(true) ? true : answers.includes(undefined) ? undefined : false)
      ),

    /** The listeners on `ports`, one for each address. */
    on: (ports: ReadonlySet<number>): Effect.Effect<ReadonlyArray<Listener>> =>
      Effect.sync(() => withOwners(sockets().filter((socket) => ports.has(socket.port)))),

    /**
     * Those of `ports` that something still listens on a moment later. Somebody else's try of a port, for another
     * registry on this machine, looks like a listener for as long as it takes.
     */
    still: Effect.fn("Listeners.still")(function* (ports: ReadonlyArray<number>) {
      yield* aMoment
      const listening = new Set(sockets().map((socket) => socket.port))
      return new Set(ports.filter((port) => listening.has(port)))
    }),

    /**
     * Whether something has bound `port`, on any address, found out by binding it for a moment.
     *
     * Others who try the same port at that moment make it look busy. So a busy answer is asked again, 20 to 50 ms
     * later, until the kernel's table confirms it, at most 5 times; if it stays, it is believed.
     */
    isBound: Effect.fn("Listeners.isBound")(function* (port: number) {
      for (let attempt = 0; yield* bindFails(port); attempt++) {
        if (attempt === 5) return true
        yield* aMoment
        if (sockets().some((socket) => socket.port === port) && (yield* bindFails(port))) return true
      }
      return false
    })
  }
}) {}

const aMoment = Effect.flatMap(Random.nextIntBetween(20, 51), (milliseconds) => Effect.sleep(milliseconds))

/** `get-port` answers another port where the wished one is busy, and for a while refuses what it answered before. */
const bindFails = (port: number): Effect.Effect<boolean, CannotTry> =>
  Effect.tryPromise({
    try: async () => {
      clearLockedPorts()
      return (await getPort({ port })) !== port
    },
    catch: (cause) => new CannotTry({ port, code: (cause as NodeJS.ErrnoException).code ?? String(cause) })
  })

/** Both, as `localhost` may be one of them alone. */
const LOOPBACK = ["127.0.0.1", "::1"]
const CONNECT_LIMIT_MS = 1000

const connects = (host: string, port: number): Effect.Effect<boolean | undefined> =>
  Effect.async<boolean | undefined>((resume) => {
    const socket = connect({ host, port })
    const answer = (value: boolean | undefined) => {
      socket.destroy()
      resume(Effect.succeed(value))
    }
    socket.setTimeout(CONNECT_LIMIT_MS, () => answer(undefined))
    socket.once("connect", () => answer(true))
    // A host without IPv6 has nothing listening there.
    socket.once("error", (error: NodeJS.ErrnoException) =>
      answer(
        ["ECONNREFUSED", "EADDRNOTAVAIL", "EAFNOSUPPORT", "ENETUNREACH"].includes(error.code ?? "") ? false : undefined
      )
    )
    return Effect.sync(() => socket.destroy())
  })
