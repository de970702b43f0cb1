import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import type { ServiceFile, ServiceResult, ServiceScope, ServiceStatus } from "../domain/Service.ts"
import { isInNpxCache, type OwnProgram } from "../machine/ownProgram.ts"
import { pause } from "../machine/pause.ts"
import { findFile, removeEmpty, replace } from "../machine/replaceFile.ts"
import { tryRead } from "../machine/tryRead.ts"
import { userName } from "../machine/user.ts"
import { asTyped } from "../text/escape.ts"
import { type Printed, printedJson } from "../text/printed.ts"
import { serviceText, statusText } from "../text/serviceText.ts"
import { shellWord } from "../text/shell.ts"
import { filesOf, installedProgram, isOurs, lingers, placesOf, SERVICE, SOCKET, scopeOf, type Wanted } from "./files.ts"
import { ServiceFailed, type Systemctl, scopeWords, systemctlFor, withRuntimeDirectory } from "./systemctl.ts"

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

const textOf = (file: string): string | undefined => tryRead(() => readFileSync(file, "utf8"), undefined)

const changeOf = ({ file, text }: Wanted): ServiceFile => {
  const now = textOf(file)
  return { file, text, change: now === undefined ? "made" : now === text ? "none" : "changed" }
}

/** Writes or removes a file, or fails with the system's reason. */
const put = (file: string, text: string | undefined, mode: number): void => {
  try {
    replace(findFile(file), text, mode)
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    throw new ServiceFailed({
      code: "unavailable",
      message: `${file} cannot be written: ${code}`,
      hint: `ls -ld ${dirname(file)}`
    })
  }
}

const pidOf = (systemctl: Systemctl): number =>
  Number(systemctl(["show", "--property", "MainPID", "--value", SERVICE], true))

/** Refuses to replace or remove what was not written by `d service`. */
const refuseForeign = (files: ReadonlyArray<string>): void => {
  const foreign = files.find((file) => !isOurs(textOf(file) ?? ""))
  if (foreign === undefined) return
  throw new ServiceFailed({
    code: "conflict",
    message: `${asTyped(foreign)} was not written by d service`,
    hint: `to have d write it, move it away: mv ${shellWord(foreign)} ${shellWord(`${foreign}.bak`)}`
  })
}

/** Refuses to install beside a daemon that was started in another way. */
const refuseAnother = async (systemctl: Systemctl, { ping }: ServiceMeans): Promise<void> => {
  if (systemctl(["is-active", SOCKET], true) === "active") return
  const running = await ping()
  if (running === undefined || running.pid === pidOf(systemctl)) return
  throw new ServiceFailed({
    code: "conflict",
    message: `a daemon runs already, pid ${running.pid}, and not as this service`,
    hint: `kill ${running.pid}, and run this again; if a service starts it, disable that first`
  })
}

/** Returns the daemon once it answers, or fails. */
const answered = async ({ ping }: ServiceMeans): Promise<Running> => {
  for (const over = performance.now() + ANSWER_MS; performance.now() < over; ) {
    const running = await ping()
    if (running !== undefined) return running
    await pause(EVERY_MS)
  }
  throw new ServiceFailed({
    code: "unavailable",
    message: `${SERVICE} was started, and its daemon does not answer`,
    hint: "d service logs shows why"
  })
}

/** Tells what may surprise later. */
const tellLimits = async (scope: ServiceScope, { environment, own, tell }: ServiceMeans): Promise<void> => {
  if (isInNpxCache(own.script))
    await tell("warning: this d is in the cache of npx, which npm may empty: npm install -g automatelinux-ports first")
  const unseen = Object.keys(environment).filter(
    (name) => name.startsWith("AUTOMATELINUX_") && name !== "AUTOMATELINUX_PORTS_SOCKET" && environment[name]
  )
  if (unseen.length > 0)
    await tell(`note: the service does not see ${unseen.join(", ")} of this shell; the configuration file is for both`)
  const user = userName()
  if (scope === "user" && !lingers(user))
    await tell(`note: the service ends when you log out; to keep it running: loginctl enable-linger ${shellWord(user)}`)
}

const install = async (
  systemctl: Systemctl,
  scope: ServiceScope,
  dryRun: boolean,
  means: ServiceMeans
): Promise<ServiceResult> => {
  const isNamed = Boolean(means.environment["AUTOMATELINUX_PORTS_SOCKET"])
  const wanted = filesOf({ scope, own: means.own, socket: means.socket, isNamed }, means.environment)
  const files = wanted.map(changeOf)
  const result: ServiceResult = { scope, dryRun, files, pid: null }
  refuseForeign(files.flatMap(({ change, file }) => (change === "changed" ? file : [])))
  if (dryRun) return result
  await refuseAnother(systemctl, means)
  if (files.some(({ change }) => change !== "none")) {
    for (const { file, mode, text } of wanted) put(file, text, mode)
    systemctl(["daemon-reload"])
    // A socket cannot be opened anew while its service runs.
    systemctl(["stop", ...UNITS], true)
  }
  systemctl(["enable", "--now", ...UNITS])
  const running = await answered(means)
  // It was upgraded in its place: the files are the same, and the daemon is the old one.
  if (running.version !== means.version) systemctl(["restart", SERVICE])
  const { pid } = running.version === means.version ? running : await answered(means)
  await tellLimits(scope, means)
  return { ...result, pid }
}

const uninstall = (
  systemctl: Systemctl,
  scope: ServiceScope,
  dryRun: boolean,
  { environment, socket }: ServiceMeans
): ServiceResult => {
  const places = placesOf(scope, environment)
  const there = Object.values(places).filter((file) => existsSync(file))
  refuseForeign(there)
  const files = there.map((file): ServiceFile => ({ file, change: "removed", text: null }))
  if (dryRun || there.length === 0) return { scope, dryRun, files, pid: null }
  systemctl(["disable", "--now", ...UNITS], true)
  for (const file of there) put(file, undefined, 0)
  systemctl(["daemon-reload"])
  for (const file of [...Object.values(places), socket]) removeEmpty([dirname(file)])
  return { scope, dryRun, files, pid: null }
}

const status = (systemctl: Systemctl, scope: ServiceScope, { environment, socket }: ServiceMeans): ServiceStatus => {
  const places = placesOf(scope, environment)
  const own = installedProgram(scope, environment)
  return {
    scope,
    installed: existsSync(places.service),
    enabled: systemctl(["is-enabled", SERVICE], true) === "enabled",
    state: systemctl(["is-active", SERVICE], true),
    pid: pidOf(systemctl) || null,
    socket,
    program: own === undefined ? null : { ...own, isThere: existsSync(own.node) && existsSync(own.script) }
  }
}

/** Shows what the daemon has logged. */
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
    throw new ServiceFailed({
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

/** Runs `d service`, and returns what it prints, or its error. */
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
    if (error instanceof ServiceFailed) return error.error
    throw error
  }
}
