import { lstatSync } from "node:fs"
import { dirname } from "node:path"
import { isOneChange, isQuestion } from "./commands.ts"
import type { Failure } from "./domain/Failure.ts"
import { identityIn } from "./registryIdentity.ts"
import { clientPaths, currentUid } from "./socketPath.ts"

/** What a daemon answered. */
export type Reply =
  | { readonly ok: true; readonly version: string; readonly result: unknown; readonly notes?: ReadonlyArray<string> }
  | { readonly ok: false; readonly version: string; readonly error: Failure }

/**
 * What became of a question: an answer, nobody to ask, or somebody who took it and never answered. `why` is the
 * system's code, `silent`, or `another program`.
 */
export type Asked =
  | { readonly _tag: "Reply"; readonly reply: Reply }
  | { readonly _tag: "NoDaemon"; readonly why?: string }
  | { readonly _tag: "Lost"; readonly operation: string | undefined }

type Environment = Readonly<Record<string, string | undefined>>

interface Request extends Readonly<Record<string, unknown>> {
  /** The number of the change that is asked for: under it the change can be asked for again. */
  readonly operation?: string | undefined
}

/** A daemon answers sooner, unless it says that its database is waited for longer; one that does not is stopped or stuck. */
const SILENCE_MS = 30_000
/** It says what it is at once. */
const GREETING_MS = 5000

/** What our daemon says of a request that it did not take. */
const NOT_TAKEN = ["ERROR: Too many connections", "ERROR: Line too long"]

/** Asked before a change: a daemon of another kind, which answers in plain text, would just do it. */
const WHO_ARE_YOU = `${JSON.stringify({ command: "ping", format: "json" })}\n`

/**
 * When a change that is waited for `wait` milliseconds must no longer be begun. A daemon that was stopped meanwhile must
 * not do later what was done without it, nor begin what ends after that. The time of day may be set meanwhile, so the end
 * is by the daemon's own `clock` if its greeting told that.
 */
const endOf = (wait: number, clock: number | undefined): object =>
  clock === undefined ? { until: Date.now() + wait - GREETING_MS } : { deadline: clock + wait - GREETING_MS }

/** Whether there is nothing at `path`, found out before anything is loaded that only a daemon needs. */
const isMissing = (path: string): boolean => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

/**
 * Sends `request`, after the daemon has shown what it is where that `matters`; one that does not so much as show that
 * within a few seconds has taken nothing, and is as good as none.
 */
const askAt = async (
  path: string,
  makeRequest: () => Request,
  matters: boolean,
  limit = SILENCE_MS
): Promise<Asked> => {
  if (isMissing(path)) return { _tag: "NoDaemon", why: "ENOENT" }
  const { connect } = await import("node:net")
  return new Promise((done) => {
    const socket = connect(path)
    let sent = false
    let request: Request = {}
    let text = ""
    const end = (asked: Asked) => {
      socket.destroy()
      done(asked)
    }
    const lost = (): Asked => ({ _tag: "Lost", operation: request.operation })
    const gone = (why: string): Asked => (sent ? lost() : { _tag: "NoDaemon", why })
    const send = (wait: number, end: object) => {
      sent = true
      socket.setTimeout(wait)
      socket.write(`${JSON.stringify({ ...request, ...end })}\n`)
    }
    socket.setEncoding("utf8")
    socket.setTimeout(Math.min(limit, GREETING_MS))
    socket.once("timeout", () => end(gone("silent")))
    socket.once("connect", () => {
      if (matters) socket.write(WHO_ARE_YOU)
      // While the daemon says who it is.
      request = makeRequest()
      if (!matters) send(limit, {})
    })
    socket.on("data", (chunk: string) => {
      text += chunk
      const newline = text.indexOf("\n")
      if (newline === -1) return
      const first = text.slice(0, newline)
      text = text.slice(newline + 1)
      const reply = parseReply(first)
      if (reply === undefined) {
        const isTaken = sent && matters && !NOT_TAKEN.includes(first)
        return end(isTaken ? lost() : { _tag: "NoDaemon", why: "another program" })
      }
      if (sent) end({ _tag: "Reply", reply })
      else {
        const { clock, waitSeconds = 0 } = greetingIn(reply)
        const wait = Math.max(limit, waitSeconds * 1000)
        send(wait, endOf(wait, clock))
      }
    })
    socket.once("error", (error: NodeJS.ErrnoException) => end(gone(error.code ?? "silent")))
    socket.once("close", () => done(gone("silent")))
  })
}

const parseReply = (line: string): Reply | undefined => {
  try {
    const reply: unknown = JSON.parse(line)
    return typeof reply === "object" && reply !== null && "ok" in reply ? (reply as Reply) : undefined
  } catch {
    return undefined
  }
}

/** How long the daemon says that a change may take, and what its clock shows, in milliseconds. */
const greetingIn = (greeting: Reply): { readonly clock?: number; readonly waitSeconds?: number } => {
  const { clock, waitSeconds } = (greeting.ok ? greeting.result : {}) as Readonly<Record<string, unknown>>
  return {
    ...(typeof clock === "number" ? { clock } : {}),
    ...(typeof waitSeconds === "number" ? { waitSeconds } : {})
  }
}

/** In /tmp anybody could have made the directory: whose socket is there is believed only where it is this user's. */
const trusted = (path: string): boolean =>
  !path.startsWith("/tmp/automatelinux-") || lstatSync(dirname(path), { throwIfNoEntry: false })?.uid === currentUid()

/** Whether commands shall be taken to a daemon at all. */
export const daemonAllowed = (environment: Environment): boolean => environment["AUTOMATELINUX_DAEMON"] !== "never"

const requestFor = (command: string, payload: object, environment: Environment, any = false): Request => ({
  ...payload,
  command,
  format: "json",
  // The global one, because importing it costs every question.
  operation: isOneChange(command) ? crypto.randomUUID() : undefined,
  ...(any ? {} : { registry: identityIn(environment) })
})

/**
 * Asks the daemon of this user, or else the system's. One that keeps another registry than the environment names answers
 * `other-store`, unless `any` will do.
 */
export const ask = async (command: string, payload: object, environment: Environment, any = false): Promise<Asked> => {
  const request = () => requestFor(command, payload, environment, any)
  for (const path of clientPaths(environment, currentUid()).filter(trusted)) {
    const asked = await askAt(path, request, !isQuestion(command))
    if (asked._tag !== "NoDaemon") return asked
  }
  return { _tag: "NoDaemon" }
}

/** What comes of a question of `command` at `path`, within `limit` milliseconds; `any` as for `ask`. */
export const probe = (
  path: string,
  command: string,
  environment: Environment,
  limit: number,
  any = false
): Promise<Asked> => askAt(path, () => requestFor(command, {}, environment, any), false, limit)
