import { CommandFailed } from "../domain/CommandFailed.ts"
import { processOf } from "../machine/processes.ts"
import { sudo } from "../text/describe.ts"
import { shellWord } from "../text/shell.ts"
import { launchd } from "./launchd.ts"
import type { ManagerMeans } from "./Manager.ts"
import { LOGS } from "./service.ts"
import { scopeWords, systemctlFor, valuesIn } from "./systemctl.ts"

/** A service that runs a daemon: that of `d service`, or one that a user has written. */
export interface Owner {
  readonly name: string
  readonly restart: () => void
  /** The command that shows what the daemon has logged. */
  readonly logs: string
  /** Set if the daemon must not be ended without the service manager: the command that ends it. */
  readonly stop?: string
  /** The unit that starts the daemon again at the next command, if one does. */
  readonly again?: string
}

const ofLaunchd = (pid: number, means: ManagerMeans): Owner | undefined => {
  const { name, restart, state } = launchd(means)
  // A daemon that is told to stop exits with 0, and launchd leaves it at that.
  return state().pid === pid ? { name, restart, logs: LOGS } : undefined
}

/** A process in the control group of a unit may be one that a terminal has started, so only the unit's main process counts. */
const ofSystemd = (pid: number, { environment, uid }: ManagerMeans): Owner | undefined => {
  const { unit, userUnit } = processOf(pid, new Set())
  if (unit === null) return undefined
  const scope = userUnit ? "user" : "system"
  const systemctl = systemctlFor(scope, environment, uid)
  const values = valuesIn(systemctl("show", "--property=MainPID,TriggeredBy", unit))
  if (Number(values.get("MainPID")) !== pid) return undefined
  const again = values.get("TriggeredBy") ?? ""
  const units = [...again.split(" "), unit].filter((each) => each !== "").map(shellWord)
  const words = [...scopeWords(scope), "stop", ...units].join(" ")
  return {
    name: unit,
    restart: () => void systemctl("restart", unit),
    logs: ["journalctl", ...scopeWords(scope), "--unit", shellWord(unit)].join(" "),
    stop: `${userUnit ? "" : sudo}systemctl ${words}`,
    ...(again === "" ? {} : { again })
  }
}

/** Returns the service that runs the daemon `pid`, if one does. */
export const ownerOf = (pid: number, means: ManagerMeans): Owner | undefined => {
  try {
    return means.platform === "darwin" ? ofLaunchd(pid, means) : ofSystemd(pid, means)
  } catch (error) {
    // No service manager runs here.
    if (error instanceof CommandFailed) return undefined
    throw error
  }
}
