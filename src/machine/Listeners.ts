import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { CannotTry } from "../domain/errors.ts"
import type { Listener, Process } from "../domain/Listener.ts"
import { readEphemeral } from "./ephemeralPorts.ts"
import { ownersOf, processOf, readUsers } from "./processes.ts"
import { readSockets, type Socket } from "./procNetTcp.ts"

const sockets = (): ReadonlyArray<Socket> => readSockets() ?? []

const withOwners = async (found: ReadonlyArray<Socket>): Promise<ReadonlyArray<Listener>> => {
  if (found.length === 0) return []
  const owners = await ownersOf(new Set(found.map((socket) => socket.inode)))
  const { homes, names } = readUsers()
  const processes = new Map([...new Set(owners.values())].map((pid) => [pid, processOf(pid, homes)]))
  return found.map(({ inode, uid, ...socket }) => ({
    ...socket,
    user: names.get(uid) ?? `uid ${uid}`,
    process: processes.get(owners.get(inode) ?? 0) ?? null
  }))
}

const aMoment = Effect.flatMap(Random.nextIntBetween(20, 51), (milliseconds) => Effect.sleep(milliseconds))

/**
 * Those of `ports` on which one socket listens now and 20 to 50 ms later. Somebody else's try of a port, for another
 * registry or from another node of a cluster, looks like a listener for as long as it takes.
 */
const still = Effect.fn("Listeners.still")(function* (ports: ReadonlyArray<number>) {
  const before = new Set(sockets().map(({ inode }) => inode))
  yield* aMoment
  const stayed = new Set(sockets().flatMap(({ inode, port }) => (before.has(inode) ? port : [])))
  return new Set(ports.filter((port) => stayed.has(port)))
})

let prepared: Promise<void> | undefined

/** Who listens on this host, and which process that is. */
export class Listeners extends Effect.Service<Listeners>()("Listeners", {
  succeed: {
    /**
     * The ports something listens on, by one reading of the kernel's tables; `undefined` where it has none. Each has a
     * mark, which is another when another socket listens.
     */
    ports: Effect.sync((): ReadonlyMap<number, string> | undefined => {
      const found = readSockets()
      if (found === undefined) return undefined
      const marks = new Map<number, string>()
      for (const { inode, port } of found) marks.set(port, `${marks.get(port) ?? ""} ${inode}`)
      return marks
    }),

    /** Everything that listens on this host. */
    all: Effect.promise(() => withOwners(sockets())),

    /** What the kernel keeps for outgoing connections. */
    ephemeral: Effect.sync(readEphemeral),

    /** The process `pid`, as far as this user may look into it. */
    process: (pid: number): Effect.Effect<Process> => Effect.sync(() => processOf(pid, new Set())),

    /** Whether something accepts connections to `port` on this host, by connecting; `undefined` where it is silent. */
    answers: (port: number): Effect.Effect<boolean | undefined> =>
      Effect.map(
        Effect.all(
          LOOPBACK.map((host) => connects(host, port)),
          { concurrency: "unbounded" }
        ),
        (answers) => {
          const told = answers.filter((answer) => answer !== "forbidden")
          if (told.includes(true)) return true
          return told.length === 0 || told.includes(undefined) ? undefined : false
        }
      ),

    /** The listeners on `ports`, one for each address. */
    on: (ports: ReadonlySet<number>): Effect.Effect<ReadonlyArray<Listener>> =>
      ports.size === 0
        ? Effect.succeed([])
        : Effect.promise(() => withOwners(sockets().filter((socket) => ports.has(socket.port)))),

    still,

    /**
     * Binds some port, once in a process: what Node loads and compiles for that the first time, 10 ms, is not waited for by
     * everybody in the queue.
     */
    prepare: Effect.promise(() => {
      prepared ??= isFree(0, ALL_ADDRESSES).then(
        () => {},
        () => {}
      )
      return prepared
    }),

    /**
     * Whether something has bound `port`, on any address, found out by binding it for a moment.
     *
     * Others who try the same port at that moment make it look busy. So a busy answer is asked again until one socket
     * keeps the port for a moment, at most 5 times; if it stays, it is believed.
     */
    isBound: Effect.fn("Listeners.isBound")(function* (port: number) {
      for (let attempt = 0; yield* bindFails(port); attempt++) {
        if (attempt === 5 || (yield* still([port])).has(port)) return true
      }
      return false
    })
  }
}) {}

/**
 * `node:net` is loaded only when a port is tried: it is a tenth of the start of a process that only reads.
 *
 * `get-port` answers another port where the wished one is busy, and for a while refuses what it answered before.
 */
const isFree = async (port: number, host?: string): Promise<boolean> => {
  const { default: getPort, clearLockedPorts } = await import("get-port")
  clearLockedPorts()
  return (await getPort(host === undefined ? { port } : { port, host })) === port
}

/**
 * Linux lets nobody have a port on all addresses while somebody listens on one of them, so one try tells of all.
 * Elsewhere each address is tried.
 */
const ALL_ADDRESSES = process.platform === "linux" ? "::" : undefined

const bindIpv4 = async (port: number): Promise<void> => {
  const { createServer } = await import("node:net")
  return new Promise((done, fail) => {
    const server = createServer()
    server.once("error", fail)
    server.listen({ port, host: "0.0.0.0", exclusive: true }, () => server.close(() => done()))
  })
}

/**
 * The same without `get-port`, which fails if it may not make a socket for IPv6 or may not list the addresses, as in the
 * sandbox of a service. Others may use IPv6 all the same: the kernel's tables show them.
 */
const isFreeOnIpv4 = async (port: number): Promise<boolean> => {
  try {
    await bindIpv4(port)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EADDRINUSE") return false
    throw cause
  }
  return !sockets().some((socket) => socket.port === port)
}

const bindFails = (port: number): Effect.Effect<boolean, CannotTry> =>
  Effect.tryPromise({
    try: async () => !(await isFree(port, ALL_ADDRESSES).catch(() => isFreeOnIpv4(port))),
    catch: (cause) => new CannotTry({ port, code: (cause as NodeJS.ErrnoException).code ?? String(cause) })
  })

/** Both, as `localhost` may be one of them alone. */
const LOOPBACK = ["127.0.0.1", "::1"]
const CONNECT_LIMIT_MS = 1000

/** What connecting to an address comes to: nothing if it is silent, and `forbidden` if this process may not connect. */
type Answer = boolean | "forbidden" | undefined

const connects = (host: string, port: number): Effect.Effect<Answer> =>
  Effect.flatMap(
    Effect.promise(() => import("node:net")),
    ({ connect }) =>
      Effect.async<Answer>((resume) => {
        const socket = connect({ host, port })
        const answer = (value: Answer) => {
          socket.destroy()
          resume(Effect.succeed(value))
        }
        socket.setTimeout(CONNECT_LIMIT_MS, () => answer(undefined))
        socket.once("connect", () => answer(true))
        // A host without IPv6 has nothing listening there.
        socket.once("error", (error: NodeJS.ErrnoException) =>
          answer(
            ["ECONNREFUSED", "EADDRNOTAVAIL", "EAFNOSUPPORT", "ENETUNREACH"].includes(error.code ?? "")
              ? false
              : ["EACCES", "EPERM"].includes(error.code ?? "")
                ? "forbidden"
                : undefined
          )
        )
        return Effect.sync(() => socket.destroy())
      })
  )
