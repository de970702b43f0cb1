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

/** A key, and the port that it has or had; null if its row contains none. */
export interface Released {
  readonly key: string
  readonly port: number | null
}

/** A key under its new name. */
export interface Renaming extends KeyPort {
  readonly from: string
}

/** What was renamed. `key` and `port` are null if it was an app. */
export interface Renamed {
  readonly key: string | null
  readonly port: number | null
  readonly renamed: ReadonlyArray<Renaming>
}

/** A key with the description that it has now. */
export interface Description extends KeyPort {
  readonly description: string | null
}

export interface Allocation {
  readonly assignments: ReadonlyArray<KeyPort & { readonly created: boolean }>
  /** Ports that were skipped because something had bound them; `by` is the listener, if one was found. */
  readonly skipped: ReadonlyArray<{ readonly port: number; readonly by: Listener | null }>
}
