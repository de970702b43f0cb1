import { readlinkSync } from "node:fs"
import { daemonLog } from "../config/paths.ts"
import { IDENTIFYING_NAMES } from "../config/settings.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { DaemonReport, StartResult, StopResult } from "../domain/Control.ts"
import type { Environment } from "../domain/Environment.ts"
import { nameOfUser } from "../machine/processes.ts"
import { tryRead } from "../machine/tryRead.ts"
import { answered } from "../service/answered.ts"
import { type Owner, ownerOf } from "../service/owner.ts"
import { installedManager, LOGS } from "../service/service.ts"
import { fingerprintOf, UNREADABLE } from "../socket/configFingerprint.ts"
import { ownPaths, unusableSocket, wrongServedPath } from "../socket/socketPath.ts"
import { startText, stopText } from "../text/controlText.ts"
import { type Printed, printedJson } from "../text/printed.ts"
import { daemonText, PLAINLY } from "../text/statusText.ts"
import type { ControlMeans } from "./ControlMeans.ts"
import { endDaemon } from "./endDaemon.ts"
import { type Found, findDaemon, pathsOf, unanswered } from "./findDaemon.ts"
import { spawnDaemon } from "./spawnDaemon.ts"

/** Runs `d daemon start`, `stop`, `restart` and `status`: a daemon in the background, without a service manager. */

const fail = (code: CommandError["code"], message: string, hint: string): CommandFailed =>
  new CommandFailed({ code, message, hint })

/** Notes why commands of this process may not use the daemon that answers, or find another version. */
const noteDifferences = async (
  { difference, status }: Found,
  { tell, version }: Pick<ControlMeans, "tell" | "version">
): Promise<void> => {
  const changed = status?.settings.changed ?? []
  if (difference !== undefined) await tell(`note: ${difference}`)
  else if (changed.length > 0)
    await tell(
      `note: settings that changed after the daemon was started: ${changed.join(", ")}; d daemon restart applies them`
    )
  if (status !== undefined && status.version !== version)
    await tell(`note: the daemon has version ${status.version}, but d has ${version}: d daemon restart`)
}

/** Has the service start the daemon, if one is installed for this socket: a daemon beside it would keep it from starting. */
const startService = async (means: ControlMeans): Promise<StartResult | undefined> => {
  const manager = installedManager(means)
  if (manager === undefined) return undefined
  manager.start()
  const running = await answered(manager.name, LOGS, means.ping)
  await means.tell(`note: ${manager.name} runs it: d service status shows more`)
  // It has the settings of the service, and not those of this shell.
  const found = await findDaemon([means.socket], means.environment, means.uid)
  if (found !== undefined) await noteDifferences(found, means)
  return { socket: means.socket, ...running, started: true }
}

/** Fails if no daemon can serve the path that the environment names. */
const refusePath = ({ environment, uid }: ControlMeans): void => {
  const wrong = wrongServedPath(environment, uid)
  if (wrong !== undefined) throw new CommandFailed(wrong)
}

const start = async (means: ControlMeans): Promise<StartResult> => {
  const { environment, own, ping, socket, uid } = means
  refusePath(means)
  const found = await findDaemon(ownPaths(environment, uid), environment, uid)
  if (found?.isSilent) throw unanswered(found)
  if (found?.status !== undefined) {
    await noteDifferences(found, means)
    return { socket: found.path, pid: found.pid, version: found.status.version, started: false }
  }
  const byService = await startService(means)
  if (byService !== undefined) return byService
  // One that holds the lock and has no socket yet is starting: another that is started waits for it.
  return { socket, ...(await spawnDaemon(own, environment, daemonLog(environment), ping)), started: true }
}

/**
 * Whether a daemon differs from its own settings as they are now, so that it may be of this registry although it serves another:
 * settings that identify the registry were changed since it was started, or neither it nor this process can read them.
 */
const isOutdated = ({ status }: Found, environment: Environment): boolean =>
  status !== undefined &&
  (fingerprintOf(environment) === UNREADABLE
    ? status.settings.problem !== null
    : IDENTIFYING_NAMES.some((name) => status.settings.changed.includes(name)))

/** Refuses to end a daemon that is not this user's, or not of this registry. */
const refuseOthers = (found: Found, { environment, uid }: ControlMeans): void => {
  const { isOwn, otherRegistry, owner, path, pid } = found
  const daemon = `the daemon at ${path}, pid ${pid},`
  if (!isOwn && owner !== undefined && owner !== uid)
    throw fail("conflict", `${daemon} belongs to ${nameOfUser(owner)}`, "only its owner can end it")
  if (!isOwn)
    throw fail("conflict", `${daemon} is not a process of this machine`, "if it runs in a container, end it there")
  if (otherRegistry !== undefined && !isOutdated(found, environment))
    throw fail("conflict", `${daemon} was not ended: ${otherRegistry}`, `if it should end: kill ${pid}`)
}

/** Returns the daemon that a client of this environment finds. Fails if the socket is not trusted. */
const findAny = async ({ environment, uid }: ControlMeans): Promise<Found | undefined> => {
  const wrong = unusableSocket(environment, uid)
  if (wrong !== undefined) throw new CommandFailed(wrong)
  return findDaemon(pathsOf(environment, uid), environment, uid)
}

const stop = async (means: ControlMeans): Promise<StopResult> => {
  const { socket, uid } = means
  const found = await findAny(means)
  if (found === undefined) return { socket, pid: null }
  refuseOthers(found, means)
  const owner = ownerOf(found.pid, means)
  if (owner?.stop !== undefined) {
    const again = owner.again === undefined ? "" : `, and ${owner.again} starts it at the next command`
    throw fail("conflict", `${owner.name} runs the daemon, pid ${found.pid}${again}`, owner.stop)
  }
  await endDaemon(found, uid)
  return { socket: found.path, pid: found.pid }
}

/** Has the service restart its daemon. */
const restartService = async (owner: Owner, found: Found, { ping }: ControlMeans): Promise<StartResult> => {
  owner.restart()
  const running = await answered(owner.name, owner.logs, () => ping(found.path), found.pid)
  return { socket: found.path, ...running, started: true }
}

const restart = async (means: ControlMeans): Promise<StartResult> => {
  const { environment, uid } = means
  refusePath(means)
  const found = await findAny(means)
  if (found === undefined) return start(means)
  refuseOthers(found, means)
  const { file, problem = null } = found.status?.settings ?? {}
  if (problem !== null)
    throw fail("invalid", `no daemon can be started with the current settings: ${problem}`, `correct ${file}`)
  const owner = ownerOf(found.pid, means)
  if (owner !== undefined) return restartService(owner, found, means)
  if (!ownPaths(environment, uid).includes(found.path))
    throw fail(
      "conflict",
      `the daemon at ${found.path}, pid ${found.pid}, stands in front of another one, and AUTOMATELINUX_FORWARD is not set`,
      "set AUTOMATELINUX_FORWARD as it was set for this daemon"
    )
  await endDaemon(found, uid)
  return start(means)
}

/** Returns the file that the daemon `pid` logs to, if this system shows it. */
const logOf = (pid: number): string | null => {
  const file = tryRead(() => readlinkSync(`/proc/${pid}/fd/2`), "")
  return file.startsWith("/") && !file.startsWith("/dev/") && !file.endsWith(" (deleted)") ? file : null
}

const status = async (means: ControlMeans): Promise<DaemonReport> => {
  const { environment, noDaemon } = means
  const found = await findAny(means)
  if (found === undefined) throw new CommandFailed(await noDaemon())
  if (found.status === undefined) throw unanswered(found)
  await noteDifferences(found, means)
  const { pid, uptimeSeconds, version } = found.status
  const service = found.isOwn ? (ownerOf(pid, means)?.name ?? null) : null
  const log = found.isOwn ? logOf(pid) : null
  const startedBy = service !== null ? "service" : log === daemonLog(environment) ? "start" : null
  return { version, pid, uptimeSeconds, socket: found.path, log, startedBy, service }
}

/** The output of `d daemon ACTION`. */
interface ControlOutput {
  readonly text: Printed
  /** Whether something was changed. */
  readonly isChange: boolean
}

interface Request {
  readonly action: string
  readonly json: boolean
  /** How a terminal shows a time span; undefined if the text goes elsewhere. */
  readonly span: ((seconds: number) => string) | undefined
}

/** Runs `d daemon ACTION`, and returns its output, or its error. */
export const runControl = async (
  { action, json, span = PLAINLY.span }: Request,
  means: ControlMeans
): Promise<ControlOutput | CommandError> => {
  const output = <A>(result: A, text: (result: A) => Printed, isChange: boolean): ControlOutput => ({
    text: json ? printedJson(result) : text(result),
    isChange
  })
  try {
    if (action === "status") return output(await status(means), (report) => daemonText(report, { span }), false)
    if (action === "stop") return output(await stop(means), stopText, true)
    return output(await (action === "restart" ? restart : start)(means), startText, true)
  } catch (error) {
    if (error instanceof CommandFailed) return error.error
    throw error
  }
}
