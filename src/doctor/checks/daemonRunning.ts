import * as Effect from "effect/Effect"
import type { Status } from "../../commands/Results.ts"
import { SETTING_NAMES } from "../../config/settings.ts"
import { type Finding, fix } from "../../domain/Finding.ts"
import { otherRegistry } from "../../socket/otherRegistry.ts"
import { sudo } from "../../text/describe.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check } from "../DoctorContext.ts"
import type { DaemonProbe } from "../probeDaemon.ts"
import { edit, RESTART } from "../remedies.ts"

type Judgement = Omit<Finding, "check" | "keys" | "ports">

/** The command that shows the process listening on a socket. */
const serverOf = (path: string): string => `ss -xlp src ${shellWord(path)}`

type Unreachable = DaemonProbe & { readonly _tag: "Unreachable" }

/** Returns the fix that makes a daemon reachable again. It makes its socket again unless something prevents it. */
const reach = ({ inTheWay, path, pid, stopped }: Unreachable) => {
  if (stopped) return fix(`kill -CONT ${pid}`)
  const again = "and the daemon makes its socket again within 5 seconds"
  switch (inTheWay) {
    case "file":
      return fix(`ls -ld ${shellWord(path)}`, `move it away if nothing needs it, ${again}`)
    case "program":
      return fix(serverOf(path), `shows the program; end it, ${again}`)
    case undefined:
      return fix(RESTART, "only if the socket is not back after 5 seconds")
  }
}

/** Reports a daemon that is running and has lost its socket. */
const unreachable = (state: Unreachable): Judgement => ({
  severity: "error",
  message: `a daemon is running, but does not answer at ${state.path}`,
  evidence: `pid ${state.pid} holds its lock${state.stopped ? ", and is stopped" : ""}; ${state.seen}`,
  ...reach(state)
})

const ELSEWHERE = 'export AUTOMATELINUX_PORTS_SOCKET="$HOME/.automatelinux.sock"; d daemon start'

/** Reports why no daemon answers. */
const judge = (state: Exclude<DaemonProbe, { readonly _tag: "Serving" | "Unreachable" }>): Judgement => {
  const { path } = state
  switch (state._tag) {
    case "None":
      return {
        severity: "info",
        message: "no daemon is running: commands are slower and port health is not tracked",
        evidence: `there is no socket at ${path}`,
        ...fix("d daemon start")
      }
    case "Misnamed":
      return {
        severity: "error",
        message: "no daemon can be started or reached: the path of its socket is invalid",
        evidence: state.problem,
        ...fix("unset AUTOMATELINUX_PORTS_SOCKET")
      }
    case "Untrusted": {
      const { at, mode, why } = state.place
      return {
        severity: "warning",
        message: `the socket ${path} is not used: another user could have made it`,
        evidence: why,
        ...(mode
          ? fix(`${sudo}chmod go-w ${shellWord(at)}`)
          : state.given
            ? fix("unset AUTOMATELINUX_PORTS_SOCKET", "or name one in a directory of your own")
            : fix(ELSEWHERE, "one that only you can reach"))
      }
    }
    case "Dead":
      return {
        severity: "error",
        message: `the socket ${path} is dead: its daemon is gone`,
        evidence: "connecting to it is refused",
        ...fix("d doctor --fix", "or start one: d daemon start")
      }
    case "NoSocket":
      return {
        severity: "error",
        message: `no daemon can be started or reached: ${path} is not a socket`,
        evidence: "connecting to it is refused",
        ...fix(`ls -ld ${shellWord(path)}`, "move it away if nothing needs it, then start a daemon: d daemon start")
      }
    case "Forbidden":
      return {
        severity: "error",
        message: `you may not use the socket ${path}`,
        evidence: state.owner === undefined ? "you may not enter its directory" : `it belongs to uid ${state.owner}`,
        ...(state.given
          ? fix("unset AUTOMATELINUX_PORTS_SOCKET", "or have its owner set AUTOMATELINUX_SOCKET_GROUP")
          : fix(ELSEWHERE, "one that you can reach"))
      }
    case "Silent": {
      const { process } = state
      return {
        severity: "error",
        message: `the daemon at ${path} does not answer`,
        evidence:
          process === undefined
            ? "an unknown process accepts connections but does not reply"
            : `pid ${process.pid} accepts connections but does not reply${process.stopped ? "; it is stopped" : ""}`,
        ...(process === undefined
          ? fix(serverOf(path), "shows the process, if you may see it")
          : fix(process.stopped ? `kill -CONT ${process.pid}` : `kill -9 ${process.pid}; d daemon start`))
      }
    }
    case "Foreign":
      return {
        severity: "info",
        message: `the socket ${path} is served by ${state.what}; commands run without it`,
        evidence: state.why,
        ...fix(ELSEWHERE, "one of this registry")
      }
  }
}

/** Reports a daemon that was started with other settings than are in effect now. */
const outdated = (path: string, { pid, settings }: Status): ReadonlyArray<Judgement> => {
  const { changed, file, problem } = settings
  const names = SETTING_NAMES.filter((name) => changed.includes(name))
  const evidence = `pid ${pid}, at ${path}, uses the settings that it was started with`
  if (problem !== null) {
    return [
      {
        severity: "warning",
        message: `no daemon can be started with the current settings: ${problem}`,
        evidence,
        ...fix(edit(file))
      }
    ]
  }
  if (names.length === 0) return []
  return [
    {
      severity: "warning",
      message: `the daemon was started before these settings were changed: ${names.join(", ")}`,
      evidence: `${evidence}; the configuration file is ${file}`,
      ...fix(RESTART)
    }
  ]
}

/** Checks that a daemon answers, of the same version, with the settings that are in effect. */
export const daemonRunning: Check = (context) =>
  Effect.gen(function* () {
    const state = yield* context.daemon
    const status = yield* context.status
    const judgements: Array<Judgement> = status === undefined ? [] : [...outdated(state.path, status)]
    if (state._tag === "Unreachable") judgements.push(unreachable(state))
    else if (state._tag === "Serving") {
      if (state.version !== context.version)
        judgements.push({
          severity: "warning",
          message: `the daemon has version ${state.version}, but d has ${context.version}`,
          evidence: `pid ${state.pid}, at ${state.path}`,
          ...fix(RESTART)
        })
      // A daemon whose settings were changed serves another registry because of that.
    } else if (judgements.length === 0) judgements.push(judge(state))
    const other = yield* Effect.promise(() => otherRegistry(context.environment))
    if (other !== undefined)
      judgements.push({
        severity: "warning",
        message: other.message,
        evidence: "two registries assign the same ports, and neither knows what the other has assigned",
        ...fix(null, other.hint)
      })
    return judgements.map((judgement) => ({ ...judgement, keys: [], ports: [] }))
  })
