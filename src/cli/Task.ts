import type { RegistryCommand } from "../commands/commands.ts"

/** Work that needs Effect: a command in this process, the daemon, the completions. */
export type Task =
  | {
      readonly _tag: "Command"
      readonly command: RegistryCommand
      readonly payload: Readonly<Record<string, unknown>>
      readonly json: boolean
      /** The operation id, if a daemon that did not reply may have made the change. */
      readonly perhapsDone: string | undefined
    }
  | { readonly _tag: "Daemon" }
  | { readonly _tag: "Completions"; readonly shell: string }
