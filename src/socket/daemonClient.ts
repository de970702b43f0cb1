import { commands, isNumberedChange } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { fingerprintOf } from "./configFingerprint.ts"
import { type Reply, readReply } from "./replies.ts"
import { clientPaths, currentUid, isNamed } from "./socketPath.ts"
import { placeOf, type Untrusted } from "./socketTrust.ts"

/**
 * The reason why there is no daemon at a path: the system's code; `silent`, it does not so much as say what it is; `busy`,
 * it takes no more connections; `another program`, its answers are not a daemon's of ours; `untrusted`, it was not asked.
 */
export interface NoDaemon {
  readonly _tag: "NoDaemon"
  readonly path: string
  readonly why: string
  readonly place?: Untrusted
}

/** What became of a question: an answer, nothing to ask, or a daemon that took it and did not answer. */
export type DaemonReply<N extends keyof Results> =
  | { readonly _tag: "Reply"; readonly reply: Reply<N> }
  | NoDaemon
  /** `operation` is the number of the change that was asked for, if it was one. */
  | { readonly _tag: "Lost"; readonly operation: string | undefined }

type Environment = Readonly<Record<string, string | undefined>>

/** A daemon answers sooner, unless it says that its database is waited for longer; one that does not is stopped or stuck. */
const REPLY_TIMEOUT_MS = 30_000
/** It says what it is at once. */
const HANDSHAKE_TIMEOUT_MS = 5000
/** It is not waited for longer, whatever it says; a timer has room for no more than 24 days. */
const WAIT_MAX_MS = 86_400_000
/** No answer is longer, in bytes: a list of 10,000 assignments has 4 million. */
const REPLY_MAX = 64 * 2 ** 20

/** What our daemon says of a request that it did not take. */
const NOT_TAKEN = ["ERROR: Too many connections", "ERROR: Line too long"]

/** Asked before a change: a daemon of another kind, which answers in plain text, would just do it. */
const WHO_ARE_YOU = `${JSON.stringify({ command: "ping", format: "json" })}\n`

/**
 * When a change that is waited for `wait` milliseconds must no longer be begun. A daemon that was stopped meanwhile must
 * not do later what was done without it, nor begin what ends after that. The time of day may be set meanwhile, so the end
 * is by the daemon's own `clock`.
 */
const endOf = (wait: number, clock: number): object => ({ deadline: clock + wait - HANDSHAKE_TIMEOUT_MS })

interface Question<N extends keyof Results> {
  readonly command: N
  readonly payload: object
  readonly environment: Environment
  /** Any registry will do; otherwise a daemon that keeps another than the environment names answers `other-store`. */
  readonly any?: boolean
  /** Milliseconds. */
  readonly limit?: number
  /** Sent only after the daemon has shown what it is. */
  readonly matters?: boolean
}

interface Request extends Readonly<Record<string, unknown>> {
  /** The number of the change that is asked for: under it the change can be asked for again. */
  readonly operation?: string | undefined
}

const requestOf = ({ any = false, command, environment, payload }: Question<keyof Results>): Request => ({
  ...payload,
  command,
  format: "json",
  // The global one, because importing it costs every question.
  operation: isNumberedChange(command) ? crypto.randomUUID() : undefined,
  ...(any ? {} : { registry: fingerprintOf(environment) })
})

/**
 * Asks the daemon at `path`, if that is trusted: another user's is told nothing. If the question `matters`, a daemon that
 * does not show within a few seconds what it is has taken nothing, and is as good as none.
 */
const requestAt = async <N extends keyof Results>(path: string, question: Question<N>): Promise<DaemonReply<N>> => {
  const { command, environment, limit = REPLY_TIMEOUT_MS, matters = false } = question
  const none = (why: string): NoDaemon => ({ _tag: "NoDaemon", path, why })
  const look = () => placeOf(path, currentUid(), isNamed(path, environment))
  // Found out before anything is loaded that only a daemon needs.
  const place = look()
  if (place._tag === "Untrusted") return { ...none("untrusted"), place }
  if (place._tag !== "Trusted") return none(place._tag === "Missing" ? "ENOENT" : "EACCES")
  const { connect } = await import("node:net")
  return new Promise((done) => {
    const socket = connect(path)
    let sent = false
    let request: Request = {}
    let chunks: Array<Buffer> = []
    let size = 0
    let timer: NodeJS.Timeout | undefined
    const end = (asked: DaemonReply<N>) => {
      clearTimeout(timer)
      socket.destroy()
      done(asked)
    }
    const lost = (): DaemonReply<N> => ({ _tag: "Lost", operation: request.operation })
    const gone = (why: string): DaemonReply<N> => (sent ? lost() : none(why))
    /** Of all that comes until then: one byte now and then is no answer. */
    const wait = (milliseconds: number) => {
      clearTimeout(timer)
      timer = setTimeout(() => end(gone("silent")), milliseconds)
    }
    const send = (milliseconds: number, until: object) => {
      sent = true
      wait(milliseconds)
      socket.write(`${JSON.stringify({ ...request, ...until })}\n`)
    }
    /** A change may have been made by whatever answers like that. */
    const strange = (line?: string) => {
      const busy = NOT_TAKEN.some((each) => each === line)
      end(sent && matters && !busy ? lost() : none(busy ? "busy" : "another program"))
    }
    wait(Math.min(limit, HANDSHAKE_TIMEOUT_MS))
    socket.once("connect", () => {
      // Beside the files of others, a daemon of ours may have ended since, and another user's be there.
      if (place.isOpen && look()._tag !== "Trusted") return end(none("ENOENT"))
      if (matters) socket.write(WHO_ARE_YOU)
      // While the daemon says who it is.
      request = requestOf(question)
      if (!matters) send(limit, {})
    })
    socket.on("data", (chunk: Buffer) => {
      const newline = chunk.indexOf(10)
      chunks.push(newline === -1 ? chunk : chunk.subarray(0, newline))
      size += chunk.length
      if (size > REPLY_MAX) return strange()
      if (newline === -1) return
      const line = Buffer.concat(chunks).toString()
      // What is said before it was asked for is no answer.
      chunks = []
      size = 0
      if (sent) {
        const reply = readReply(command, line)
        return reply === undefined ? strange(line) : end({ _tag: "Reply", reply })
      }
      const greeting = readReply("ping", line)
      if (greeting?.ok !== true) return strange(line)
      const { clock, waitSeconds } = greeting.result
      const longest = Math.min(Math.max(limit, waitSeconds * 1000), WAIT_MAX_MS)
      send(longest, endOf(longest, clock))
    })
    socket.once("error", (error: NodeJS.ErrnoException) => end(gone(error.code ?? "silent")))
    socket.once("close", () => end(gone("silent")))
  })
}

/** Whether commands shall be taken to a daemon at all. */
export const daemonAllowed = (environment: Environment): boolean => environment["AUTOMATELINUX_DAEMON"] !== "never"

/** Asks the daemon of this user, or else the system's. If there is none, the first path says why. */
export const requestDaemon = async <N extends keyof Results>(question: Question<N>): Promise<DaemonReply<N>> => {
  const matters = !commands[question.command].readOnly
  let first: NoDaemon | undefined
  for (const path of clientPaths(question.environment, currentUid())) {
    const asked = await requestAt(path, { ...question, matters })
    if (asked._tag !== "NoDaemon") return asked
    first ??= asked
  }
  return first ?? { _tag: "NoDaemon", path: "", why: "ENOENT" }
}

/** What comes of a question of `command` at `path`, within `limit` milliseconds; `any` as for `requestDaemon`. */
export const requestOnce = <N extends keyof Results>(
  path: string,
  command: N,
  environment: Environment,
  limit: number,
  any = false
): Promise<DaemonReply<N>> => requestAt(path, { command, payload: {}, environment, limit, any })
