import { connect, Socket } from "node:net"
import type { Pool } from "mysql2"
import type { Mysql } from "../../config/databaseUrl.ts"
import { readPassword } from "../../config/passwordFile.ts"

type Servers = Mysql["servers"]

/**
 * The argument of mysql2's `stream` option: the host whose certificate is expected, the path of a socket, and the
 * connection's pool.
 */
interface Opening {
  readonly config: { host?: string; port?: number; socketPath?: string; password?: string; readonly pool: Pool }
}

/** How many connections have to be closed without a word, because one may break by chance. */
const MUTE_MIN = 3

/**
 * Opens connections to a server, or to the nodes of a cluster. All go to the current one; after a failure, the next one
 * becomes current. `session` is run on each connection before it is used. `silence` is how long a connection may be
 * silent, in milliseconds: the only limit that also works if the server is stopped in the middle of a statement.
 * `passwordFile` is read for each connection, so that a password can be changed without a restart. `serverName` is the name in
 * the server's certificate, if that is not its host.
 */
export const makeFailover = (
  servers: Servers,
  silence: number,
  session: string,
  {
    passwordFile,
    serverName
  }: { readonly passwordFile?: string | undefined; readonly serverName?: string | undefined } = {}
) => {
  let current = 0
  let ended = 0
  /** The server's error in response to the last `session`, if it failed. */
  let refusal: unknown
  /** How many connections in a row were closed before anything came, until the first one that was not. */
  let mute: number | undefined = 0
  const connected = new Set<Socket>()
  /** Whether a connection is in use, by its config. No entry while it is being opened. */
  const used = new WeakMap<object, boolean>()

  const watch = (pool: Pool) => {
    if (pool.listenerCount("acquire") > 0) return
    // Runs before any other use of the connection, and after the server's own init_connect.
    pool.on("connection", (connection) =>
      connection.query(session, (error) => {
        refusal = error ?? undefined
        if (refusal !== undefined) connection.destroy()
      })
    )
    pool.on("acquire", ({ config }) => used.set(config, true))
    pool.on("release", ({ config }) => used.set(config, false))
  }

  /** Marks the error of a connection that the other side closes before it sends anything. */
  const markMute = (socket: Socket) => {
    socket.once("data", () => {
      mute = undefined
    })
    const mark = <E extends Error>(error: E): E & { readonly beforeGreeting: true } => {
      if (mute !== undefined) mute++
      return Object.assign(error, { beforeGreeting: true as const })
    }
    socket.once("end", () => {
      if (socket.bytesRead === 0) socket.destroy(mark(new Error("closed before anything came")))
    })
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (socket.bytesRead === 0 && error.code === "ECONNRESET") mark(error)
    })
  }

  /** Moves to the next server, and closes all connections to this one. */
  const next = () => {
    current++
    for (const socket of connected) socket.destroy()
    connected.clear()
  }

  return {
    /**
     * Connects to the current server. Moves to the next one if a connection breaks while it is in use, or while it is
     * being opened and the server has sent nothing or fell silent. A server that sends something and then closes the
     * connection is up: it may have too many connections.
     */
    open: ({ config }: Opening): Socket => {
      watch(config.pool)
      if (passwordFile !== undefined) {
        const password = readPassword(passwordFile)
        if (typeof password !== "string") return new Socket().destroy(password)
        config.password = password
      }
      const mine = current
      const server = servers[mine % servers.length]
      if (server === undefined) throw new Error("no server is configured")
      const socket = "socket" in server ? connect(server.socket) : connect(server)
      // To a socket, mysql2 sends a password as it is, which is all that MySQL's caching_sha2_password accepts there.
      Object.assign(
        config,
        "socket" in server ? { socketPath: server.socket } : { host: server.host, port: server.port }
      )
      if (serverName !== undefined) config.host = serverName
      let silent = false
      markMute(socket)
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
    /** Moves to the next server if a connection to the current one is open, so that several failures move only once. */
    leave: (): void => {
      if (connected.size > 0) next()
    },
    /** Returns the error for which the last connection was closed before it was used, if it was. */
    refusal: (): unknown => refusal,
    /** Whether nothing has ever come from the server, although it takes connections: not just a lost one. */
    isMute: (): boolean => mute !== undefined && mute >= MUTE_MIN,
    /** Returns how many connections have closed so far. */
    ended: (): number => ended
  }
}
