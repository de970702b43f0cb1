import type { IncomingMessage } from "node:http"
import { quote } from "../text/escape.ts"
import type { HttpError } from "./failure.ts"

/** The port that clients leave out. */
const USUAL = 80

const LOCAL = /^(?:127\.0\.0\.1|\[::1\]|(?:[a-z0-9_-]{1,63}\.){0,4}localhost)(?::(\d{1,5}))?$/i

/** Returns whether a request only reads, by its method. */
export const isRead = ({ method }: IncomingMessage): boolean => method === "GET" || method === "HEAD"

const forbidden = (message: string, hint: string): HttpError => ({ code: "forbidden", message, hint })

/** The values of a header, each time that it was sent. */
const every = ({ rawHeaders }: IncomingMessage, name: string): ReadonlyArray<string> =>
  rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)

/**
 * Returns why a request is refused whatever it asks for, if it is. A page of another site reaches this server through its
 * user's browser: by a name of its own that resolves to 127.0.0.1, which `Host` shows, or by a request to this address,
 * which `Origin` shows, or `Sec-Fetch-Site` where a browser sends no origin.
 */
export const strangerProblem = (request: IncomingMessage, port: number): HttpError | undefined => {
  const [host, ...more] = every(request, "host")
  const local = host === undefined || more.length > 0 ? null : LOCAL.exec(host)
  if (local === null || Number(local[1] ?? USUAL) !== port)
    return forbidden(
      host === undefined || more.length > 0
        ? "the request does not have one Host"
        : `Host ${quote(host)} is not an address of this machine with the port ${port}`,
      `use http://localhost:${port}`
    )
  const origins = every(request, "origin")
  if (origins.some((origin) => origin.toLowerCase() !== `http://${host}`.toLowerCase()))
    return forbidden(`a page of ${quote(origins[0])} may not use this`, "only its own pages may")
  const site = request.headers["sec-fetch-site"]
  const isVisit = request.headers["sec-fetch-mode"] === "navigate" && isRead(request)
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isVisit)
    return forbidden("a page of another site may not use this", "only its own pages may")
  return undefined
}

const isEncoded = (path: string): boolean => {
  try {
    return decodeURIComponent(path) !== undefined
  } catch {
    return false
  }
}

/** Returns why the line of a request is refused, if it is. */
export const lineProblem = ({ url = "" }: IncomingMessage): HttpError | undefined => {
  const [path = ""] = url.split("?", 1)
  const isPlain =
    url.startsWith("/") && !/%(?:2e|2f|5c|00)|\\|\/\//i.test(path) && !path.split("/").includes("..") && isEncoded(path)
  return isPlain
    ? undefined
    : {
        code: "bad-request",
        message: `${quote(url)} is not a path of this server`,
        hint: "GET /openapi.json lists them"
      }
}
