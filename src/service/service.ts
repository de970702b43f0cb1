import { spawnSync } from "node:child_process"
import { dirname } from "node:path"
import type { CommandError } from "../domain/CommandError.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import type { ServiceFile, ServiceResult, ServiceScope, ServiceStatus } from "../domain/Service.ts"
import { filesOnDisk } from "../files/filesOnDisk.ts"
import { refused } from "../files/problem.ts"
import { isInNpxCache, type OwnProgram } from "../machine/ownProgram.ts"
import { pause } from "../machine/pause.ts"
import { removeEmpty } from "../machine/replaceFile.ts"
import { userName } from "../machine/user.ts"
import { type Printed, printedJson } from "../text/printed.ts"
import { serviceText, statusText } from "../text/serviceText.ts"
import { shellWord } from "../text/shell.ts"
import { filesOf, installedProgram, isOurs, lingers, SERVICE, SOCKET, scopeOf } from "./files.ts"
import { type Systemctl, scopeWords, systemctlFor, withRuntimeDirectory } from "./systemctl.ts"

/** A daemon that answers. */
interface Running {
  readonly pid: number
  readonly version: string
}

/** The means that the client provides to `d service`. */
export interface ServiceMeans {
  readonly environment: Environment
  readonly uid: number
  readonly own: OwnProgram
  /** The path of the daemon's socket. */
  readonly socket: string
  /** Asks the daemon who it is; undefined if none answers. */
  readonly ping: () => Promise<Running | undefined>
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

/** How long the daemon may take until it answers: it may wait for a database first. */
const ANSWER_MS = 15_000
const EVERY_MS = 100

const NOT_RUNNING = 3

const UNITS = [SOCKET, SERVICE]

/** Variables that change the registry or the socket, and that a service of systemd does not inherit from a shell. */
const UNSEEN = /^(AUTOMATELINUX_(?!PORTS_SOCKET$)|AUTOMATE_LINUX_SOCKET_PATH$|XDG_(CONFIG|STATE)_HOME$)/

/** Returns the state of the service as systemd has it. */
const unitState = (systemctl: Systemctl) => {
  const shown = systemctl("show", "--property=MainPID,ActiveState,UnitFileState", SERVICE)
  const values = new Map(shown.split("\n").map((line) => [line.split("=", 1)[0], line.replace(/^[^=]*=/, "")]))
  return {
    enabled: values.get("UnitFileState") === "enabled",
    state: values.get("ActiveState") ?? "unknown",
    pid: Number(values.get("MainPID")) || null
  }
}

/** Refuses to install beside a daemon that was started in another way. */
const refuseAnother = async (systemctl: Systemctl, { ping }: ServiceMeans): Promise<void> => {
  if (systemctl("show", "--property=ActiveState", "--value", SOCKET) === "active") return
  const running = await ping()
  if (running === undefined || running.pid === unitState(systemctl).pid) return
  throw new CommandFailed({
    code: "conflict",
    message: `a daemon that this service did not start is running, pid ${running.pid}`,
    hint: `kill ${running.pid}, and run this again; if a service starts it, disable that first`
  })
}

/** Refuses what systemd would not find, or what this service is not for. */
const refuseElsewhere = (systemctl: Systemctl, { environment }: ServiceMeans, unit: string): void => {
  if (environment["AUTOMATELINUX_FORWARD"])
    throw new CommandFailed({
      code: "invalid",
      message: "AUTOMATELINUX_FORWARD is set: a daemon in front of another one needs a unit of its own",
      hint: "docs/moving-in.md has it; or unset AUTOMATELINUX_FORWARD"
    })
  const directories = systemctl("show", "--property=UnitPath", "--value").split(" ")
  if (directories.some((directory) => unit.startsWith(`${directory}/`))) return
  throw new CommandFailed({
    code: "invalid",
    message: `systemd does not look for units where ${unit} would be`,
    hint: "unset XDG_CONFIG_HOME, which the session of this user does not have, and run this again"
  })
}

/** Returns the daemon once it answers, or fails. */
const answered = async ({ ping }: ServiceMeans): Promise<Running> => {
  for (const over = performance.now() + ANSWER_MS; performance.now() < over; ) {
    const running = await ping()
    if (running !== undefined) return running
    await pause(EVERY_MS)
  }
  throw new CommandFailed({
    code: "unavailable",
    message: `${SERVICE} was started, and its daemon does not answer`,
    hint: "d service logs shows why"
  })
}

/** Notes what is easily overlooked. */
const noteLimits = async (scope: ServiceScope, { environment, own, tell }: ServiceMeans): Promise<void> => {
  if (isInNpxCache(own.script))
    await tell("warning: this d is in the cache of npx, which npm may empty: npm install -g automatelinux-ports first")
  const unseen = Object.keys(environment).filter((name) => UNSEEN.test(name) && environment[name])
  if (unseen.length > 0)
    await tell(
      `note: the service does not inherit ${unseen.join(", ")} from this shell; set what it needs in the configuration file`
    )
  const user = userName()
  if (scope === "user" && !lingers(user))
    await tell(
      `note: the service stops when you log out; to keep it running: loginctl enable-linger ${shellWord(user)}`
    )
}

/** Starts what is installed, and returns the daemon that answers. */
const start = async (systemctl: Systemctl, isChanged: boolean, means: ServiceMeans): Promise<Running> => {
  if (isChanged) {
    systemctl("daemon-reload")
    // A socket cannot be opened anew while its service runs.
    systemctl("stop", ...UNITS)
  }
  systemctl("enable", "--now", ...UNITS)
  const running = await answered(means)
  if (running.version === means.version) return running
  // d was upgraded in its place: the files are the same, and the daemon is the old one.
  systemctl("restart", SERVICE)
  return answered(means)
}

const install = async (
  systemctl: Systemctl,
  scope: ServiceScope,
  dryRun: boolean,
  means: ServiceMeans
): Promise<ServiceResult> => {
  const disk = filesOnDisk()
  const wanted = filesOf({ scope, ...means }, means.environment)
  const files = wanted.map(({ file, text }): ServiceFile => {
    const now = disk.read(file)
    if (now !== undefined && !isOurs(now)) throw refused(file, FOREIGN)
    return { file, text, change: now === undefined ? "made" : now === text ? "none" : "changed" }
  })
  refuseElsewhere(systemctl, means, files.at(-1)?.file ?? "")
  await refuseAnother(systemctl, means)
  const result: ServiceResult = { scope, dryRun, files, pid: null }
  if (dryRun) return result
  const isChanged = files.some(({ change }) => change !== "none")
  if (isChanged) disk.write(wanted)
  const { pid } = await start(systemctl, isChanged, means)
  await noteLimits(scope, means)
  return { ...result, pid }
}

const FOREIGN = { problem: "was not written by d service", hint: "to have d write it, move it away" }

const uninstall = (systemctl: Systemctl, scope: ServiceScope, dryRun: boolean, means: ServiceMeans): ServiceResult => {
  const disk = filesOnDisk()
  const there = filesOf({ scope, ...means }, means.environment).filter(({ file }) => {
    const now = disk.read(file)
    if (now !== undefined && !isOurs(now)) throw refused(file, FOREIGN)
    return now !== undefined
  })
  const files = there.map(({ file }): ServiceFile => ({ file, change: "removed", text: null })).reverse()
  if (dryRun || there.length === 0) return { scope, dryRun, files, pid: null }
  systemctl("disable", "--now", ...UNITS)
  disk.write(there.map((each) => ({ ...each, text: undefined })))
  systemctl("daemon-reload")
  removeEmpty([dirname(means.socket)])
  return { scope, dryRun, files, pid: null }
}

const status = (systemctl: Systemctl, scope: ServiceScope, means: ServiceMeans): ServiceStatus => {
  const disk = filesOnDisk()
  const files = filesOf({ scope, ...means }, means.environment)
  return {
    scope,
    installed: files.every(({ file }) => isOurs(disk.read(file) ?? "")),
    ...unitState(systemctl),
    socket: means.socket,
    program: installedProgram(scope, means.environment) ?? null
  }
}

/** Shows what the daemon has logged, and returns the exit code of journalctl. */
const logs = (scope: ServiceScope, follow: boolean, { environment, uid }: ServiceMeans): number => {
  const words = [
    ...scopeWords(scope),
    "--unit",
    SERVICE,
    "--lines",
    "100",
    "--no-pager",
    ...(follow ? ["--follow"] : [])
  ]
  const { error, status: code } = spawnSync("journalctl", words, {
    env: withRuntimeDirectory(environment, uid),
    stdio: "inherit"
  })
  if (error !== undefined)
    throw new CommandFailed({
      code: "unavailable",
      message: "journalctl was not found",
      hint: "install systemd's journal"
    })
  return code ?? 0
}

/** The output of `d service`, and its exit code. */
export interface ServiceOutput {
  readonly text: Printed | undefined
  readonly exitCode: number
}

/** Runs `d service`, and returns its output, or its error. */
export const runService = async (request: Request, means: ServiceMeans): Promise<ServiceOutput | CommandError> => {
  const { action, dryRun, follow, json } = request
  const { environment, uid } = means
  const scope = scopeOf(uid)
  try {
    const systemctl = systemctlFor(scope, environment, uid)
    if (action === "logs") return { text: undefined, exitCode: logs(scope, follow, means) }
    if (action === "status") {
      const found = status(systemctl, scope, means)
      return { text: json ? printedJson(found) : statusText(found), exitCode: found.pid === null ? NOT_RUNNING : 0 }
    }
    const result =
      action === "install" ? await install(systemctl, scope, dryRun, means) : uninstall(systemctl, scope, dryRun, means)
    return { text: json ? printedJson(result) : serviceText(result, means.socket), exitCode: 0 }
  } catch (error) {
    if (error instanceof CommandFailed) return error.error
    throw error
  }
}
