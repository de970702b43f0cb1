import type { Answer } from "../commands/Answer.ts"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Environment } from "../domain/Environment.ts"

/** A command that runs in this process. */
export interface CommandTask<N extends RegistryCommand = RegistryCommand> {
  readonly _tag: "Command"
  readonly command: N
  readonly payload: Readonly<Record<string, unknown>>
  /** The operation id, if a daemon that did not reply may have made the change. */
  readonly perhapsDone: string | undefined
}

/** Work that needs Effect: a command in this process, the daemon. */
export type Task = (CommandTask & { readonly json: boolean }) | { readonly _tag: "Daemon" }

/** The part of the program that needs Effect, which is loaded on demand. */
export interface WithEffect {
  /** Runs a task, writes what it has to say, and exits the process. */
  readonly run: (task: Task) => Promise<void>
  /** Runs a command and returns its answer. */
  readonly ask: <N extends RegistryCommand>(task: CommandTask<N>, environment: Environment) => Promise<Answer<N>>
}
