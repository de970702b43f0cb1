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

/** Codes of connecting that mean that nobody serves there, or not for us. */
const NOBODY = ["ENOENT", "ECONNREFUSED", "EACCES", "EPERM", "ENOTSOCK", "ENOTDIR"]

const askAt = (path: string, line: string): Promise<Asked> =>
  new Promise((done) => {
    const socket = connect(path)
    let connected = false
    let text = ""
    const end = (asked: Asked) => {
      socket.destroy()
      done(asked)
    }
    socket.setEncoding("utf8")
    socket.setTimeout(SILENCE_MS, () => end({ _tag: "Lost" }))
    socket.once("connect", () => {
      connected = true
      socket.write(line)
    })
    socket.on("data", (chunk: string) => {
      text += chunk
      const newline = text.indexOf("\n")
      if (newline === -1) return
      const reply = parseReply(text.slice(0, newline))
      end(reply === undefined ? { _tag: connected ? "Lost" : "NoDaemon" } : { _tag: "Reply", reply })
    })
    socket.once("error", (error: NodeJS.ErrnoException) =>
      end({ _tag: !connected && NOBODY.includes(error.code ?? "") ? "NoDaemon" : "Lost" })
    )
    socket.once("close", () => done({ _tag: "Lost" }))
  })

const parseReply = (line: string): Reply | undefined => {
  try {
    const reply: unknown = JSON.parse(line)
    return typeof reply === "object" && reply !== null && "ok" in reply ? (reply as Reply) : undefined
  } catch {
    // A daemon that is not ours answers in plain text.
    return undefined
  }
}

/** In /tmp anybody could have made the directory: whose socket is there is believed only where it is this user's. */
const trusted = (path: string): boolean =>
  !path.startsWith("/tmp/automatelinux-") || lstatSync(dirname(path), { throwIfNoEntry: false })?.uid === currentUid()

/** Whether commands shall be taken to a daemon at all. */
export const daemonAllowed = (environment: Environment): boolean => environment["AUTOMATELINUX_DAEMON"] !== "never"

/** Asks the daemon of this user, or else the system's. */
export const ask = async (command: string, payload: object, environment: Environment): Promise<Asked> => {
  const config = fingerprintOf(environment)
  const line = `${JSON.stringify({ ...payload, command, format: "json", ...(config && { config }) })}\n`
  for (const path of clientPaths(environment, currentUid()).filter(trusted)) {
    const asked = await askAt(path, line)
    if (asked._tag !== "NoDaemon") return asked
  }
  return { _tag: "NoDaemon" }
}
