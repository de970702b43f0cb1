import type { Environment } from "../domain/Environment.ts"
import { fingerprintOf } from "./configFingerprint.ts"
import { daemonAllowed } from "./daemonClient.ts"
import { clientPaths, currentUid, isNamed } from "./socketPath.ts"
import { placeOf } from "./socketTrust.ts"

/** The longest answer. */
const ANSWER_MAX = 1 << 24

/** Sends one plain request to the socket at `path`, if `isTrusted` once it is connected. Returns the whole answer. */
const askAt = async (
  path: string,
  line: string,
  limit: number,
  isTrusted: () => boolean
): Promise<string | undefined> => {
  const { connect } = await import("node:net")
  return new Promise((done) => {
    const socket = connect(path)
    let text = ""
    const end = (answer: string | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      done(answer)
    }
    const timer = setTimeout(() => end(undefined), limit)
    socket.setEncoding("utf8")
    // Where others can create files, another user's socket may have taken the place since it was looked at.
    socket.once("connect", () => (isTrusted() ? void socket.write(`${line}\n`) : end(undefined)))
    socket.on("data", (chunk) => {
      text += chunk
      if (text.length > ANSWER_MAX) end(undefined)
    })
    socket.once("end", () => end(text))
    socket.once("error", () => end(undefined))
    socket.once("close", () => end(undefined))
  })
}

/** Asks the daemon as other programs do; undefined if none has answered completely after `limit` milliseconds. */
export const requestPlainly = async (
  request: Readonly<Record<string, unknown>>,
  environment: Environment,
  limit: number
): Promise<string | undefined> => {
  if (!daemonAllowed(environment)) return undefined
  const until = performance.now() + limit
  const line = JSON.stringify({ ...request, registry: fingerprintOf(environment) })
  for (const path of clientPaths(environment, currentUid())) {
    const isTrusted = () => placeOf(path, currentUid(), isNamed(path, environment))._tag === "Trusted"
    if (!isTrusted()) continue
    const left = until - performance.now()
    const answer = left > 0 ? await askAt(path, line, left, isTrusted) : undefined
    if (answer !== undefined) return answer
  }
  return undefined
}
