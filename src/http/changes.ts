import type { IncomingMessage } from "node:http"
import type { CommandSpec } from "../commands/CommandSpec.ts"
import { commandList, fieldOf } from "../commands/commands.ts"
import { quote } from "../text/escape.ts"
import { type Ask, type HttpError, START_MS } from "./failure.ts"
import { answerBody, type Body, errorBody } from "./respond.ts"
import { type Token, tokenProblem } from "./token.ts"

/** Bytes of the body of a request. */
const BODY_MAX = 65_536

/** Leaves out what takes a file or a directory from the client. */
const isOverHttp = ({ here, inProcess, kind, operand, readOnly }: CommandSpec): boolean =>
  kind === "registry" && !readOnly && inProcess === undefined && operand === undefined && here !== "meant"

/** The commands that change something, by the path of each. */
export const changes: ReadonlyMap<string, CommandSpec> = new Map(
  commandList.filter(isOverHttp).map((command) => [`/api/${command.name}`, command])
)

/** The options that only the client reads: how it prints, and whether it tells the directory that it is in. */
const OF_CLIENT = ["json", "no-dir"]

/** The options of a command that are fields of its request. */
export const fieldsOf = ({ options }: CommandSpec) =>
  options.filter(({ name }) => !OF_CLIENT.includes(name)).map((option) => ({ ...option, field: fieldOf(option.name) }))

const wrongBody = (message: string, hint: string): HttpError => ({ code: "bad-request", message, hint })

const TOO_LARGE: HttpError = {
  code: "too-large",
  message: `the body is larger than ${BODY_MAX} bytes`,
  hint: "send several requests, or use d import"
}

/** Returns why a request for a change is refused before its body is read, if it is. */
const headProblem = ({ headers }: IncomingMessage, token: string): HttpError | undefined => {
  const [type = ""] = (headers["content-type"] ?? "").split(";")
  if (type.trim().toLowerCase() !== "application/json")
    return {
      code: "wrong-type",
      message: `the content type is ${type === "" ? "missing" : quote(type)}`,
      hint: "send a JSON object with content-type: application/json"
    }
  return (
    tokenProblem(headers.authorization, token) ?? (Number(headers["content-length"]) > BODY_MAX ? TOO_LARGE : undefined)
  )
}

/** Reads the body of a request, as far as it is not too large. */
const readBody = (request: IncomingMessage): Promise<string | HttpError> =>
  new Promise((done) => {
    const chunks: Array<Buffer> = []
    let size = 0
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size <= BODY_MAX) chunks.push(chunk)
      else {
        chunks.length = 0
        done(TOO_LARGE)
      }
    })
    request.once("end", () => done(Buffer.concat(chunks).toString("utf8")))
    request.once("close", () => done(wrongBody("the body is incomplete", "send the request again")))
  })

/** Reads the payload of a command, which has no fields but its options. */
const payloadIn = (body: string, command: CommandSpec): Readonly<Record<string, unknown>> | HttpError => {
  const known = fieldsOf(command).map(({ field }) => field)
  const hint = `the fields of ${command.name}: ${known.join(", ")}`
  let payload: unknown
  try {
    payload = JSON.parse(body)
  } catch {
    return wrongBody("the body is not JSON", hint)
  }
  if (typeof payload !== "object" || payload === null || Array.isArray(payload))
    return wrongBody("the body is not a JSON object", hint)
  const unknown = Object.keys(payload).find((field) => !known.includes(field))
  return unknown === undefined ? { ...payload } : wrongBody(`${command.name} has no field ${quote(unknown)}`, hint)
}

const isError = (value: object): value is HttpError => "code" in value && "hint" in value

/** Returns the command that a request is to run, if it is one for a change. */
export const changeAsked = ({ method, url = "" }: IncomingMessage): CommandSpec | undefined =>
  method === "POST" ? changes.get(url.split("?", 1)[0] ?? "") : undefined

/** The headers of a refusal. After a body that is too large the connection ends: what is left of it is discarded. */
const REFUSAL_HEADERS: Partial<Record<HttpError["code"], Readonly<Record<string, string>>>> = {
  unauthorized: { "www-authenticate": "Bearer" },
  "too-large": { connection: "close" }
}

const refused = (error: HttpError): Body => ({ ...errorBody(error), headers: REFUSAL_HEADERS[error.code] ?? {} })

/** What a change needs. */
interface Means {
  readonly ask: Ask
  readonly token: Token
  /** How long a change may take once it is started, in milliseconds. */
  readonly waitMs: number
}

/** Runs a command that changes something, for whoever has the token. */
export const change = async (
  request: IncomingMessage,
  command: CommandSpec,
  { ask, token, waitMs }: Means
): Promise<Body> => {
  const problem = headProblem(request, token.now())
  if (problem !== undefined) return refused(problem)
  if (request.url?.includes("?"))
    return refused(wrongBody("a change has no parameters", "send them as the fields of a JSON object"))
  const body = await readBody(request)
  if (typeof body !== "string") return refused(body)
  const payload = payloadIn(body, command)
  if (isError(payload)) return refused(payload)
  request.socket.setTimeout(START_MS + waitMs)
  return answerBody(
    await ask({ ...payload, command: command.name, format: "json", until: Date.now() + START_MS }),
    true
  )
}
