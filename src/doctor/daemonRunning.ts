import * as Effect from "effect/Effect"
import { fix } from "../domain/Finding.ts"
import { shellWord } from "../domain/shell.ts"
import type { DaemonState } from "./daemonState.ts"
import { restart } from "./remedies.ts"
import type { Check, Draft, Scene } from "./scene.ts"

type Judgement = Omit<Draft, "keys" | "ports">

/** What is wrong if a daemon runs and has lost its socket: it makes another, unless something prevents it. */
const unreachable = (scene: Scene, { path, pid, seen, stopped }: DaemonState & { readonly _tag: "Unreachable" }) =>
  Effect.map(
    pid === undefined
      ? Effect.succeed(fix(`ss -xlp src ${shellWord(path)}`, "shows the process, if this user may see it"))
      : stopped
        ? Effect.succeed(fix(`kill -CONT ${pid}`))
        : restart(scene, path, pid),
    (mend): Judgement => ({
      severity: "error",
      message: `a daemon runs, and does not answer at ${path}`,
      evidence: `pid ${pid ?? "unknown"} holds the right to serve it${stopped ? ", and is stopped" : ""}; ${seen}`,
      ...mend
    })
  )

/** What is wrong where no daemon of ours answers. */
const judge = (state: Exclude<DaemonState, { readonly _tag: "Serving" | "Unreachable" }>): Judgement => {
  const { path } = state
  switch (state._tag) {
    case "None":
      return {
        severity: "info",
        message: "no daemon runs: commands take longer, and nobody looks at the ports",
        evidence: `there is no socket at ${path}`,
        ...fix("d daemon")
      }
    case "Dead":
      return {
        severity: "error",
        message: `the socket ${path} is dead: the daemon that made it is gone`,
        evidence: "connecting to it is refused",
        ...fix("d doctor --fix", "or start one: d daemon")
      }
    case "Forbidden":
      return {
        severity: "error",
        message: `this user may not use the socket ${path}`,
        evidence: state.owner === undefined ? "its directory is closed" : `it belongs to uid ${state.owner}`,
        ...(state.given
          ? fix("unset AUTOMATE_LINUX_SOCKET_PATH", "or have its owner set AUTOMATELINUX_SOCKET_GROUP")
          : fix('export XDG_RUNTIME_DIR="/run/user/$(id -u)"', "it is another user's"))
      }
    case "Silent": {
      const { process } = state
      return {
        severity: "error",
        message: `the daemon at ${path} does not answer`,
        evidence:
          process === undefined
            ? "it takes questions and says nothing; which process it is cannot be seen"
            : `pid ${process.pid} takes questions and says nothing${process.stopped ? "; it is stopped" : ""}`,
        ...(process === undefined
          ? fix(`ss -xlp src ${shellWord(path)}`, "shows the process, if this user may see it")
          : fix(process.stopped ? `kill -CONT ${process.pid}` : `kill -9 ${process.pid}; d daemon`))
      }
    }
    case "Foreign":
      return {
        severity: "info",
        message: `the socket ${path} is served by ${state.what}, and commands are run without it`,
        evidence: state.why,
        ...fix('export AUTOMATE_LINUX_SOCKET_PATH="$HOME/.automatelinux.sock"; d daemon', "one of this registry")
      }
  }
}

/** A daemon answers, of the same version. */
export const daemonRunning: Check = (scene) =>
  Effect.gen(function* () {
    const state = yield* scene.daemon
    if (state._tag !== "Serving") {
      const judgement = state._tag === "Unreachable" ? yield* unreachable(scene, state) : judge(state)
      return [{ ...judgement, keys: [], ports: [] }]
    }
    if (state.version === scene.version) return []
    return [
      {
        severity: "warning" as const,
        keys: [],
        ports: [],
        message: `the daemon is of version ${state.version}, and d of ${scene.version}`,
        evidence: `pid ${state.pid}, at ${state.path}`,
        ...(yield* restart(scene, state.path, state.pid))
      }
    ]
  })
