import { agentCommands } from "./agents.ts"
import type { CommandKind, CommandSpec } from "./CommandSpec.ts"
import { doctorCommands } from "./doctor.ts"
import { exchangeCommands } from "./exchange.ts"
import { historyCommands } from "./history.ts"
import { keepingCommands } from "./keeping.ts"
import { portCommands } from "./ports.ts"
import { proxyCommands } from "./proxy.ts"
import { runCommands } from "./run.ts"
import { serviceCommands } from "./service.ts"
import { shellCommands } from "./shell.ts"
import { watchCommands } from "./watch.ts"
import { worktreeCommands } from "./worktree.ts"

/**
 * The table of commands: everything about a command except its payload (app/requestSchemas.ts), its use case
 * (app/handlers.ts) and its text (text/formatResult.ts), which the compiler requires for each.
 */
export const commands = {
  ...portCommands,
  ...watchCommands,
  ...keepingCommands,
  ...runCommands,
  ...worktreeCommands,
  ...historyCommands,
  ...exchangeCommands,
  ...doctorCommands,
  ...agentCommands,
  ...shellCommands,
  ...proxyCommands,
  ...serviceCommands
} as const satisfies Record<string, CommandSpec>

type CommandName = keyof typeof commands

type OfKind<K extends CommandKind> = {
  [N in CommandName]: (typeof commands)[N]["kind"] extends K ? N : never
}[CommandName]

export type RegistryCommand = OfKind<"registry">
export type DaemonCommand = OfKind<"daemon">
export type LocalCommand = OfKind<"local">
export type BuiltinCommand = OfKind<"builtin">

export const commandList: ReadonlyArray<CommandSpec> = Object.values(commands)

export const findCommand = (name: string): CommandSpec | undefined =>
  commandList.find((command) => command.name === name)

/** Returns the short name of a command, or its only one. */
export const shortNameOf = ({ name, short }: CommandSpec): string => short?.usage.split(" ")[0] ?? name

/** Finds a command by what people type: its name, or its short one. */
export const commandTyped = (word: string): CommandSpec | undefined =>
  findCommand(word) ?? commandList.find((command) => shortNameOf(command) === word)

const isOfKind = (name: string, kind: CommandKind): boolean => findCommand(name)?.kind === kind

export const isRegistryCommand = (name: string): name is RegistryCommand => isOfKind(name, "registry")
export const isDaemonCommand = (name: string): name is DaemonCommand => isOfKind(name, "daemon")
export const isLocalCommand = (name: string): name is LocalCommand => isOfKind(name, "local")
export const isBuiltinCommand = (name: string): name is BuiltinCommand => isOfKind(name, "builtin")

/** Returns whether a command makes a change with an operation id, with which it can be sent again. */
export const isNumberedChange = (name: string): boolean => {
  const command = findCommand(name)
  return command?.idempotent === true && !command.readOnly
}

/** The commands that can be sent to a daemon. */
export const wireCommands: ReadonlyArray<CommandSpec> = commandList.filter(
  ({ inProcess, kind }) => kind !== "service" && kind !== "local" && inProcess === undefined
)

/** Returns the field of an option in a request: `dryRun` for `dry-run`. */
export const fieldOf = (option: string): string => option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** Returns the forms of `command`, the short one last. */
export const usagesOf = ({ name, short, usage }: CommandSpec): ReadonlyArray<string> => [
  ...usage.map((each) => `d ${name} ${each}`.trimEnd()),
  ...(short === undefined ? [] : [`d ${short.usage}`])
]

/** Returns the forms of `command` on one line. */
export const usageHint = (command: CommandSpec): string => usagesOf(command).join(", or ")
