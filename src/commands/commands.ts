import type { CommandSpec } from "./CommandSpec.ts"
import { doctorCommands } from "./doctor.ts"
import { portCommands } from "./ports.ts"
import { serviceCommands } from "./service.ts"

/**
 * Every command as a user types it: names, options, help. Nothing but the parts of this table is imported, because the
 * reader of the command line and the help must start fast. What the commands take and answer stands in protocol.ts.
 */

export const commands = { ...portCommands, ...doctorCommands, ...serviceCommands } as const satisfies Record<
  string,
  CommandSpec
>

export type CommandName = keyof typeof commands

/** What only a daemon can answer. */
export type DaemonCommand = "status" | "ping"

/** What anybody can answer, without registry and daemon. */
export type LocalCommand = "version" | "help" | "listCommands" | "getSocketPath"

/** The commands that the registry answers. */
export type RegistryCommand = Exclude<CommandName, DaemonCommand | LocalCommand | "daemon">

const OTHERS: ReadonlyArray<string> = ["status", "ping", "version", "help", "listCommands", "getSocketPath", "daemon"]

export const registryCommands = (Object.keys(commands) as ReadonlyArray<CommandName>).filter(
  (name): name is RegistryCommand => !OTHERS.includes(name)
)

/** Commands that change nothing. */
const QUESTIONS: ReadonlyArray<string> = ["getPort", "listPorts", "ping", "status", "explain"]

export const isQuestion = (command: string): boolean => QUESTIONS.includes(command)

/** Whether `command` makes one change and no more: doctor mends one thing after the other. */
export const isOneChange = (command: string): boolean => !isQuestion(command) && command !== "doctor"

export const commandList: ReadonlyArray<CommandSpec> = Object.values(commands)

export const findCommand = (name: string): CommandSpec | undefined =>
  commandList.find((command) => command.name === name)

/** The name of an option as a field of a request: `dry-run` is `dryRun`. */
export const fieldOf = (option: string): string => option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** The ways of calling `command`, in one line. */
export const usageHint = (command: CommandSpec): string =>
  command.usage.map((usage) => `d ${command.name} ${usage}`.trimEnd()).join(", or ")
