import type { CommandError } from "../domain/CommandError.ts"
import type { Results } from "./Results.ts"

/** The answer to a command, however it was run. `notes` are lines for standard error. */
export type Answer<N extends keyof Results> =
  | { readonly ok: true; readonly result: Results[N]; readonly notes: ReadonlyArray<string> }
  | { readonly ok: false; readonly error: CommandError }
