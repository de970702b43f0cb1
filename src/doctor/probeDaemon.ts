import { lstatSync } from "node:fs"
import * as Effect from "effect/Effect"
import type { Status } from "../commands/Results.ts"
import type { Environment } from "../domain/Environment.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"
import type { Process } from "../domain/Listener.ts"
import type { Listeners } from "../machine/Listeners.ts"
import { requestOnce } from "../socket/daemonClient.ts"
import { holderOf, serverPidOf } from "../socket/socketLock.ts"
import {
  clientPaths,
  currentUid,
  isNamed,
  ownPaths,
  serverPath,
  theirPaths,
  wrongSocketPath
} from "../socket/socketPath.ts"
import type { Untrusted } from "../socket/socketTrust.ts"

/** What is at the sockets that a client of this environment tries. */
export type DaemonProbe =
  | { readonly _tag: "None"; readonly path: string }
  /** The environment names an invalid path. */
  | { readonly _tag: "Misnamed"; readonly path: string; readonly problem: string }
  /** Another user could have made the socket, so it was not used. */
  | { readonly _tag: "Untrusted"; readonly path: string; readonly place: Untrusted; readonly given: boolean }
  /** A socket that no process serves. */
  | { readonly _tag: "Dead"; readonly path: string }
  /** A file of another kind. */
  | { readonly _tag: "NoSocket"; readonly path: string }
  /** This user may not connect. `given` if the environment names the very socket. */
  | { readonly _tag: "Forbidden"; readonly path: string; readonly owner: number | undefined; readonly given: boolean }
  /** A process accepted the request and never replied. */
  | { readonly _tag: "Silent"; readonly path: string; readonly process: Process | undefined }
  /** A daemon is running, but its socket is not at its path. `seen` says what is. */
  | {
      readonly _tag: "Unreachable"
      readonly path: string
      readonly pid: number
      readonly stopped: boolean
      readonly seen: string
      /** What keeps it from making its socket again. */
      readonly inTheWay: "file" | "program" | undefined
    }
  /** Another program, or a daemon that serves another registry. */
  | { readonly _tag: "Foreign"; readonly path: string; readonly what: string; readonly why: string }
  | { readonly _tag: "Serving"; readonly path: string; readonly version: string; readonly pid: number }

const LIMIT_MS = 3000

const ANOTHER_PROGRAM = "another program"

/** Returns a daemon's status, whichever registry it serves, if it replies in time: it may be waiting for its database. */
export const statusOf = (state: DaemonProbe, environment: Environment): Effect.Effect<Status | undefined> =>
  Effect.promise(async () => {
    if (state._tag !== "Serving" && state._tag !== "Foreign") return undefined
    const asked = await requestOnce(state.path, "status", environment, LIMIT_MS, true)
    return asked._tag === "Reply" && asked.reply.ok ? asked.reply.result : undefined
  })

/** Returns the process of the daemon that serves the socket at `path`, if it can be found. */
export const processServing = (path: string, machine: typeof Listeners.Service): Effect.Effect<Process | undefined> =>
  Effect.suspend(() => {
    const pid = serverPidOf(path)
    return pid === undefined ? Effect.succeed(undefined) : machine.process(pid)
  })

const stateAt = (
  path: string,
  environment: Environment,
  machine: typeof Listeners.Service
): Effect.Effect<DaemonProbe | undefined> =>
  Effect.gen(function* () {
    const asked = yield* Effect.promise(() => requestOnce(path, "ping", environment, LIMIT_MS))
    const foreign = (what: string, why: string): DaemonProbe => ({ _tag: "Foreign", path, what, why })
    const given = isNamed(path, environment)
    if (asked._tag === "Lost" || (asked._tag === "NoDaemon" && asked.why === "silent")) {
      return { _tag: "Silent", path, process: yield* processServing(path, machine) }
    }
    if (asked._tag === "Reply") {
      const { reply } = asked
      if (reply.ok) return { _tag: "Serving", path, version: cut(reply.version, LIMITS.name), pid: reply.result.pid }
      const why = cut(reply.error.message, LIMITS.message)
      return reply.error.code === "other-store"
        ? foreign("a daemon that serves another registry", why)
        : foreign("a daemon that does not answer ping", why)
    }
    if (asked.place !== undefined) return { _tag: "Untrusted", path, place: asked.place, given }
    switch (asked.why) {
      case "ECONNREFUSED":
        return { _tag: lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false ? "NoSocket" : "Dead", path }
      case "EACCES":
      case "EPERM":
        return { _tag: "Forbidden", path, owner: ownerOf(path), given }
      case "busy":
        return foreign("a daemon that accepts no more connections", "it says that it has too many")
      case "another program":
        return foreign(ANOTHER_PROGRAM, "it does not answer ping as a daemon of d does")
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

/** Tries the paths in a client's order until something is found. */
const meet = (environment: Environment, machine: typeof Listeners.Service): Effect.Effect<DaemonProbe> =>
  Effect.gen(function* () {
    const own = serverPath(environment, currentUid())
    const wrong = wrongSocketPath(environment)
    if (wrong !== undefined) return { _tag: "Misnamed", path: own, problem: wrong.message }
    const ours = ownPaths(environment, currentUid())
    const theirs = theirPaths(environment, currentUid())
    for (const path of clientPaths(environment, currentUid())) {
      const state = yield* stateAt(path, environment, machine)
      // That the system's daemon does not let this user in is no fault, nor is a path that is not needed.
      const matters = path === own || (ours.includes(path) && state?._tag !== "Untrusted")
      const isOthers = !ours.includes(path) && theirs.includes(path)
      if (state !== undefined && (matters || state._tag === "Serving" || (state._tag === "Foreign" && !isOthers)))
        return state
    }
    return { _tag: "None", path: own }
  })

/** Describes what is at the path of a daemon that cannot be reached there. */
const metAt = (state: DaemonProbe): Pick<DaemonProbe & { _tag: "Unreachable" }, "seen" | "inTheWay"> | undefined => {
  switch (state._tag) {
    case "None":
      return { seen: `there is no socket at ${state.path}`, inTheWay: undefined }
    case "Dead":
      return { seen: `connecting to ${state.path} is refused`, inTheWay: undefined }
    case "NoSocket":
      return { seen: `${state.path} is not a socket`, inTheWay: "file" }
    case "Foreign":
      return state.what === ANOTHER_PROGRAM
        ? { seen: `${state.path} is served by another program`, inTheWay: "program" }
        : undefined
    default:
      return undefined
  }
}

/** Finds the daemon that a client of this environment would use. If none answers, one may still be running. */
export const probeDaemon = (environment: Environment, machine: typeof Listeners.Service): Effect.Effect<DaemonProbe> =>
  Effect.gen(function* () {
    const state = yield* meet(environment, machine)
    const met = metAt(state)
    if (met === undefined) return state
    const uid = currentUid()
    // The kernel knows which process holds the lock, even if it is stopped.
    const pid = holderOf(state.path, uid)
    if (pid === undefined) return state
    const process = yield* machine.process(pid)
    return { _tag: "Unreachable", path: state.path, pid, stopped: process.stopped, ...met }
  })
