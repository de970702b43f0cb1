import { createServer, type RequestListener, type Server } from "node:http"
import { findCommand } from "../commands/commands.ts"
import { type Events, type Look, makeEvents } from "./events.ts"
import { makeApiHandler } from "./handler.ts"
import { type Means, makeListener, type Proof } from "./listener.ts"
import { makeMetrics, type Observed } from "./metrics.ts"
import { loadPage } from "./page.ts"

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
export interface Given extends Omit<Means, "metrics" | "page" | "port" | "proof"> {
  /** Never rejects. */
  readonly look: () => Promise<Look>
}

interface Serving extends Means {
  readonly events: Events
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

/** Serves HTTP at a port of the loopback addresses. Rejects with the system's error if it is in use on any of them. */
const serve = async (serving: Serving, api: RequestListener, limits: Limits): Promise<HttpService> => {
  const listener = makeListener(serving, api)
  serving.events.begin()
  const servers: Array<Server> = []
  const stop = async (timeout: number) => {
    serving.events.end()
    await Promise.all(servers.map((server) => close(server, timeout)))
  }
  try {
    for (const host of LOOPBACK) {
      const server = makeServer(limits, listener)
      if (await listen(server, serving.port, host)) servers.push(server)
    }
  } catch (error) {
    await stop(0)
    throw error
  }
  return { port: serving.port, close: stop }
}

/** Makes what the daemon tells of its work, and the server that it may start at one port after another. */
export const makeHttp = async (given: Given) => {
  const page = await loadPage()
  const metrics = makeMetrics()
  const events = makeEvents(given.look)
  // Built once, when it is needed first: a port that is in use is tried again and again.
  let api: ReturnType<typeof makeApiHandler> | undefined
  return {
    request: (observed: Observed) => {
      metrics.request(observed)
      // A command that may change something, but did not, costs one look more.
      if (observed.ok && findCommand(observed.command)?.readOnly === false) events.soon()
    },
    tick: metrics.tick,
    serve: async (port: number, proof: Proof, limits = LIMITS) => {
      api ??= makeApiHandler(given.ask, events)
      return serve({ ...given, metrics, events, page, port, proof }, (await api).handle, limits)
    },
    close: async () => {
      await (await api)?.close()
    }
  }
}
