import { lstatSync } from "node:fs"
import { connect } from "node:net"
import { dirname } from "node:path"
import type { Failure } from "./domain/Failure.ts"
import { fingerprintOf } from "./fingerprint.ts"
import { clientPaths, currentUid } from "./socketPath.ts"

/** What a daemon answered. */
export type Reply =
  | { readonly ok: true; readonly version: string; readonly result: unknown; readonly notes?: ReadonlyArray<string> }
  | { readonly ok: false; readonly version: string; readonly error: Failure }

/** What became of a question: an answer, nobody to ask, or somebody who took it and never answered. */
export type Asked =
  | { readonly _tag: "Reply"; readonly reply: Reply }
  | { readonly _tag: "NoDaemon" }
  | { readonly _tag: "Lost" }

type Environment = Readonly<Record<string, string | undefined>>

/** A daemon answers sooner, also where its database is silent; one that does not is stopped or stuck. */
const SILENCE_MS = 30_000

/** What our daemon says of a request that it did not take. */
const NOT_TAKEN = ["ERROR: Too many connections", "ERROR: Line too long"]

/** Asked before a change: a daemon of another kind, which answers in plain text, would just do it. */
const WHO_ARE_YOU = `${JSON.stringify({ command: "ping", format: "json" })}\n`

/** Sends `line`, after the daemon has shown what it is where that `matters`. */
const askAt = (path: string, line: string, matters: boolean): Promise<Asked> =>
  new Promise((done) => {
    const socket = connect(path)
    let sent = false
    let text = ""
    const end = (asked: Asked) => {
      socket.destroy()
      done(asked)
    }
    const send = () => {
      sent = true
      socket.write(line)
    }
    socket.setEncoding("utf8")
    socket.setTimeout(SILENCE_MS, () => end({ _tag: sent ? "Lost" : "NoDaemon" }))
    socket.once("connect", () => {
      if (matters) socket.write(WHO_ARE_YOU)
      else send()
    })
    socket.on("data", (chunk: string) => {
      text += chunk
      const newline = text.indexOf("\n")
      if (newline === -1) return
      const first = text.slice(0, newline)
      text = text.slice(newline + 1)
      const reply = parseReply(first)
      if (reply === undefined) return end({ _tag: sent && matters && !NOT_TAKEN.includes(first) ? "Lost" : "NoDaemon" })
      if (sent) end({ _tag: "Reply", reply })
      else send()
    })
    socket.once("error", () => end({ _tag: sent ? "Lost" : "NoDaemon" }))
    socket.once("close", () => done({ _tag: sent ? "Lost" : "NoDaemon" }))
  })

const parseReply = (line: string): Reply | undefined => {
  try {
    const reply: unknown = JSON.parse(line)
    return typeof reply === "object" && reply !== null && "ok" in reply ? (reply as Reply) : undefined
  } catch {
    return undefined
  }
}

/** Commands that change nothing. */
const QUESTIONS = ["getPort", "listPorts", "ping", "status"]

/** In /tmp anybody could have made the directory: whose socket is there is believed only where it is this user's. */
const trusted = (path: string): boolean =>
  !path.startsWith("/tmp/automatelinux-") || lstatSync(dirname(path), { throwIfNoEntry: false })?.uid === currentUid()

/** Whether commands shall be taken to a daemon at all. */
export const daemonAllowed = (environment: Environment): boolean => environment["AUTOMATELINUX_DAEMON"] !== "never"

/** Asks the daemon of this user, or else the system's. */
export const ask = async (command: string, payload: object, environment: Environment): Promise<Asked> => {
  const config = fingerprintOf(environment)
  // A daemon that was stopped meanwhile must not do later what was done without it.
  const until = Date.now() + SILENCE_MS
  const line = `${JSON.stringify({ ...payload, command, format: "json", until, ...(config && { config }) })}\n`
  for (const path of clientPaths(environment, currentUid()).filter(trusted)) {
    const asked = await askAt(path, line, !QUESTIONS.includes(command))
    if (asked._tag !== "NoDaemon") return asked
  }
  return { _tag: "NoDaemon" }
}
