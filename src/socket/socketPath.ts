import { statSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { stateDirectory } from "../config/paths.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { blankProblem } from "../domain/names.ts"
import { quote } from "../text/escape.ts"
import { placeOf, type Untrusted } from "./socketTrust.ts"

/** Finds the daemon's socket. Its path depends only on the environment, never on a file. Imports nothing slow. */

const VARIABLE = "AUTOMATE_LINUX_SOCKET_PATH"
const SYSTEM = "/run/automatelinux/automatelinux-daemon.sock"
const FILE = "automatelinux-daemon.sock"
const NAME = `automatelinux/${FILE}`

/** The maximum length of a socket's path, in bytes. Some versions of Node truncate a longer one. */
const PATH_MAX = process.platform === "linux" ? 107 : 103

const fits = (path: string): boolean => Buffer.byteLength(path) <= PATH_MAX

/** Skips the full check for printable ASCII, because it takes longer to load than the rest of this file. */
const hasBlank = (path: string): boolean => !/^[!-~]*$/.test(path) && blankProblem(path) !== undefined

/** Returns what is wrong with the socket path in the environment, if anything. */
export const wrongSocketPath = (environment: Environment): CommandError | undefined => {
  const path = environment[VARIABLE]
  if (!path) return undefined
  if (isAbsolute(path) && fits(path) && !hasBlank(path)) return undefined
  const problem = !isAbsolute(path)
    ? "is not an absolute path"
    : (blankProblem(path) ?? `is ${Buffer.byteLength(path)} bytes long: the path of a socket has at most ${PATH_MAX}`)
  return { code: "invalid", message: `${VARIABLE} ${quote(path)} ${problem}`, hint: "name another path, or unset it" }
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

/**
 * Returns the paths that daemons of this user may serve, the preferred one first. A runtime directory of another user,
 * as after `su`, counts as unset. If XDG_RUNTIME_DIR is unset, as under cron, the directory that systemd makes is used,
 * so that both find the same daemon.
 */
export const ownPaths = (environment: Environment, uid: number): readonly [string, ...Array<string>] => {
  const given = environment[VARIABLE]
  if (given) return [given]
  if (uid === 0) return [SYSTEM]
  const runtime = environment["XDG_RUNTIME_DIR"] ?? ""
  const standard = `/run/user/${uid}`
  const named = isAbsolute(runtime) && !hasBlank(runtime) ? join(runtime, NAME) : undefined
  if (named !== undefined && named !== join(standard, NAME) && fits(named) && isOurs(runtime, uid) !== false)
    return [named]
  const others = [`/tmp/automatelinux-${uid}/${FILE}`, join(stateDirectory(environment), FILE)] as const
  return isOurs(standard, uid) ? [join(standard, NAME), ...others] : [...others]
}

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

/** Returns why a program should not connect to the daemon's path on its own, if there is a reason. */
export const unusableSocket = (environment: Environment, uid: number): CommandError | undefined => {
  const path = serverPath(environment, uid)
  const place = placeOf(path, uid, isNamed(path, environment))
  return wrongSocketPath(environment) ?? (place._tag === "Untrusted" ? untrustedSocket(path, place) : undefined)
}

/** Returns the paths that a client tries, in order. */
export const clientPaths = (environment: Environment, uid: number): ReadonlyArray<string> => {
  const own = ownPaths(environment, uid).filter(fits)
  return environment[VARIABLE] || uid === 0 ? own : [...own, SYSTEM]
}

/** Returns whether the environment names exactly this path. */
export const isNamed = (path: string, environment: Environment): boolean => environment[VARIABLE] === path

export const currentUid = (): number => process.getuid?.() ?? 0
