import type { Answer } from "../commands/Answer.ts"
import type { RegistryCommand } from "../commands/commands.ts"
import type { CommandError } from "../domain/CommandError.ts"

export type Arguments = Readonly<Record<string, unknown>>

/** What the tools need of the client. */
export interface ToolMeans {
  readonly ask: <N extends RegistryCommand>(command: N, payload: Arguments) => Promise<Answer<N>>
  /** Returns the project of a directory, or the error if there is no such directory. */
  readonly projectOf: (directory: string) => Promise<NamedProject | CommandError>
}

/** A directory, and the names that its app may have. */
export interface NamedProject {
  readonly root: string
  readonly names: ReadonlyArray<string>
  readonly formerly: ReadonlyArray<string>
}

/** A JSON schema of an object. */
export interface ObjectSchema {
  readonly type: "object"
  readonly properties: Readonly<Record<string, object>>
  readonly required?: ReadonlyArray<string>
  readonly [keyword: string]: unknown
}

/** The result of a tool: for a program, and for a reader. */
export interface ToolResult {
  readonly result: Readonly<Record<string, unknown>>
  readonly text: string
}

export interface Tool {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: ObjectSchema
  readonly output: ObjectSchema
  /** What a client may rely on before it asks its user: all four of the protocol. */
  readonly annotations: {
    readonly readOnlyHint: boolean
    readonly destructiveHint: boolean
    readonly idempotentHint: boolean
    readonly openWorldHint: false
  }
  /** Fails with CommandFailed. */
  readonly run: (given: Arguments, means: ToolMeans) => Promise<ToolResult>
}
