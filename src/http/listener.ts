import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { change, changeAsked } from "./changes.ts"
import { targetsOf } from "./discovery.ts"
import { CONTENT_TYPE } from "./exposition.ts"
import type { Ask, HttpError } from "./failure.ts"
import { isRead, lineProblem, strangerProblem } from "./guard.ts"
import type { Metrics } from "./metrics.ts"
import type { Page } from "./page.ts"
import { plainCompletion, plainKey, plainPort, wordsToComplete } from "./plain.ts"
import { type Body, errorBody, HEADERS, jsonBody, send, textBody } from "./respond.ts"
import type { Snapshot, SnapshotFailed } from "./Snapshot.ts"
import { isSame, type Token } from "./token.ts"

/** A client that sends the first of these words in `X-Ports-Ask` gets the second one in `X-Ports-Proof`. */
export interface Proof {
  readonly ask: string
  readonly proof: string
}

/** The means to answer requests. */
export interface Means {
  readonly ask: Ask
  /** Never rejects. */
  readonly snapshot: () => Promise<Snapshot | SnapshotFailed>
  readonly token: Token
  /** How long a change may take once it is started, in milliseconds. */
  readonly waitMs: number
  /** Logs a bug, and returns what to answer. Never rejects. */
  readonly bug: (error: unknown) => Promise<HttpError>
  readonly page: Page
  readonly metrics: Metrics
  readonly proof: Proof
  readonly port: number
}

const DATABASE_AWAY: HttpError = {
  code: "unavailable",
  message: "the database does not answer",
  hint: "d doctor tells more"
}

const USED: HttpError = {
  code: "unauthorized",
  message: "this address leads to the page once, within a minute",
  hint: "d dashboard opens the page with a new one"
}

/** The paths for Prometheus. */
const forPrometheus = ({ metrics, snapshot }: Means): ReadonlyMap<string, () => Promise<Body>> =>
  new Map([
    [
      "/metrics",
      async (): Promise<Body> => {
        const found = await snapshot()
        return "failure" in found
          ? errorBody(found.failure)
          : { status: 200, type: CONTENT_TYPE, text: metrics.text(found) }
      }
    ],
    [
      "/sd",
      async (): Promise<Body> => {
        const found = await snapshot()
        if ("failure" in found) return errorBody(found.failure)
        const { registry } = found
        // Prometheus keeps the targets that it has if it gets an error, and would drop them all if it got an empty list.
        return registry === undefined ? errorBody(DATABASE_AWAY) : jsonBody(targetsOf(registry.assignments))
      }
    ]
  ])

/** Sends a browser on to the page. A code is of no use to those who read it in the browser's command line later. */
const opened = (token: Token, code: string): Body => {
  const found = token.exchange(code)
  return found === undefined
    ? errorBody(USED)
    : { ...textBody(""), status: 303, headers: { location: `/#token=${found}` } }
}

/** Answers a request, whoever makes it. Everything here comes before the API: it is refused cheaply, or has to be fast. */
export const makeListener = (means: Means, api: RequestListener): RequestListener => {
  const { ask, bug, page, port, proof, token } = means
  const others = forPrometheus(means)

  /** Returns the answer of what is no part of the API. */
  const answer = (request: IncomingMessage): Promise<Body> | Body | undefined => {
    const problem = lineProblem(request) ?? strangerProblem(request, port)
    if (problem !== undefined) return { ...errorBody(problem), headers: { connection: "close" } }
    const key = plainKey(request)
    if (key !== undefined) return plainPort(ask, key)
    const words = wordsToComplete(request)
    if (words !== undefined) return plainCompletion(ask, words)
    const command = changeAsked(request)
    if (command !== undefined) return change(request, command, means)
    if (!isRead(request)) return undefined
    const [path = ""] = (request.url ?? "").split("?", 1)
    const [, code] = /^\/open\/([\w-]+)$/.exec(path) ?? []
    if (code !== undefined && request.method === "GET") return opened(token, code)
    return page(request, path) ?? others.get(path)?.()
  }

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await answer(request)
    if (body === undefined) api(request, response)
    else send(response, body)
  }

  return (request: IncomingMessage, response: ServerResponse) => {
    // First, because bash reads it alone (shell/bash.ts).
    const { "x-ports-ask": asked } = request.headers
    if (typeof asked === "string" && isSame(asked, proof.ask)) response.setHeader("x-ports-proof", proof.proof)
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    respond(request, response).catch(async (error: unknown) => {
      const failure = await bug(error)
      if (response.headersSent) response.destroy()
      else send(response, errorBody(failure))
    })
  }
}
