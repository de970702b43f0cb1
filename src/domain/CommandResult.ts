import type { Listener } from "./Listener.ts"
import type { Note } from "./Note.ts"

/** The result of a successful command, with notes for its user. */
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
  /** Ports that were skipped because something had bound them; `by` is the listener, if one was found. */
  readonly skipped: ReadonlyArray<{ readonly port: number; readonly by: Listener | null }>
}
