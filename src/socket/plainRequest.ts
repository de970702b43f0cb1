import type { Environment } from "../domain/Environment.ts"
import { fingerprintOf } from "./configFingerprint.ts"
import { daemonAllowed } from "./daemonClient.ts"
import { clientPaths, currentUid, isNamed } from "./socketPath.ts"
import { placeOf } from "./socketTrust.ts"

/** Sends one plain request to the socket at `path`, and returns all that it answers. */
const askAt = async (path: string, line: string, limit: number): Promise<string | undefined> => {
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
    socket.once("connect", () => socket.write(`${line}\n`))
    socket.on("data", (chunk) => (text += chunk))
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
    if (placeOf(path, currentUid(), isNamed(path, environment))._tag !== "Trusted") continue
    const left = until - performance.now()
    const answer = left > 0 ? await askAt(path, line, left) : undefined
    if (answer !== undefined) return answer
  }
  return undefined
}
