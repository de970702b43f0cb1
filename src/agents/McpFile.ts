import type { Problem } from "../files/problem.ts"
import type { Program } from "./program.ts"

/** How the entry of the MCP server is written into a file of an agent's. Nothing else in it changes. */
export interface McpFile {
  /** Returns the value of the entry; undefined if there is none. */
  readonly read: (text: string) => { readonly entry: unknown } | Problem
  /** Returns the text with the entry, which it does not have. `text` is undefined if there is no file. */
  readonly add: (text: string | undefined, program: Program) => string | Problem | undefined
  /** Returns the text in which the entry starts another program. */
  readonly change: (text: string, program: Program) => string | Problem | undefined
  /** Returns the text without the entry; undefined if the file was made for it. */
  readonly remove: (text: string) => string | Problem | undefined
  /** The entry as it is shown. */
  readonly lines: (program: Program) => ReadonlyArray<string>
}
