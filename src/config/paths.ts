import { join } from "node:path"
import type { Environment } from "../domain/Environment.ts"
import { xdgDirectory } from "../machine/user.ts"

/** The default paths of the registry and its settings. Every command needs them, so this file imports nothing slow. */

/** Returns the path of the configuration file. */
export const settingsFile = (environment: Environment): string =>
  join(xdgDirectory(environment, "config"), "automatelinux/ports.json")

/** Returns the directory of the registry's database file. */
export const stateDirectory = (environment: Environment): string =>
  join(xdgDirectory(environment, "state"), "automatelinux")

/** Returns the path of the registry's database file, which is used if no database is configured. */
export const defaultDatabase = (environment: Environment): string => join(stateDirectory(environment), "ports.sqlite")

/** Returns the path of the log of a daemon that no journal takes: one that `d daemon start` or launchd has started. */
export const daemonLog = (environment: Environment): string => join(stateDirectory(environment), "daemon.log")
