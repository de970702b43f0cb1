import { connect, type Socket } from "node:net"
import type { Pool } from "mysql2"
import type { Mysql } from "../../config/databaseUrl.ts"

type Servers = Mysql["servers"]

/** A connection of the driver's, as the driver tells whoever opens it: whose certificate it expects, and its pool. */
interface Opening {
  readonly config: { host?: string; port?: number; readonly pool: Pool }
}

/**
 * The connections to a server, or to the nodes of a cluster. All go to the current one; after a loss the next one is
 * that. `session` is said on each before it is used. `silence` is how long a connection may be silent, in milliseconds: the only limit that also holds where the
 * server is stopped in the middle of a statement.
 */
export const makeFailover = (servers: Servers, silence: number, session: string) => {
  let current = 0
  let ended = 0
  /** What the server said to the last `session`, if it refused it. */
  let refusal: unknown
  const connected = new Set<Socket>()
  /** Whether somebody uses the connection at the moment; nothing as long as it is being opened. */
  const used = new WeakMap<object, boolean>()

  const watch = (pool: Pool) => {
    if (pool.listenerCount("acquire") > 0) return
    // Before anything that the connection is used for, and after the server's own init_connect.
    pool.on("connection", (connection) =>
      connection.query(session, (error) => {
        refusal = error ?? undefined
        if (refusal !== undefined) connection.destroy()
      })
    )
    pool.on("acquire", ({ config }) => used.set(config, true))
    pool.on("release", ({ config }) => used.set(config, false))
  }

  /** Goes on with the next server, and ends what is connected to this one. */
  const next = () => {
    current++
    for (const socket of connected) socket.destroy()
    connected.clear()
  }

  return {
    /**
     * Connects to the current server. A connection that breaks while it is used hands over to the next, and so does one
     * on which the server said nothing; a server that says something and ends it is there, and has too many perhaps.
     */
    open: ({ config }: Opening): Socket => {
      watch(config.pool)
      const mine = current
      const server = servers[mine % servers.length]
      if (server === undefined) throw new Error("no server is configured")
      const socket = "socket" in server ? connect(server.socket) : connect(server)
      if ("host" in server) Object.assign(config, { host: server.host, port: server.port })
      let silent = false
      socket.setNoDelay(true)
      socket.once("connect", () => {
        if (current === mine) connected.add(socket)
        else socket.destroy()
      })
      socket.once("close", () => {
        connected.delete(socket)
        ended++
        const inUse = used.get(config) ?? (silent || socket.bytesRead === 0)
        if (servers.length > 1 && current === mine && inUse) next()
      })
      socket.setTimeout(silence, () => {
        silent = true
        socket.destroy(Object.assign(new Error("silent for too long"), { code: "ETIMEDOUT" }))
      })
      return socket
    },
    /** Leaves the current server, unless that was done since anything was connected. */
    leave: (): void => {
      if (connected.size > 0) next()
    },
    /** Why a connection was ended before it was used, if the last one was. */
    refusal: (): unknown => refusal,
    /** How many connections have ended so far. */
    ended: (): number => ended
  }
}
