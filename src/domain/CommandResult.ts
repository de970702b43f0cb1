import type { Listener } from "./Listener.ts"
import type { Note } from "./Note.ts"

/** What a command answers, and what has to be said beside it. */
export interface CommandResult<A> {
  readonly result: A
  readonly notes: ReadonlyArray<Note>
}

/** A key and its port. */
export interface KeyPort {
  readonly key: string
  readonly port: number
}

export interface Allocation {
  readonly assignments: ReadonlyArray<KeyPort & { readonly created: boolean }>
  /** Ports that were passed over because something had bound them; `by` says what, where that can be told. */
  readonly skipped: ReadonlyArray<{ readonly port: number; readonly by: Listener | null }>
}
