import { isAbsolute, join } from "node:path"
import type { Environment } from "../domain/Environment.ts"
import { home } from "../machine/user.ts"

/** The default paths of the registry and its settings. Every command needs them, so this file imports nothing slow. */

const absolute = (path: string | undefined): string | undefined =>
  path !== undefined && isAbsolute(path) ? path : undefined

/** Returns a directory by the XDG rules: a variable that is relative or empty counts as unset, and so does HOME. */
const xdg = (environment: Environment, variable: string, fallback: string): string =>
  absolute(environment[variable]) ?? join(absolute(environment["HOME"]) ?? home(), fallback)

/** Returns the path of the configuration file. */
export const settingsFile = (environment: Environment): string =>
  join(xdg(environment, "XDG_CONFIG_HOME", ".config"), "automatelinux/ports.json")

/** Returns the directory of the registry's database file. */
export const stateDirectory = (environment: Environment): string =>
  join(xdg(environment, "XDG_STATE_HOME", ".local/state"), "automatelinux")

/** Returns the path of the registry's database file, which is used if no database is configured. */
export const defaultDatabase = (environment: Environment): string => join(stateDirectory(environment), "ports.sqlite")
