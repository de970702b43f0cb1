import { spawnSync } from "node:child_process"
import { closeSync } from "node:fs"
import { daemonLog } from "../config/paths.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import type { ServiceState } from "../domain/Service.ts"
import { cannot } from "../files/problem.ts"
import { openLog } from "../machine/logFile.ts"
import { pause } from "../machine/pause.ts"
import { LABEL, launchdFiles, socketElement } from "./launchdFiles.ts"
import type { Manager, ManagerMeans } from "./Manager.ts"
import { LINES, showLog } from "./showLog.ts"
import { scopeOf } from "./startScript.ts"

/** The service as launchd keeps it, which starts at the login and holds no socket. */

/** How long launchctl may take. */
const CALL_MS = 30_000
/** How long launchd may take to end a daemon. */
const END_MS = 25_000
const EVERY_MS = 100

interface Done {
  readonly isDone: boolean
  /** Its output, or the reason that it failed. */
  readonly said: string
}

const launchctlFor =
  (environment: Environment) =>
  (...words: ReadonlyArray<string>): Done => {
    const { error, status, stderr, stdout } = spawnSync("launchctl", words, {
      env: { ...environment, LC_ALL: "C" },
      encoding: "utf8",
      timeout: CALL_MS
    })
    if (error !== undefined) return { isDone: false, said: error.message }
    return status === 0 ? { isDone: true, said: stdout } : { isDone: false, said: stderr.trim().split("\n")[0] ?? "" }
  }

/** Makes the log before launchd does, because then others could read it. */
const makeLog = (log: string): void => {
  try {
    closeSync(openLog(log))
  } catch (error) {
    throw cannot("write", log, error)
  }
}

/** Returns launchd as the manager of the service. */
export const launchd = (means: ManagerMeans): Manager => {
  const { environment, socket, uid } = means
  const scope = scopeOf(uid)
  const domain = scope === "system" ? "system" : `gui/${uid}`
  const service = `${domain}/${LABEL}`
  // sudo may keep the HOME of its user, who could replace a log of root's that is in it.
  const log = daemonLog(scope === "system" ? {} : environment)
  const files = launchdFiles(means, log)
  const launchctl = launchctlFor(environment)
  const run = (...words: ReadonlyArray<string>): void => {
    const { isDone, said } = launchctl(...words)
    if (isDone) return
    const isAway = /domain/i.test(said)
    throw new CommandFailed({
      code: "unavailable",
      message: `launchctl ${words.join(" ")} failed: ${said}`,
      hint: isAway ? "log in at the screen of this Mac as this user, and run it again" : `launchctl print ${domain}`
    })
  }
  const isLoaded = () => launchctl("print", service).isDone
  /** Unloads the service, which also ends the daemon, and waits for that: it cannot be loaded again before. */
  const unload = async () => {
    if (!isLoaded()) return
    run("bootout", service)
    for (const over = performance.now() + END_MS; performance.now() < over; await pause(EVERY_MS))
      if (!isLoaded()) return
    throw new CommandFailed({
      code: "unavailable",
      message: `launchd has not ended ${LABEL} within ${END_MS / 1000} s`,
      hint: `launchctl print ${service}`
    })
  }
  const state = (): ServiceState => {
    const { isDone, said } = launchctl("print", service)
    // The service's own properties are indented by one tab, those of what belongs to it by more.
    const property = (name: string) => new RegExp(`^\\t${name} = (.*)$`, "m").exec(said)?.[1]
    return {
      enabled: isDone,
      state: isDone ? (property("state") ?? "unknown") : "not loaded",
      pid: isDone ? Number(property("pid")) || null : null
    }
  }
  return {
    name: LABEL,
    files,
    socketWords: socketElement(socket),
    checkPlaces: () => {},
    listens: () => false,
    state,
    enable: async (isChanged) => {
      if (isChanged) await unload()
      // A daemon that runs would go on writing to the log that is put aside.
      if (isChanged || state().pid === null) makeLog(log)
      run("enable", service)
    },
    start: () => {
      if (isLoaded()) run("kickstart", service)
      else run("bootstrap", domain, files.at(-1)?.file ?? "")
    },
    restart: () => run("kickstart", "-k", service),
    disable: unload,
    forget: () => {},
    logs: (follow) => showLog("tail", ["-n", LINES, ...(follow ? ["-F"] : []), log], environment, `cat ${log}`),
    notes: () => (scope === "user" ? ["note: the service stops when you log out"] : [])
  }
}
