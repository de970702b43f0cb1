import { existsSync } from "node:fs"
import { basename, isAbsolute } from "node:path"
import type { Environment } from "../domain/Environment.ts"
import { findExecutable } from "../machine/executable.ts"
import { isInNpxCache, real, stablePaths } from "../machine/ownProgram.ts"

/** What an entry of an agent's configuration starts. */
export interface Program {
  readonly command: string
  readonly args: ReadonlyArray<string>
}

const SUBCOMMAND = "mcp"

/**
 * Returns the command that starts this d, from any directory and with any PATH: an agent that is started from a desktop does not
 * have the PATH of a shell, and in it, d may be another program.
 */
export const ownProgram = (node: string, script: string): Program => {
  const own = stablePaths(node, script)
  return { command: own.node, args: [own.script, SUBCOMMAND] }
}

/** Whether npm may remove this d at any time. */
export const isFromNpx = ({ args }: Program): boolean => args.some(isInNpxCache)

/** The names of d, and of the files that it is started by. */
const NAMES = /^(d|daemon|automatelinux-ports|d\.cjs)$/

const strings = (value: unknown): ReadonlyArray<string> | undefined =>
  Array.isArray(value) && value.every((each) => typeof each === "string") ? value : undefined

/** Returns what an entry starts, if that is a d; undefined if the entry is somebody else's. */
export const programOf = (entry: unknown): Program | undefined => {
  if (typeof entry !== "object" || entry === null || !("command" in entry) || !("args" in entry)) return undefined
  const { command } = entry
  const args = strings(entry.args)
  if (typeof command !== "string" || args?.at(-1) !== SUBCOMMAND) return undefined
  return [command, ...args].some((word) => NAMES.test(basename(word))) ? { command, args } : undefined
}

/** Returns the script that is started, or the program if there is none. */
const startedBy = ({ args, command }: Program): string => args.find((word) => isAbsolute(word)) ?? command

/** Returns how a program relates to this d: `gone` if it, or the Node that it needs, does not exist. */
export const stateOf = (program: Program, own: Program, { PATH = "" }: Environment): "current" | "other" | "gone" => {
  const command = findExecutable(program.command, PATH)
  if (command._tag !== "Found" || program.args.some((word) => isAbsolute(word) && !existsSync(word))) return "gone"
  if (real(startedBy(program)) !== startedBy(own)) return "other"
  // By a name alone, it depends on the PATH of the agent.
  return isAbsolute(program.command) ? "current" : "other"
}

/** Returns a program as one line. */
export const shownProgram = ({ args, command }: Program): string => [command, ...args].join(" ")
