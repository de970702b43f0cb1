import type { Assignment } from "../domain/Assignment.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { Explanation } from "../domain/Explanation.ts"
import type { HealthState } from "../domain/Health.ts"
import type { Change } from "./changes.ts"
import type { Refusal, Target } from "./ending.ts"

/** The size of the terminal. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Who answered: the daemon, or this process for want of one. */
export type By = "daemon" | "process"

/** A key that was pressed. */
export interface Key {
  /** The name of a key without a character, such as `up`; that of a letter is its lower case. */
  readonly name: string
  /** The character that it types. */
  readonly text: string
  readonly ctrl: boolean
}

export const SORTS = ["port", "key", "state", "changed"] as const

export type Sort = (typeof SORTS)[number]

/** What is shown in the place of the list. */
export type Pane =
  | { readonly _tag: "Help"; readonly top: number }
  | {
      readonly _tag: "Explain"
      readonly port: number
      /** Undefined until the answer arrives. */
      readonly told: Explanation | CommandError | undefined
      readonly top: number
    }
  | {
      readonly _tag: "End"
      readonly assignment: Assignment
      readonly targets: ReadonlyArray<Target>
      readonly signal: Signal
    }
  | { readonly _tag: "Refused"; readonly refusal: Refusal; readonly top: number }

export type Signal = "SIGKILL" | "SIGTERM"

/** What a key asks for beyond the screen. */
export type Action =
  | { readonly _tag: "Quit" | "Interrupt" | "Suspend" | "Redraw" }
  | { readonly _tag: "Open"; readonly port: number }
  | { readonly _tag: "Explain"; readonly port: number }
  /** Find out what listens on a port, to ask whether it is to be ended. */
  | { readonly _tag: "Inspect"; readonly assignment: Assignment }
  | { readonly _tag: "End"; readonly targets: ReadonlyArray<Target>; readonly signal: Signal }

/** A change that is marked, and when it was noticed. */
export interface Marked extends Change {
  readonly at: number
}

/** Everything that the screen shows. Times are in milliseconds since 1970. */
export interface State {
  /** The command line, as it could be typed. */
  readonly title: string
  readonly size: Size
  readonly now: number
  /** The last list, and when and by whom it was answered. */
  readonly list: ReadonlyArray<Assignment>
  readonly lookedAt: number
  readonly by: By
  /** Whether a daemon answered before the last look, in which none did. */
  readonly lost: boolean
  readonly notes: ReadonlyArray<string>
  /** Why the last look failed; the list is the one before. */
  readonly failure: CommandError | undefined
  /** By key; the ones that are no longer marked are kept to sort by. */
  readonly changes: ReadonlyMap<string, Marked>
  readonly health: HealthState | undefined
  readonly filter: string
  /** Whether the filter is being typed. */
  readonly filtering: boolean
  readonly sort: Sort
  /** What of the list is shown, in its order. */
  readonly rows: ReadonlyArray<Assignment>
  /** The selected row, by its key and its place. */
  readonly selected: string | undefined
  readonly cursor: number
  /** The first row on the screen. */
  readonly top: number
  readonly pane: Pane | undefined
  readonly said: { readonly text: string; readonly at: number } | undefined
  /** When TERM was sent, by pid and start. */
  readonly terms: ReadonlyMap<string, number>
}
