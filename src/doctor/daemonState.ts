import { lstatSync } from "node:fs"
import * as Effect from "effect/Effect"
import type { Status } from "../answers.ts"
import { probe } from "../client.ts"
import type { Process } from "../domain/Listener.ts"
import { cut, LIMITS } from "../domain/text.ts"
import type { Listeners } from "../Listeners.ts"
import { holderOf } from "../lock.ts"
import { clientPaths, currentUid, serverPath } from "../socketPath.ts"

/** What is met at the sockets that a client of this environment tries. */
export type DaemonState =
  | { readonly _tag: "None"; readonly path: string }
  /** There is a socket, and nobody serves it. */
  | { readonly _tag: "Dead"; readonly path: string }
  /** `given` where the environment names the very socket. */
  | { readonly _tag: "Forbidden"; readonly path: string; readonly owner: number | undefined; readonly given: boolean }
  /** Somebody took the question, and never answered. */
  | { readonly _tag: "Silent"; readonly path: string; readonly process: Process | undefined }
  /** A daemon runs, and what is met at its path, which `seen` says, is not its socket. */
  | {
      readonly _tag: "Unreachable"
      readonly path: string
      readonly pid: number | undefined
      readonly stopped: boolean
      readonly seen: string
    }
  /** Another program, or a daemon that keeps another registry. */
  | { readonly _tag: "Foreign"; readonly path: string; readonly what: string; readonly why: string }
  | { readonly _tag: "Serving"; readonly path: string; readonly version: string; readonly pid: number }

type Environment = Readonly<Record<string, string | undefined>>

const LIMIT_MS = 3000

const ANOTHER_PROGRAM = "another program"

/**
 * What a daemon says of itself, whichever registry it keeps, if it says so in time: it may be waiting for its database.
 */
export const statusOf = (state: DaemonState, environment: Environment): Effect.Effect<Status | undefined> =>
  Effect.promise(async () => {
    if (state._tag !== "Serving" && state._tag !== "Foreign") return undefined
    const asked = await probe(state.path, "status", environment, LIMIT_MS, true)
    const status = asked._tag === "Reply" && asked.reply.ok ? (asked.reply.result as Status) : undefined
    // It stands in commands, and another program may say anything.
    return Number.isInteger(status?.pid) ? status : undefined
  })

const stateAt = (path: string, environment: Environment, machine: typeof Listeners.Service) =>
  Effect.gen(function* () {
    const asked = yield* Effect.promise(() => probe(path, "ping", environment, LIMIT_MS))
    if (asked._tag === "Lost" || (asked._tag === "NoDaemon" && asked.why === "silent")) {
      return { _tag: "Silent", path, process: yield* machine.serverOf(path) } satisfies DaemonState
    }
    if (asked._tag === "Reply") {
      const { reply } = asked
      return reply.ok
        ? ({
            _tag: "Serving",
            path,
            version: cut(String(reply.version), LIMITS.name),
            pid: (reply.result as { readonly pid: number }).pid
          } satisfies DaemonState)
        : ({
            _tag: "Foreign",
            path,
            what: "a daemon that keeps another registry",
            why: cut(String(reply.error.message), LIMITS.message)
          } satisfies DaemonState)
    }
    switch (asked.why) {
      case "ECONNREFUSED":
        return { _tag: "Dead", path } satisfies DaemonState
      case "EACCES":
      case "EPERM":
        return {
          _tag: "Forbidden",
          path,
          owner: ownerOf(path),
          given: path === environment["AUTOMATE_LINUX_SOCKET_PATH"]
        } satisfies DaemonState
      case "another program":
        return {
          _tag: "Foreign",
          path,
          what: ANOTHER_PROGRAM,
          why: "it does not answer ping as d does"
        } satisfies DaemonState
      default:
        return undefined
    }
  })

const ownerOf = (path: string): number | undefined => {
  try {
    return lstatSync(path).uid
  } catch {
    return undefined
  }
}

/** Tries the paths in a client's order, until somebody is met. */
const meet = (environment: Environment, machine: typeof Listeners.Service): Effect.Effect<DaemonState> =>
  Effect.gen(function* () {
    const own = serverPath(environment, currentUid())
    for (const path of clientPaths(environment, currentUid())) {
      const state = yield* stateAt(path, environment, machine)
      // What the system's daemon does not let this user do is nobody's fault.
      if (state !== undefined && (path === own || state._tag === "Serving" || state._tag === "Foreign")) return state
    }
    return { _tag: "None", path: own }
  })

/** What is met at the path of a daemon that cannot be reached there. */
const seenAt = (state: DaemonState): string | undefined => {
  switch (state._tag) {
    case "None":
      return `there is no socket at ${state.path}`
    case "Dead":
      return `connecting to ${state.path} is refused`
    case "Foreign":
      return state.what === ANOTHER_PROGRAM ? `${state.path} is served by another program` : undefined
    default:
      return undefined
  }
}

/** Finds the daemon that a client of this environment asks. If none answers, one may run all the same. */
export const findDaemon = (environment: Environment, machine: typeof Listeners.Service): Effect.Effect<DaemonState> =>
  Effect.gen(function* () {
    const state = yield* meet(environment, machine)
    const seen = seenAt(state)
    if (seen === undefined) return state
    const uid = currentUid()
    // The kernel knows who holds the lock, even if that is stopped.
    const pid = holderOf(state.path, uid)
    if (pid === undefined) return state
    const process = yield* machine.process(pid)
    return { _tag: "Unreachable", path: state.path, pid, stopped: process.stopped, seen }
  })
