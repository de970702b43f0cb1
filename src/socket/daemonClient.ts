import { readFileSync } from "node:fs"
import { commands, isNumberedChange } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import type { Environment } from "../domain/Environment.ts"
import { tryRead } from "../machine/tryRead.ts"
import { fingerprintOf } from "./configFingerprint.ts"
import { type Reply, readReply } from "./replies.ts"
import { clientPaths, currentUid, isNamed } from "./socketPath.ts"
import { placeOf, type Untrusted } from "./socketTrust.ts"

/**
 * No daemon could be used at a path. `why` is the system's error code, or one of: `silent`, it did not identify itself
 * in time; `busy`, it rejected the request without taking it, as with too many connections; `another program`, its
 * replies are not those of a daemon of d; `untrusted`, nothing was sent because the socket is not trusted.
 */
export interface NoDaemon {
  readonly _tag: "NoDaemon"
  readonly path: string
  readonly why: string
  readonly place?: Untrusted
}

/** The outcome of a request: a reply, no daemon, or a daemon that took the request and did not reply. */
export type DaemonReply<N extends keyof Results> =
  | { readonly _tag: "Reply"; readonly reply: Reply<N> }
  | NoDaemon
  /** `operation` is the operation id, if the request was a change. */
  | { readonly _tag: "Lost"; readonly operation: string | undefined }

/** A daemon that takes longer is suspended or stuck, unless it has reported that it waits longer for its database. */
const REPLY_TIMEOUT_MS = 30_000
/** The time limit for a daemon to identify itself, which it does at once. */
const HANDSHAKE_TIMEOUT_MS = 2000
/** How long a request may take before it is checked whether the daemon still answers a ping, in milliseconds. */
const CHECK_MS = 2000
/** The time limit for that ping. */
const ALIVE_TIMEOUT_MS = 1000
/** How much earlier than the client stops waiting a daemon must start a change, in milliseconds: it takes a while. */
const MARGIN_MS = 5000
/** The longest wait, whatever the daemon reports: a timer cannot be set to more than 24 days. */
const WAIT_MAX_MS = 86_400_000
/** The maximum size of a reply, in bytes: a list of 10,000 assignments has 4 million. */
const REPLY_MAX = 64 * 2 ** 20

/** The lines with which our daemon rejects a request without taking it. */
const NOT_TAKEN = ["ERROR: Too many connections", "ERROR: Line too long"]

/** Sent before a change: a daemon of another kind, which replies in plain text, would just make the change. */
const PING = `${JSON.stringify({ command: "ping", format: "json" })}\n`

/**
 * Returns the time after which a daemon must not start a change that the client waits `wait` milliseconds for. After
 * the wait the client makes the change without the daemon, so a daemon that was suspended must not make it later, nor
 * start one that it would finish too late. The time is by the daemon's own `clock`, because the time of day may be set
 * meanwhile.
 */
const deadlineFor = (wait: number, clock: number): object => ({ deadline: clock + wait - MARGIN_MS })

interface RequestOptions<N extends keyof Results> {
  readonly command: N
  readonly payload: object
  readonly environment: Environment
  /** Accept any registry; otherwise a daemon with a registry other than the environment's replies `other-store`. */
  readonly any?: boolean
  /** The timeout, in milliseconds. By default the longest, with checks whether the daemon still answers. */
  readonly limit?: number
  /** Called once if the daemon at `path` has taken a change, and answers nothing any more. */
  readonly onStuck?: (path: string) => void
  /** Send the request only after the daemon has identified itself. By default if the command may change something. */
  readonly needsHandshake?: boolean
}

interface Request extends Readonly<Record<string, unknown>> {
  /** The operation id of a change, with which it can be sent again. */
  readonly operation?: string | undefined
}

/** Returns a random UUID: the kernel's, because loading `crypto` takes Node 2 ms, a tenth of a start. */
const randomId = (): string =>
  tryRead(() => readFileSync("/proc/sys/kernel/random/uuid", "latin1").trim(), "") || crypto.randomUUID()

const requestOf = ({ any = false, command, environment, payload }: RequestOptions<keyof Results>): Request => ({
  ...payload,
  command,
  format: "json",
  operation: isNumberedChange(command) ? randomId() : undefined,
  ...(any ? {} : { registry: fingerprintOf(environment) })
})

/**
 * Sends a request to the daemon at `path` if the socket is trusted; another user's receives nothing. With
 * `needsHandshake`, a daemon that does not identify itself within a few seconds has not received the request, and
 * counts as absent.
 */
const requestAt = async <N extends keyof Results>(
  path: string,
  options: RequestOptions<N>
): Promise<DaemonReply<N>> => {
  const { command, environment, limit = REPLY_TIMEOUT_MS, needsHandshake = false, onStuck } = options
  const none = (why: string): NoDaemon => ({ _tag: "NoDaemon", path, why })
  const checkPlace = () => placeOf(path, currentUid(), isNamed(path, environment))
  // Checked before `node:net` is loaded, which is only needed if there is a daemon.
  const place = checkPlace()
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
    let nextCheck: NodeJS.Timeout | undefined
    let ended = false
    const end = (reply: DaemonReply<N>) => {
      ended = true
      clearTimeout(timer)
      clearTimeout(nextCheck)
      socket.destroy()
      done(reply)
    }
    const lost = (): DaemonReply<N> => ({ _tag: "Lost", operation: request.operation })
    const lostOrNone = (why: string): DaemonReply<N> => (sent ? lost() : none(why))
    /** Limits the time until a complete line: bytes that trickle in do not extend it. */
    const wait = (milliseconds: number) => {
      clearTimeout(timer)
      timer = setTimeout(() => end(lostOrNone("silent")), milliseconds)
    }
    /** Checks now and then that the daemon is not suspended. What only reads can be done without it. */
    const check = () => {
      nextCheck = setTimeout(async () => {
        const alive = await requestOnce(path, "ping", environment, ALIVE_TIMEOUT_MS, true)
        if (ended) return
        if (alive._tag === "Reply") check()
        else if (needsHandshake) onStuck?.(path)
        else end(none("silent"))
      }, CHECK_MS)
    }
    const send = (milliseconds: number, until: object) => {
      sent = true
      wait(milliseconds)
      if (options.limit === undefined) check()
      socket.write(`${JSON.stringify({ ...request, ...until })}\n`)
    }
    /** Handles a line that is not a valid reply. If a change was sent, it may have been made. */
    const rejectLine = (line?: string) => {
      const busy = NOT_TAKEN.some((each) => each === line)
      end(sent && needsHandshake && !busy ? lost() : none(busy ? "busy" : "another program"))
    }
    wait(Math.min(limit, HANDSHAKE_TIMEOUT_MS))
    socket.once("connect", () => {
      // Where others can create files, our daemon may have exited since the check, and another user's taken its place.
      if (place.isOpen && checkPlace()._tag !== "Trusted") return end(none("ENOENT"))
      if (needsHandshake) socket.write(PING)
      // Built while the daemon replies to the ping.
      request = requestOf(options)
      if (!needsHandshake) send(limit, {})
    })
    socket.on("data", (chunk: Buffer) => {
      const newline = chunk.indexOf(10)
      chunks.push(newline === -1 ? chunk : chunk.subarray(0, newline))
      size += chunk.length
      if (size > REPLY_MAX) return rejectLine()
      if (newline === -1) return
      const line = Buffer.concat(chunks).toString()
      // Data that arrived before the request was sent is not a reply to it.
      chunks = []
      size = 0
      if (sent) {
        const reply = readReply(command, line)
        return reply === undefined ? rejectLine(line) : end({ _tag: "Reply", reply })
      }
      const greeting = readReply("ping", line)
      if (greeting?.ok !== true) return rejectLine(line)
      const { clock, waitSeconds } = greeting.result
      const longest = Math.min(Math.max(limit, waitSeconds * 1000), WAIT_MAX_MS)
      send(longest, deadlineFor(longest, clock))
    })
    socket.once("error", (error: NodeJS.ErrnoException) => end(lostOrNone(error.code ?? "silent")))
    socket.once("close", () => end(lostOrNone("silent")))
  })
}

/** Whether commands may be sent to a daemon at all. */
export const daemonAllowed = (environment: Environment): boolean => environment["AUTOMATELINUX_DAEMON"] !== "never"

/** Sends a request to this user's daemon, or else to the system's. If there is none, returns why for the first path. */
export const requestDaemon = async <N extends keyof Results>(options: RequestOptions<N>): Promise<DaemonReply<N>> => {
  const { needsHandshake = !commands[options.command].readOnly } = options
  let first: NoDaemon | undefined
  for (const path of clientPaths(options.environment, currentUid())) {
    const reply = await requestAt(path, { ...options, needsHandshake })
    if (reply._tag !== "NoDaemon") return reply
    first ??= reply
  }
  return first ?? { _tag: "NoDaemon", path: "", why: "ENOENT" }
}

/** Sends `command` to the daemon at `path`, with a timeout of `limit` milliseconds and without a handshake. */
export const requestOnce = <N extends keyof Results>(
  path: string,
  command: N,
  environment: Environment,
  limit: number,
  any = false
): Promise<DaemonReply<N>> => requestAt(path, { command, payload: {}, environment, limit, any })
