import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http"
import type { Ask } from "./failure.ts"
import { lineProblem, strangerProblem } from "./guard.ts"
import { makeApiHandler } from "./handler.ts"
import { plainKey, plainPort } from "./plain.ts"
import { errorBody, HEADERS, send } from "./respond.ts"

/** What one client may take, and all of them. Times are in milliseconds. */
export const LIMITS = {
  /** Bytes of the line and the headers of a request. */
  headers: 8192,
  /** For the headers, from the first byte or the connection on. */
  headersTime: 5000,
  requestTime: 10_000,
  /** Without a byte in either direction. */
  idle: 30_000,
  keepAlive: 5000,
  /** Of one address; more are closed at once. */
  connections: 128
}

export type Limits = typeof LIMITS

/** What the daemon gives to its HTTP server. */
export interface Given {
  readonly ask: Ask
  readonly port: number
  readonly limits?: Limits
}

export interface HttpService {
  readonly port: number
  /** Takes no more clients and ends the connections within `timeout` milliseconds. */
  readonly close: (timeout: number) => Promise<void>
}

/** The addresses that only this machine reaches. `localhost` may mean either. */
const LOOPBACK = ["127.0.0.1", "::1"]

/** The machine has no such address. */
const NO_ADDRESS: ReadonlyArray<string | undefined> = ["EADDRNOTAVAIL", "EAFNOSUPPORT"]

const makeServer = (limits: Limits, listener: RequestListener): Server => {
  const server = createServer(
    {
      maxHeaderSize: limits.headers,
      headersTimeout: limits.headersTime,
      requestTimeout: limits.requestTime,
      keepAliveTimeout: limits.keepAlive,
      connectionsCheckingInterval: Math.min(1000, limits.headersTime)
    },
    listener
  )
  server.timeout = limits.idle
  server.maxConnections = limits.connections
  return server
}

/** Listens on one address; returns whether the machine has it. */
const listen = (server: Server, port: number, host: string): Promise<boolean> =>
  new Promise((done, fail) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      NO_ADDRESS.includes(error.code) ? done(false) : fail(error)
    )
    server.listen({ port, host }, () => done(true))
  })

const close = (server: Server, timeout: number): Promise<void> =>
  new Promise((done) => {
    const force = setTimeout(() => server.closeAllConnections(), timeout)
    server.close(() => {
      clearTimeout(force)
      done()
    })
    server.closeIdleConnections()
  })

/** Answers a request, whoever makes it. Everything here comes before the API: it is refused cheaply, or has to be fast. */
const makeListener = ({ ask, port }: Given, api: RequestListener): RequestListener => {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const problem = lineProblem(request) ?? strangerProblem(request, port)
    const key = plainKey(request)
    if (problem !== undefined) send(response, errorBody(problem), { connection: "close" })
    else if (key !== undefined) void plainPort(ask, key).then((body) => send(response, body))
    else api(request, response)
  }
  return (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    answer(request, response)
  }
}

/** Serves HTTP at `port` of the loopback addresses. Rejects with the system's error if it is in use on any of them. */
export const serveHttp = async (given: Given): Promise<HttpService> => {
  const limits = given.limits ?? LIMITS
  const api = await makeApiHandler(given.ask)
  const listener = makeListener(given, api.handle)
  const servers: Array<Server> = []
  const stop = async (timeout: number) => {
    await Promise.all(servers.map((server) => close(server, timeout)))
    await api.close()
  }
  try {
    for (const host of LOOPBACK) {
      const server = makeServer(limits, listener)
      if (await listen(server, given.port, host)) servers.push(server)
    }
  } catch (error) {
    await stop(0)
    throw error
  }
  return { port: given.port, close: stop }
}
