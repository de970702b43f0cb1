import type { Status } from "../commands/Results.ts"
import type { Assignment } from "../domain/Assignment.ts"
import type { Examination } from "../domain/Finding.ts"
import type { PastOperation } from "../domain/PastOperation.ts"
import type { ReservedPort } from "../domain/ReservedPort.ts"

/** The state of the page, in one place. */

/** `reconnecting`: what is shown may be old. */
export type Link = "connecting" | "live" | "reconnecting"

/** The outcome of a change, shown until the next one. */
export interface Message {
  readonly text: string
  readonly isError: boolean
}

export interface State {
  readonly link: Link
  /** When the list was last known to be right; null before the first one. */
  readonly knownAt: number | null
  /** Why the daemon does not know the list now; null if it does. */
  readonly problem: string | null
  readonly assignments: ReadonlyMap<string, Assignment>
  readonly status: Status | null
  readonly reserved: ReadonlyArray<ReservedPort>
  readonly examination: Examination | null
  /** Ports on which something listens that is not registered, and the program. */
  readonly foreign: ReadonlyMap<number, string>
  readonly operations: ReadonlyArray<PastOperation>
  readonly message: Message | null
  /** The daemon did not accept the token. */
  readonly isRefused: boolean
}

let current: State = {
  link: "connecting",
  knownAt: null,
  problem: null,
  assignments: new Map(),
  status: null,
  reserved: [],
  examination: null,
  foreign: new Map(),
  operations: [],
  message: null,
  isRefused: false
}

let listener: (() => void) | undefined
let isScheduled = false

export const state = (): State => current

/** Changes the state. Whatever changes before the next frame is drawn once. */
export const update = (change: Partial<State>): void => {
  current = { ...current, ...change }
  if (isScheduled) return
  isScheduled = true
  requestAnimationFrame(() => {
    isScheduled = false
    listener?.()
  })
}

/** Calls `told` after changes. The page is the only one that listens. */
export const subscribe = (told: () => void): (() => void) => {
  listener = told
  return () => {
    listener = undefined
  }
}
