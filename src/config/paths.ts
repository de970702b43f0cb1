import { isAbsolute, join } from "node:path"
import { home } from "../machine/user.ts"

/** Where the registry and its settings are looked for. Nothing here loads slowly: every command asks for it. */

type Environment = Readonly<Record<string, string | undefined>>

const absolute = (path: string | undefined): string | undefined =>
  path !== undefined && isAbsolute(path) ? path : undefined

/** A directory by the XDG rules: a variable that is relative or set to nothing counts as not set, HOME as well. */
const xdg = (environment: Environment, variable: string, fallback: string): string =>
  absolute(environment[variable]) ?? join(absolute(environment["HOME"]) ?? home(), fallback)

/** The file of settings. */
export const settingsFile = (environment: Environment): string =>
  join(xdg(environment, "XDG_CONFIG_HOME", ".config"), "automatelinux/ports.json")

/** The directory of the registry's file. */
export const stateDirectory = (environment: Environment): string =>
  join(xdg(environment, "XDG_STATE_HOME", ".local/state"), "automatelinux")

/** The registry's file if no database is configured. */
export const defaultDatabase = (environment: Environment): string => join(stateDirectory(environment), "ports.sqlite")
