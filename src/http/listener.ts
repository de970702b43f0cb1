import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { change, changeAsked } from "./changes.ts"
import { targetsOf } from "./discovery.ts"
import { CONTENT_TYPE } from "./exposition.ts"
import type { Ask, HttpError } from "./failure.ts"
import { lineProblem, strangerProblem } from "./guard.ts"
import type { Metrics } from "./metrics.ts"
import { makePage } from "./page.ts"
import { plainCompletion, plainKey, plainPort, wordsToComplete } from "./plain.ts"
import { type Body, errorBody, HEADERS, jsonBody, send, textBody } from "./respond.ts"
import type { Snapshot } from "./Snapshot.ts"

/** The secret that a change needs, and the exchange of a code for it. */
export interface Token {
  readonly now: () => string
  readonly exchange: (code: string) => string | undefined
}

/** A client that sends the first of these words in `X-Ports-Ask` gets the second one in `X-Ports-Proof`. */
export interface Proof {
  readonly ask: string
  readonly proof: string
}

/** The means to answer requests. */
export interface Means {
  readonly ask: Ask
  /** Never rejects. */
  readonly snapshot: () => Promise<Snapshot>
  readonly token: Token
  /** Is told that something was changed. */
  readonly changed: () => void
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

const isRead = ({ method }: IncomingMessage): boolean => method === "GET" || method === "HEAD"

/** The paths for Prometheus. */
const forPrometheus = ({ metrics, snapshot }: Means): ReadonlyMap<string, () => Promise<Body>> =>
  new Map([
    [
      "/metrics",
      async (): Promise<Body> => ({ status: 200, type: CONTENT_TYPE, text: metrics.text(await snapshot()) })
    ],
    [
      "/sd",
      async (): Promise<Body> => {
        const { registry } = await snapshot()
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
  const { ask, changed, port, proof, token } = means
  const others = forPrometheus(means)
  const page = makePage()

  /** Returns the answer of what is no part of the API. */
  const answer = (request: IncomingMessage): Promise<Body> | Body | undefined => {
    const problem = lineProblem(request) ?? strangerProblem(request, port)
    if (problem !== undefined) return { ...errorBody(problem), headers: { connection: "close" } }
    const key = plainKey(request)
    if (key !== undefined) return plainPort(ask, key)
    const words = wordsToComplete(request)
    if (words !== undefined) return plainCompletion(ask, words)
    const command = changeAsked(request)
    if (command !== undefined)
      return change(request, command, ask, token.now()).then((body) => {
        if (body.status === 200) changed()
        return body
      })
    if (!isRead(request)) return undefined
    const [path = ""] = (request.url ?? "").split("?", 1)
    if (page.isAt(path)) return page.serve(request, path)
    const [, code] = /^\/open\/([\w-]+)$/.exec(path) ?? []
    return code !== undefined && request.method === "GET" ? opened(token, code) : others.get(path)?.()
  }

  return (request: IncomingMessage, response: ServerResponse) => {
    // First, because bash reads it alone (shell/bash.ts).
    if (request.headers["x-ports-ask"] === proof.ask) response.setHeader("x-ports-proof", proof.proof)
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const body = answer(request)
    if (body === undefined) api(request, response)
    else void Promise.resolve(body).then((each) => send(response, each))
  }
}
