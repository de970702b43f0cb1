import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { CannotTry } from "../domain/errors.ts"
import type { Listener, Process } from "../domain/Listener.ts"
import { readEphemeral } from "./ephemeralPorts.ts"
import { owned } from "./owned.ts"
import { processOf } from "./processes.ts"
import { readSockets, type Socket } from "./procNetTcp.ts"

const sockets = (): ReadonlyArray<Socket> => readSockets() ?? []

const where = (isWanted: (port: number) => boolean): Effect.Effect<ReadonlyArray<Listener>> =>
  Effect.promise(() => owned(sockets().filter(({ port }) => isWanted(port))))

const shortDelay = Effect.flatMap(Random.nextIntBetween(20, 51), (milliseconds) => Effect.sleep(milliseconds))

/**
 * Returns those of `ports` on which the same socket is still listening 20 to 50 ms later. Another process's bind test,
 * for another registry or through another node of the database cluster, looks like a listener while it lasts.
 */
const still = Effect.fn("Listeners.still")(function* (ports: ReadonlyArray<number>) {
  const before = new Set(sockets().map(({ inode }) => inode))
  yield* shortDelay
  const stayed = new Set(sockets().flatMap(({ inode, port }) => (before.has(inode) ? port : [])))
  return new Set(ports.filter((port) => stayed.has(port)))
})

const answers = (port: number, limitMs = 1000): Effect.Effect<boolean | undefined> =>
  Effect.map(
    Effect.all(
      LOOPBACK.map((host) => connects(host, port, limitMs)),
      { concurrency: "unbounded" }
    ),
    (found) => {
      const known = found.filter((answer) => answer !== "forbidden")
      if (known.includes(true)) return true
      return known.length === 0 || known.includes(undefined) ? undefined : false
    }
  )

let prepared: Promise<void> | undefined

/**
 * Returns whether something has bound `port`, on any address, by binding it for a moment.
 *
 * Another process's bind test makes the port look busy. So a failed bind is retried, at most 5 times, until a socket is
 * found that keeps listening on the port. If the last retry fails too, the port counts as bound.
 */
const isBound = Effect.fn("Listeners.isBound")(function* (port: number) {
  for (let attempt = 0; yield* bindFails(port); attempt++) {
    if (attempt === 5 || (yield* still([port])).has(port)) return true
  }
  return false
})

/** The listeners on this host and their processes, and bind tests of ports. */
export class Listeners extends Effect.Service<Listeners>()("Listeners", {
  succeed: {
    /**
     * Port → the identity of the sockets that listen on it, which changes when other sockets do. Reads the kernel's
     * tables once; `undefined` if there are none.
     */
    ports: Effect.sync((): ReadonlyMap<number, string> | undefined => {
      const found = readSockets()
      if (found === undefined) return undefined
      const identities = new Map<number, string>()
      for (const { inode, port } of found) identities.set(port, `${identities.get(port) ?? ""} ${inode}`)
      return identities
    }),

    /** Whether the kernel's tables can be read. Without them no listener is known. */
    visible: Effect.sync(() => readSockets() !== undefined),

    /** All listeners on this host. */
    all: Effect.promise(() => owned(sockets())),

    /** The ports that the kernel uses for outgoing connections. */
    ephemeral: Effect.sync(readEphemeral),

    /** Describes the process `pid`, as far as this user may inspect it. */
    process: (pid: number): Effect.Effect<Process> => Effect.sync(() => processOf(pid, new Set())),

    /**
     * Returns whether `port` on this host accepts connections, by connecting; `undefined` if that does not show it within
     * `limitMs` milliseconds.
     */
    answers,

    /** Returns the listeners on the ports of which `isWanted` holds, one per address. */
    where,

    /** Returns the listeners on `ports`, one per address. */
    on: (ports: ReadonlySet<number>): Effect.Effect<ReadonlyArray<Listener>> =>
      ports.size === 0 ? Effect.succeed([]) : where((port) => ports.has(port)),

    still,

    /**
     * Binds an arbitrary port, once per process: Node takes 10 ms to load and compile its code for the first bind,
     * which should not happen while others wait for the database lock.
     */
    prepare: Effect.promise(() => {
      prepared ??= isFree(0, ALL_ADDRESSES).then(
        () => {},
        () => {}
      )
      return prepared
    }),

    isBound,

    /** Likewise, but if this process may not bind the port, by what listens; `undefined` if nothing does. */
    inUse: (port: number): Effect.Effect<boolean | undefined> =>
      Effect.catchTag(isBound(port), "CannotTry", () =>
        Effect.sync(() => sockets().some((socket) => socket.port === port) || undefined)
      )
  }
}) {}

/**
 * Bind test with `get-port`, which returns another port if the requested one is busy. For a while it also refuses ports
 * that it returned before, hence `clearLockedPorts`.
 *
 * It is loaded on demand because it loads `node:net`, a tenth of the startup time of a process that only reads.
 */
const isFree = async (port: number, host?: string): Promise<boolean> => {
  const { default: getPort, clearLockedPorts } = await import("get-port")
  clearLockedPorts()
  return (await getPort(host === undefined ? { port } : { port, host })) === port
}

/**
 * Linux refuses to bind a port on all addresses while a socket listens on one of them, so one bind test covers all.
 * On other systems each address is tested.
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
 * Bind test without `get-port`, which fails if it may not create IPv6 sockets or list the addresses, for example in a
 * service's sandbox. Other processes may still use IPv6, so the kernel's tables are checked too.
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

/** Both, because a server on `localhost` may listen on only one of them. */
const LOOPBACK = ["127.0.0.1", "::1"]

/** Accepted, refused, `forbidden` if this process may not connect, or `undefined` after a timeout or another error. */
type Answer = boolean | "forbidden" | undefined

const connects = (host: string, port: number, limitMs: number): Effect.Effect<Answer> =>
  Effect.flatMap(
    Effect.promise(() => import("node:net")),
    ({ connect }) =>
      Effect.async<Answer>((resume) => {
        const socket = connect({ host, port })
        const answer = (value: Answer) => {
          socket.destroy()
          resume(Effect.succeed(value))
        }
        // If this process was busy for that long, the answer may be there already.
        socket.setTimeout(limitMs, () => setImmediate(() => answer(undefined)))
        socket.once("connect", () => answer(true))
        // On a host without IPv6, nothing can be listening there.
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
