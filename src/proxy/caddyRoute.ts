import { isDeepStrictEqual } from "node:util"
import { fieldIn, isObject } from "../machine/json.ts"
import { NO_APP, type Setup } from "./Target.ts"

/** Decides how a running Caddy's configuration is changed, so that it has one route of `d`'s with all the names. */

/** A change by the admin API. */
export interface Step {
  readonly method: "DELETE" | "PATCH" | "POST" | "PUT"
  readonly path: string
  readonly body?: unknown
}

/** The route, and the server that it is in. */
export interface Placed {
  readonly server: string
  readonly route: unknown
}

/** The `@id` of the route, and the name of the server that is made if none listens on the port. */
const OURS = "d-ports"

const SERVERS = "/config/apps/http/servers"

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {})

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const serversIn = (config: unknown): Fields => fieldsOf(fieldIn(config, "apps", "http", "servers"))

const LISTENS = /^(?:tcp\/)?(|localhost|0\.0\.0\.0|127\.[\d.]+|\[::1?\]):(\d+)(?:-(\d+))?$/

/** Whether a server listens on `port` of this machine itself. */
const listensOn = (server: unknown, port: number): boolean =>
  listOf(fieldIn(server, "listen")).some((address) => {
    const [, , first, last = first] = LISTENS.exec(String(address)) ?? []
    return Number(first) <= port && port <= Number(last)
  })

const MS = 1_000_000

/** The app of a port, in the same way as the Caddyfile has it. */
const appOn = (port: number) => ({
  handler: "reverse_proxy",
  upstreams: [{ dial: `127.0.0.1:${port}` }, { dial: `[::1]:${port}` }],
  load_balancing: { selection_policy: { policy: "first" }, try_duration: 500 * MS, try_interval: 5 * MS },
  health_checks: { passive: { fail_duration: 50 * MS } }
})

/**
 * The one route. The names are inside it: Caddy would turn on HTTPS for a server that has names in its own routes. What is none
 * of them goes on to the routes of others.
 */
const routeOf = ({ ports }: Setup) => ({
  "@id": OURS,
  match: [{ remote_ip: { ranges: ["127.0.0.0/8", "::1"] } }],
  handle: [
    {
      handler: "subroute",
      routes: ports.map(({ name, port }) => ({
        match: [{ host: [name] }],
        handle: [appOn(port)]
      }))
    }
  ]
})

const serverOf = ({ hasIpv6, port }: Setup, route: unknown) => ({
  listen: [`127.0.0.1:${port}`, ...(hasIpv6 ? [`[::1]:${port}`] : [])],
  automatic_https: { disable: true },
  routes: [route, { handle: [{ handler: "static_response", status_code: 404, body: `${NO_APP}\n` }] }]
})

/** Finds the route in a configuration. It is there several times if two programs have added it at the same moment. */
const placesIn = (config: unknown): ReadonlyArray<Placed & { readonly at: number }> =>
  Object.entries(serversIn(config)).flatMap(([server, value]) =>
    listOf(fieldIn(value, "routes")).flatMap((route, at) =>
      fieldIn(route, "@id") === OURS ? [{ server, at, route }] : []
    )
  )

/** Returns the route that Caddy has now. */
export const currentRoute = (config: unknown): Placed | undefined => {
  const [found] = placesIn(config)
  return found && { server: found.server, route: found.route }
}

/** Returns the route as it should be; undefined if there is no name. It belongs into the server that has the port already. */
export const wantedRoute = (config: unknown, setup: Setup): Placed | undefined => {
  if (setup.ports.length === 0) return undefined
  const theirs = Object.entries(serversIn(config)).find(
    ([name, server]) => name !== OURS && listensOn(server, setup.port)
  )
  return { server: theirs?.[0] ?? OURS, route: routeOf(setup) }
}

const pathOf = (server: string): string => `${SERVERS}/${encodeURIComponent(server)}`

/** Returns the change that makes a server: with what it is in, as far as that is not there. */
const makeServer = (config: unknown, server: unknown): Step => {
  const servers = { [OURS]: server }
  const { apps } = fieldsOf(config)
  const { http } = fieldsOf(apps)
  if (fieldIn(http, "servers")) return { method: "PUT", path: pathOf(OURS), body: server }
  if (http) return { method: "PUT", path: SERVERS, body: servers }
  if (apps) return { method: "PUT", path: "/config/apps/http", body: { servers } }
  if (config) return { method: "PUT", path: "/config/apps", body: { http: { servers } } }
  return { method: "POST", path: "/config/", body: { apps: { http: { servers } } } }
}

/** Returns the next change that is needed; undefined if there is none. */
export const nextStep = (config: unknown, setup: Setup): Step | undefined => {
  const wanted = wantedRoute(config, setup)
  const own = serversIn(config)[OURS]
  const isOwnWrong = own !== undefined && (wanted?.server !== OURS || !listensOn(own, setup.port))
  if (isOwnWrong) return { method: "DELETE", path: pathOf(OURS) }
  const places = placesIn(config)
  const now = places.find(({ server }) => server === wanted?.server)
  const wrong = places.findLast((each) => each !== now)
  if (wrong !== undefined) return { method: "DELETE", path: `${pathOf(wrong.server)}/routes/${wrong.at}` }
  if (wanted === undefined) return undefined
  const { route, server } = wanted
  if (now !== undefined)
    return isDeepStrictEqual(now.route, route)
      ? undefined
      : { method: "PATCH", path: `${pathOf(server)}/routes/${now.at}`, body: route }
  if (server === OURS && own === undefined) return makeServer(config, serverOf(setup, route))
  // The first one, because a route of others may take every request.
  return fieldIn(serversIn(config)[server], "routes")
    ? { method: "PUT", path: `${pathOf(server)}/routes/0`, body: route }
    : { method: "PUT", path: `${pathOf(server)}/routes`, body: [route] }
}
