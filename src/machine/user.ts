import { userInfo } from "node:os"
import { isAbsolute, join } from "node:path"
import type { Environment } from "../domain/Environment.ts"

/** Returns this user's login name, or `uid N` if there is none, as in some containers. */
export const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`
  }
}

/** Returns this user's home from the system's user database, ignoring HOME, or an unusable directory if it has none. */
export const home = (): string => {
  try {
    const { homedir } = userInfo()
    return isAbsolute(homedir) ? homedir : "/nonexistent"
  } catch {
    return "/nonexistent"
  }
}

/** The user's directories by the XDG rules: the variable, and the place in the home without it. */
const XDG = {
  config: ["XDG_CONFIG_HOME", ".config"],
  data: ["XDG_DATA_HOME", ".local/share"],
  state: ["XDG_STATE_HOME", ".local/state"]
} as const

const absolute = (path: string | undefined): string | undefined =>
  path !== undefined && isAbsolute(path) ? path : undefined

/** Returns the user's home. A HOME that is relative or empty counts as unset. */
export const homeDirectory = (environment: Environment): string => absolute(environment["HOME"]) ?? home()

/** Returns one of the user's directories. A variable that is relative or empty counts as unset. */
export const xdgDirectory = (environment: Environment, kind: keyof typeof XDG): string => {
  const [variable, fallback] = XDG[kind]
  return absolute(environment[variable]) ?? join(homeDirectory(environment), fallback)
}
