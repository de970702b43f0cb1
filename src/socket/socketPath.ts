import { statSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { stateDirectory } from "../config/paths.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { blankProblem } from "../domain/names.ts"
import { quote } from "../text/escape.ts"
import { placeOf, type Untrusted } from "./socketTrust.ts"

/** Finds the daemon's socket. Its path depends only on the environment, never on a file. Imports nothing slow. */

/** A variable that names a socket, and the name of the socket without it. */
interface Role {
  readonly variable: string
  readonly file: string
}

const OURS: Role = { variable: "AUTOMATELINUX_PORTS_SOCKET", file: "automatelinux-ports.sock" }
/** The socket of the AutomateLinux daemon, which its other clients use: served by a daemon that stands in front of it. */
const THEIRS: Role = { variable: "AUTOMATE_LINUX_SOCKET_PATH", file: "automatelinux-daemon.sock" }

const systemPath = ({ file }: Role): string => `/run/automatelinux/${file}`

/** Returns whether `path` is that of root's daemon. */
export const isOwnSystemPath = (path: string): boolean => path === systemPath(OURS)

/** Returns the socket of the daemon that one which is started in this environment stands in front of, if any. */
export const forwardPath = (environment: Environment): string | undefined =>
  environment["AUTOMATELINUX_FORWARD"] || undefined

/** Returns the role of a daemon that is started in this environment. */
const servedRole = (environment: Environment): Role =>
  environment[OURS.variable] || forwardPath(environment) === undefined ? OURS : THEIRS

/** The maximum length of a socket's path, in bytes. Some versions of Node truncate a longer one. */
const PATH_MAX = process.platform === "linux" ? 107 : 103

const fits = (path: string): boolean => Buffer.byteLength(path) <= PATH_MAX

/** Skips the full check for printable ASCII, because it takes longer to load than the rest of this file. */
const hasBlank = (path: string): boolean => !/^[!-~]*$/.test(path) && blankProblem(path) !== undefined

const isUsable = (path: string): boolean => isAbsolute(path) && fits(path) && !hasBlank(path)

const wrongPath = (variable: string, path: string | undefined): CommandError | undefined => {
  if (!path || isUsable(path)) return undefined
  const problem = !isAbsolute(path)
    ? "is not an absolute path"
    : (blankProblem(path) ?? `is ${Buffer.byteLength(path)} bytes long: the path of a socket has at most ${PATH_MAX}`)
  return { code: "invalid", message: `${variable} ${quote(path)} ${problem}`, hint: "name another path, or unset it" }
}

/** Returns what is wrong with the path of our socket in the environment, if anything. */
export const wrongSocketPath = (environment: Environment): CommandError | undefined =>
  wrongPath(OURS.variable, environment[OURS.variable])

/** Returns what is wrong with the paths of a daemon that is started in this environment, if anything. */
export const wrongServedPath = (environment: Environment, uid: number): CommandError | undefined => {
  const { variable } = servedRole(environment)
  const forward = forwardPath(environment)
  const wrong = wrongPath(variable, environment[variable]) ?? wrongPath("AUTOMATELINUX_FORWARD", forward)
  if (wrong !== undefined || forward !== serverPath(environment, uid)) return wrong
  return {
    code: "invalid",
    message: `AUTOMATELINUX_FORWARD ${quote(forward)} is the socket that this daemon is to serve`,
    hint: `move the other daemon's socket aside and name it there, or name this one's with ${OURS.variable}`
  }
}

/** Returns whether `directory` is this user's; `undefined` if it is missing. */
const isOurs = (directory: string, uid: number): boolean | undefined => {
  try {
    const stat = statSync(directory, { throwIfNoEntry: false })
    return stat && stat.uid === uid
  } catch {
    return false
  }
}

const pathsFor = (role: Role, environment: Environment, uid: number): readonly [string, ...Array<string>] => {
  const given = environment[role.variable]
  if (given) return [given]
  if (uid === 0) return [systemPath(role)]
  const name = `automatelinux/${role.file}`
  const runtime = environment["XDG_RUNTIME_DIR"] ?? ""
  const standard = `/run/user/${uid}`
  const named = isAbsolute(runtime) && !hasBlank(runtime) ? join(runtime, name) : undefined
  if (named !== undefined && named !== join(standard, name) && fits(named) && isOurs(runtime, uid) !== false)
    return [named]
  const others = [`/tmp/automatelinux-${uid}/${role.file}`, join(stateDirectory(environment), role.file)] as const
  return isOurs(standard, uid) ? [join(standard, name), ...others] : [...others]
}

/**
 * Returns the paths that daemons of this user may serve, the preferred one first. A runtime directory of another user,
 * as after `su`, counts as unset. If XDG_RUNTIME_DIR is unset, as under cron, the directory that systemd makes is used,
 * so that both find the same daemon.
 */
export const ownPaths = (environment: Environment, uid: number): readonly [string, ...Array<string>] =>
  pathsFor(servedRole(environment), environment, uid)

/** Returns the path that a daemon of this user serves. Skips paths that another user controls. */
export const serverPath = (environment: Environment, uid: number): string => {
  const paths = ownPaths(environment, uid)
  return paths.find((path) => fits(path) && placeOf(path, uid)._tag !== "Untrusted") ?? paths[0]
}

/** The error for a socket that is not used because it is not trusted. */
export const untrustedSocket = (path: string, { why }: Untrusted): CommandError => ({
  code: "unavailable",
  message: `the socket ${path} is not used: ${why}`,
  hint: "d doctor --check daemon-running says what to do"
})

export const deniedSocket = (path: string): CommandError => ({
  code: "unavailable",
  message: `permission denied for the socket ${path}`,
  hint: "d doctor --check daemon-running says what to do"
})

/** Returns why a program should not connect to the daemon's path on its own, if there is a reason. */
export const unusableSocket = (environment: Environment, uid: number): CommandError | undefined => {
  const path = serverPath(environment, uid)
  const place = placeOf(path, uid, isNamed(path, environment))
  return wrongSocketPath(environment) ?? (place._tag === "Untrusted" ? untrustedSocket(path, place) : undefined)
}

/** Returns the paths at which the AutomateLinux daemon may be, or ours in front of it. */
export const theirPaths = (environment: Environment, uid: number): ReadonlyArray<string> => {
  const paths = pathsFor(THEIRS, environment, uid)
  return [...new Set(environment[THEIRS.variable] ? paths : [...paths, systemPath(THEIRS)])].filter(isUsable)
}

/** Returns the paths that a client tries, in order. */
export const clientPaths = (environment: Environment, uid: number): ReadonlyArray<string> => {
  if (environment[OURS.variable]) return pathsFor(OURS, environment, uid).filter(fits)
  const own = [...pathsFor(OURS, environment, uid), systemPath(OURS)]
  return [...new Set([...own, ...theirPaths(environment, uid)])].filter(fits)
}

/** Returns whether the environment names exactly this path. */
export const isNamed = (path: string, environment: Environment): boolean =>
  environment[OURS.variable] === path || environment[THEIRS.variable] === path

export const currentUid = (): number => process.getuid?.() ?? 0
