import { lstatSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { handleConnection, type Limits, type Outcome, type Request } from "./connection.ts"

export const LIMITS: Limits = { line: 65_536, long: 33_554_432, connections: 1024, idle: 60_000 }

/** A server at a Unix socket. */
export interface Service {
  /** Whether the socket at the path is the one that was made here. */
  readonly isThere: () => boolean
  /** Makes a removed socket again. The path must be free. Connected clients stay. */
  readonly remake: () => Promise<void>
  /** Takes no more clients, answers pending requests, and ends within `timeout` milliseconds. */
  readonly stop: (timeout: number) => Promise<void>
}

/** Returns the device and inode at `path`; `undefined` if there is none or it cannot be read. */
const inodeOf = (path: string): string | undefined => {
  try {
    const { dev, ino } = lstatSync(path)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

/**
 * Listens on `path`, which must be free, or at first on `inherited`, a descriptor that listens there already. `respond` never
 * rejects. `forward` is the socket of the daemon that ours stands in front of.
 */
export const serve = async (
  path: string,
  respond: (request: Request) => Promise<Outcome>,
  version: string,
  {
    forward,
    inherited,
    ...limits
  }: Limits & { readonly forward?: string | undefined; readonly inherited?: number | undefined } = LIMITS
): Promise<Service> => {
  const spare = { bytes: limits.long }
  const clients = new Map<Socket, ReturnType<typeof handleConnection>>()
  const accept = (socket: Socket) => {
    if (clients.size >= limits.connections) {
      socket.on("error", () => socket.destroy())
      socket.end("ERROR: Too many connections\n", () => socket.destroy())
      return
    }
    clients.set(socket, handleConnection(socket, respond, version, limits, spare, forward))
    socket.once("close", () => clients.delete(socket))
  }
  let made: string | undefined
  const listen = (at: string | { readonly fd: number }) =>
    new Promise<Server>((done, fail) => {
      const server = createServer({ allowHalfOpen: true }, accept)
      server.once("error", fail)
      // With this umask only its owner can connect to the socket from the moment it exists.
      const umask = process.umask(0o177)
      server.listen(at, () => {
        server.off("error", fail)
        done(server)
      })
      process.umask(umask)
      // The inode is not reused while this process has the socket open.
      if (server.listening) made = inodeOf(path)
    })

  let server = await listen(inherited === undefined ? path : { fd: inherited })
  /** Node unlinks the path of a server that is closed, even if it is another file by then. */
  const close = () => {
    const there = inodeOf(path)
    if (there === undefined || there === made) server.close()
    else server.unref()
  }
  return {
    isThere: () => made !== undefined && inodeOf(path) === made,
    remake: async () => {
      close()
      made = undefined
      server = await listen(path)
    },
    stop: async (timeout) => {
      close()
      const gone = Promise.all([...clients.keys()].map((socket) => new Promise((done) => socket.once("close", done))))
      const force = setTimeout(() => {
        for (const socket of clients.keys()) socket.destroy()
      }, timeout)
      for (const client of clients.values()) client.finish()
      await gone
      clearTimeout(force)
    }
  }
}
