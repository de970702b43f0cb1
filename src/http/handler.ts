import type { IncomingMessage, ServerResponse } from "node:http"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import { RouteNotFound } from "@effect/platform/HttpServerError"
import type { HttpServerRequest } from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { toServerResponse } from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { quote } from "../text/escape.ts"
import { Api } from "./api.ts"
import { changes } from "./changes.ts"
import { EVENT_LIMITS, EVENT_STREAM, type Events } from "./events.ts"
import { type Ask, type HttpError, START_MS } from "./failure.ts"
import { answerBody, type Body, errorBody } from "./respond.ts"

/** What an endpoint gets of a request; without parameters, it has none. */
interface Received {
  readonly request: HttpServerRequest
  readonly path?: Readonly<Record<string, unknown>>
  readonly urlParams?: Readonly<Record<string, unknown>>
}

const TOO_MANY: HttpError = {
  code: "too-many",
  message: `there are ${EVENT_LIMITS.streams} streams of events already`,
  hint: "close a page that shows the ports"
}

const responseOf = ({ status, text, type }: Body) => HttpServerResponse.text(text, { status, contentType: type })

/** Returns a parameter that the endpoint does not have, which would otherwise be ignored. */
const unknownIn = (request: HttpServerRequest, known: Readonly<Record<string, unknown>>): string | undefined =>
  [...new URLSearchParams(request.url.split("?")[1]).keys()].find((name) => !Object.hasOwn(known, name))

const wrong = (message: string) =>
  errorBody({ code: "bad-request", message, hint: "GET /openapi.json shows what is there" })

const wrongParameter = (name: string) => wrong(`there is no parameter ${quote(name)} here`)

/** Has `command` answer an endpoint. */
const by =
  (ask: Ask, command: string) =>
  ({ path = {}, request, urlParams = {} }: Received) => {
    const unknown = unknownIn(request, urlParams)
    if (unknown !== undefined) return Effect.succeed(responseOf(wrongParameter(unknown)))
    const asked = { ...urlParams, ...path, command, format: "json", until: Date.now() + START_MS }
    return Effect.map(
      Effect.promise(() => ask(asked)),
      (answer) => responseOf(answerBody(answer))
    )
  }

/** Has the response of an endpoint be a stream of events, for as long as the client stays. */
const stream =
  (events: Events) =>
  ({ request }: Received) =>
    Effect.async<HttpServerResponse.HttpServerResponse>((resume) => {
      const answer = (body: Body) => resume(Effect.succeed(responseOf(body)))
      const unknown = unknownIn(request, {})
      if (unknown !== undefined) return answer(wrongParameter(unknown))
      if (request.method === "HEAD") return answer({ status: 200, type: EVENT_STREAM, text: "" })
      const response = toServerResponse(request)
      // A client that leaves interrupts this.
      if (!events.open(response)) return answer(errorBody(TOO_MANY))
      response.once("close", () => resume(Effect.succeed(HttpServerResponse.empty())))
    })

/** The methods of each path, for what is asked in another way. */
const methods: Array<{ readonly path: RegExp; readonly method: string }> = []
HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint: { method, path } }) =>
    void methods.push({ method, path: new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`) })
})
for (const path of changes.keys()) methods.push({ method: "POST", path: new RegExp(`^${path}$`) })

/** Answers what no endpoint was found for. */
const notFound = ({ method, url }: HttpServerRequest) => {
  const [path = ""] = url.split("?", 1)
  const allowed = methods.filter((each) => each.path.test(path)).map((each) => each.method)
  if (allowed.length === 0)
    return responseOf(
      errorBody({
        code: "no-such-path",
        message: `there is no ${quote(path)} here`,
        hint: "GET /openapi.json lists what there is"
      })
    )
  const body = errorBody({
    code: "wrong-method",
    message: `${quote(path)} has no ${method}`,
    hint: `use ${allowed.join(" or ")}`
  })
  return HttpServerResponse.setHeader(responseOf(body), "allow", allowed.join(", "))
}

/** Words the errors of the router as those of the commands. */
const worded = HttpApiBuilder.middleware((app) =>
  Effect.catchAll(app, (error: unknown) => {
    if (error instanceof RouteNotFound) return Effect.succeed(notFound(error.request))
    if (!(error instanceof HttpApiDecodeError)) return Effect.die(error)
    const [issue] = error.issues
    return Effect.succeed(responseOf(wrong(`${quote(issue?.path.join("."))}: ${issue?.message ?? error.message}`)))
  })
)

/** Makes the listener of requests to the API, and of its description at /openapi.json. */
export const makeApiHandler = async (ask: Ask, events: Events) => {
  const reads = HttpApiBuilder.group(Api, "reads", (handlers) =>
    handlers
      .handleRaw("listPorts", by(ask, "listPorts"))
      .handleRaw("getPort", by(ask, "getPort"))
      .handleRaw("listReserved", by(ask, "listReserved"))
      .handleRaw("history", by(ask, "history"))
      .handleRaw("doctor", by(ask, "doctor"))
      .handleRaw("explain", by(ask, "explain"))
      .handleRaw("status", by(ask, "status"))
      .handleRaw("events", stream(events))
  )
  const api = Layer.provide(HttpApiBuilder.api(Api), reads)
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(worded, HttpApiBuilder.middlewareOpenApi()).pipe(
      Layer.provideMerge(api),
      Layer.provideMerge(HttpApiBuilder.Router.Live),
      Layer.provideMerge(HttpApiBuilder.Middleware.layer),
      Layer.provideMerge(NodeHttpServer.layerContext)
    )
  )
  const handle: (request: IncomingMessage, response: ServerResponse) => void = await runtime.runPromise(
    Effect.flatMap(HttpApiBuilder.httpApp, (app) => NodeHttpServer.makeHandler(Effect.withTracerEnabled(app, false)))
  )
  return { handle, close: () => runtime.dispose() }
}
