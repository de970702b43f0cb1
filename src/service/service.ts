import { dirname } from "node:path"
import type { CommandError } from "../domain/CommandError.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { ServiceFile, ServiceResult, ServiceStatus } from "../domain/Service.ts"
import { type Files, filesOnDisk } from "../files/filesOnDisk.ts"
import { refused } from "../files/problem.ts"
import { isInNpxCache } from "../machine/ownProgram.ts"
import { removeEmpty } from "../machine/replaceFile.ts"
import { type Printed, printedJson } from "../text/printed.ts"
import { serviceText, statusText } from "../text/serviceText.ts"
import { answered, type Running } from "./answered.ts"
import type { Manager, ManagerMeans } from "./Manager.ts"
import { managerFor } from "./managerFor.ts"
import { installedProgram, isOurs, scopeOf } from "./startScript.ts"

/** The means that the client provides to `d service`. */
export interface ServiceMeans extends ManagerMeans {
  /** Asks the daemon who it is, by default at its path; undefined if none answers. */
  readonly ping: (path?: string) => Promise<Running | undefined>
  /** The version of this d. */
  readonly version: string
  /** Writes lines to standard error. */
  readonly tell: (...lines: ReadonlyArray<string>) => Promise<void>
}

interface Request {
  readonly action: string
  readonly dryRun: boolean
  readonly follow: boolean
  readonly json: boolean
}

const NOT_RUNNING = 3

/** The command that shows what the daemon of the service has logged. */
export const LOGS = "d service logs"

/** Variables that change the registry or the socket, and that a service does not inherit from a shell. */
const UNSEEN = /^(AUTOMATELINUX_(?!PORTS_SOCKET$)|AUTOMATE_LINUX_SOCKET_PATH$|XDG_(CONFIG|STATE)_HOME$)/

/** Refuses to install beside a daemon that was started in another way. */
const refuseAnother = async (manager: Manager, { ping }: ServiceMeans): Promise<void> => {
  if (manager.listens()) return
  const running = await ping()
  if (running === undefined || running.pid === manager.state().pid) return
  throw new CommandFailed({
    code: "conflict",
    message: `a daemon that this service did not start is running, pid ${running.pid}`,
    hint: "d daemon stop, and run this again; if a service starts it, disable that first"
  })
}

/** Refuses what this service is not for. */
const refuseForward = ({ environment }: ServiceMeans): void => {
  if (!environment["AUTOMATELINUX_FORWARD"]) return
  throw new CommandFailed({
    code: "invalid",
    message: "AUTOMATELINUX_FORWARD is set: a daemon in front of another one needs a unit of its own",
    hint: "docs/moving-in.md has it; or unset AUTOMATELINUX_FORWARD"
  })
}

/** Notes what is easily overlooked. */
const noteLimits = async (manager: Manager, { environment, own, tell }: ServiceMeans): Promise<void> => {
  if (isInNpxCache(own.script))
    await tell("warning: this d is in the cache of npx, which npm may empty: npm install -g automatelinux-ports first")
  const unseen = Object.keys(environment).filter((name) => UNSEEN.test(name) && environment[name])
  if (unseen.length > 0)
    await tell(
      `note: the service does not inherit ${unseen.join(", ")} from this shell; set what it needs in the configuration file`
    )
  for (const note of manager.notes()) await tell(note)
}

/** Starts what is installed, and returns the daemon that answers. */
const start = async (manager: Manager, isChanged: boolean, means: ServiceMeans): Promise<Running> => {
  await manager.enable(isChanged)
  manager.start()
  const running = await answered(manager.name, LOGS, means.ping)
  if (running.version === means.version) return running
  // d was upgraded in its place: the files are the same, and the daemon is the old one.
  manager.restart()
  return answered(manager.name, LOGS, means.ping, running.pid)
}

const FOREIGN = { problem: "was not written by d service", hint: "to have d write it, move it away" }

/** Returns a file of the service as it is; undefined if there is none. */
const readOurs = (disk: Files, file: string): string | undefined => {
  const now = disk.read(file)
  if (now !== undefined && !isOurs(now)) throw refused(file, FOREIGN)
  return now
}

const install = async (manager: Manager, dryRun: boolean, means: ServiceMeans): Promise<ServiceResult> => {
  const disk = filesOnDisk()
  const files = manager.files.map(({ file, text }): ServiceFile => {
    const now = readOurs(disk, file)
    return { file, text, change: now === undefined ? "made" : now === text ? "none" : "changed" }
  })
  refuseForward(means)
  manager.checkPlaces()
  await refuseAnother(manager, means)
  const result: ServiceResult = { scope: scopeOf(means.uid), dryRun, files, pid: null }
  if (dryRun) return result
  const isChanged = files.some(({ change }) => change !== "none")
  if (isChanged) disk.write(manager.files)
  const { pid } = await start(manager, isChanged, means)
  await noteLimits(manager, means)
  return { ...result, pid }
}

const uninstall = async (manager: Manager, dryRun: boolean, means: ServiceMeans): Promise<ServiceResult> => {
  const disk = filesOnDisk()
  const there = manager.files.filter(({ file }) => readOurs(disk, file) !== undefined)
  const files = there.map(({ file }): ServiceFile => ({ file, change: "removed", text: null })).reverse()
  const result: ServiceResult = { scope: scopeOf(means.uid), dryRun, files, pid: null }
  if (dryRun || there.length === 0) return result
  await manager.disable()
  disk.write(there.map((each) => ({ ...each, text: undefined })))
  manager.forget()
  removeEmpty([dirname(means.socket)])
  return result
}

/** Returns the manager of the service, if one is installed that serves the daemon's socket. */
export const installedManager = (means: ManagerMeans): Manager | undefined => {
  try {
    const manager = managerFor(means)
    const disk = filesOnDisk()
    const texts = manager.files.map(({ file }) => disk.read(file) ?? "")
    return texts.every(isOurs) && texts.at(-1)?.includes(manager.socketWords) ? manager : undefined
  } catch (error) {
    // No service manager runs here, or a file cannot be read.
    if (error instanceof CommandFailed) return undefined
    throw error
  }
}

const status = (manager: Manager, { environment, socket, uid }: ServiceMeans): ServiceStatus => {
  const disk = filesOnDisk()
  const scope = scopeOf(uid)
  return {
    scope,
    name: manager.name,
    installed: manager.files.every(({ file }) => isOurs(disk.read(file) ?? "")),
    ...manager.state(),
    socket,
    program: installedProgram(scope, environment) ?? null
  }
}

/** The output of `d service`, and its exit code. */
export interface ServiceOutput {
  readonly text: Printed | undefined
  readonly exitCode: number
}

/** Runs `d service`, and returns its output, or its error. */
export const runService = async (request: Request, means: ServiceMeans): Promise<ServiceOutput | CommandError> => {
  const { action, dryRun, follow, json } = request
  try {
    const manager = managerFor(means)
    if (action === "logs") return { text: undefined, exitCode: manager.logs(follow) }
    if (action === "status") {
      const found = status(manager, means)
      return { text: json ? printedJson(found) : statusText(found), exitCode: found.pid === null ? NOT_RUNNING : 0 }
    }
    const result = await (action === "install" ? install : uninstall)(manager, dryRun, means)
    return { text: json ? printedJson(result) : serviceText(result, means.socket), exitCode: 0 }
  } catch (error) {
    if (error instanceof CommandFailed) return error.error
    throw error
  }
}
