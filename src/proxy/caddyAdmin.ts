import { request } from "node:http"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"
import { parsePort } from "../domain/names.ts"
import { pause } from "../machine/pause.ts"
import { asTyped, escaped, quote } from "../text/escape.ts"
import type { Step } from "./caddyRoute.ts"

/** Speaks with the admin API of a running Caddy. */

/** Caddy starts its servers anew before it answers. */
const ANSWER_MS = 15_000

/** The largest configuration that is read. */
const BYTES_MAX = 32 * 1024 * 1024

const DEFAULT = "localhost:2019"

/** An address on this machine. Whoever may change a Caddy may read every file that it can read. */
const LOOPBACK = /^(?:http:\/\/)?(|localhost|127(?:\.\d{1,3}){3}|\[::1\]):(\d+)\/?$/

/** The address of an admin API, and the same as it is shown. */
export interface Admin {
  readonly host: string
  readonly port: number
  readonly shown: string
}

/** Returns the address that the environment names, as for Caddy itself, or the usual one. */
export const adminOf = (environment: Environment): Admin => {
  const given = environment["CADDY_ADMIN"] || DEFAULT
  const [, host = "", digits = ""] = LOOPBACK.exec(given) ?? []
  const port = parsePort(digits)
  if (port === undefined)
    throw new CommandFailed({
      code: "invalid",
      message: `CADDY_ADMIN ${quote(given)} is no address on this machine`,
      hint: `write it as ${DEFAULT}; for another machine or a socket, d proxy render --for caddy`
    })
  const name = host === "" ? "localhost" : host
  return { host: name.replace(/^\[|\]$/g, ""), port, shown: `${name}:${port}` }
}

/** An answer; `etag` identifies what was read. */
interface Answer {
  readonly status: number
  readonly etag: string | undefined
  readonly text: string
}

const unavailable = (message: string, hint: string, cause?: unknown): CommandFailed =>
  new CommandFailed({ code: "unavailable", message, hint }, cause)

const notCaddy = ({ shown }: Admin): CommandFailed =>
  unavailable(`the program at ${shown} is not the admin API of Caddy`, "set CADDY_ADMIN to the address of Caddy's")

/** Says why there is no answer. */
const noAnswer = (admin: Admin, error: Error): CommandFailed => {
  const { shown } = admin
  const code = "code" in error ? String(error.code) : error.name
  if (error.name === "AbortError" || error.name === "TimeoutError")
    return unavailable(`Caddy at ${shown} has not answered for ${ANSWER_MS / 1000} seconds`, "try again")
  if (code === "ECONNREFUSED")
    return unavailable(
      `no Caddy answers at ${shown}`,
      "start Caddy, or set CADDY_ADMIN to the address of its admin API; without --live, d writes a file"
    )
  // Node's parser of HTTP.
  if (code.startsWith("HPE_")) return notCaddy(admin)
  return unavailable(`Caddy at ${shown} does not answer: the system says ${asTyped(code)}`, "try again", error)
}

/** Whether a connection was cut. Caddy does that to those that come while it starts its admin API anew, after each change. */
const isCut = (error: unknown): boolean =>
  error instanceof CommandFailed &&
  error.cause instanceof Error &&
  "code" in error.cause &&
  ["ECONNRESET", "EPIPE"].includes(String(error.cause.code))

/** Sends a request, and returns its answer. */
const ask = (admin: Admin, method: string, path: string, etag?: string, body?: unknown): Promise<Answer> =>
  new Promise((done, fail) => {
    const { host, port, shown } = admin
    const sent = request({ host, port, method, path, agent: false, signal: AbortSignal.timeout(ANSWER_MS) })
    sent.setHeader("Host", shown)
    if (body !== undefined) sent.setHeader("Content-Type", "application/json")
    if (etag !== undefined) sent.setHeader("If-Match", etag)
    const failed = (error: Error) => fail(noAnswer(admin, error))
    sent.on("error", failed)
    sent.on("response", (response) => {
      const chunks: Array<Buffer> = []
      let size = 0
      response.on("error", failed)
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size <= BYTES_MAX) return
        response.destroy()
        fail(notCaddy(admin))
      })
      response.on("end", () =>
        done({
          status: response.statusCode ?? 0,
          // Caddy knows it only after it has sent the text.
          etag: response.trailers["etag"] ?? response.headers.etag,
          text: Buffer.concat(chunks).toString("utf8")
        })
      )
    })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })

/** Returns the reason that Caddy gives in its answer. */
const reasonIn = ({ status, text }: Answer): string => {
  try {
    const { error } = JSON.parse(text)
    if (typeof error === "string") return escaped(cut(error, LIMITS.message))
  } catch {
    // It is not JSON: the status says enough.
  }
  return `status ${status}`
}

/** A configuration, and the tag that a change of it must carry. */
export interface Config {
  readonly value: unknown
  readonly etag: string | undefined
}

const TRIES = 10
const BETWEEN_MS = 50

/** Asks for the configuration, again if the connection is cut. */
const askForConfig = async (admin: Admin, left = TRIES): Promise<Answer> => {
  try {
    return await ask(admin, "GET", "/config/")
  } catch (error) {
    if (!isCut(error) || left === 1) throw error
    await pause(BETWEEN_MS)
    return askForConfig(admin, left - 1)
  }
}

/** Reads the configuration that Caddy runs with; null if it has none. */
export const readConfig = async (admin: Admin): Promise<Config> => {
  const answer = await askForConfig(admin)
  if (answer.status === 403)
    throw unavailable(`Caddy at ${admin.shown} refuses this client: ${reasonIn(answer)}`, "check its option admin")
  if (answer.status !== 200) throw notCaddy(admin)
  try {
    const value: unknown = JSON.parse(answer.text)
    if (typeof value === "object" && !Array.isArray(value)) return { value, etag: answer.etag }
  } catch {
    // Said below.
  }
  throw notCaddy(admin)
}

const CHANGED_MEANWHILE = 412

/**
 * Makes a change, and returns whether it was made. It was not if another program has changed the configuration since it was read,
 * and it may not have been if the connection was cut: what is read next shows it.
 */
export const change = async (
  admin: Admin,
  { body, method, path }: Step,
  etag: string | undefined
): Promise<boolean> => {
  const answer = await ask(admin, method, path, etag, body).catch((error: unknown) => {
    if (isCut(error)) return undefined
    throw error
  })
  if (answer === undefined || answer.status === CHANGED_MEANWHILE) return false
  if (answer.status === 200) return true
  throw new CommandFailed({
    code: "conflict",
    message: `Caddy at ${admin.shown} refused the change, and is as it was: ${reasonIn(answer)}`,
    hint: "d proxy apply --for caddy writes a file instead"
  })
}
