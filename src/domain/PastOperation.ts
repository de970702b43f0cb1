import type { HistoryEvent } from "./HistoryEvent.ts"

/** A text before and after a change; null if there was or is none. */
export interface Altered {
  readonly before: string | null
  readonly after: string | null
}

/** What was altered of a key beside its port. Absent if it was not, or if the history does not hold it. */
export interface KeyAltered {
  readonly description?: Altered
  /** Its owner on the host of the operation. */
  readonly owner?: Altered
}

/** One change of an operation. */
export type PastChange = Pick<HistoryEvent, "what" | "key" | "oldPort" | "newPort" | "detail"> & KeyAltered

/** An operation: the changes that one command made. */
export interface PastOperation {
  /** The number by which people name it. A later operation has a higher one. */
  readonly number: number
  /** ISO 8601, UTC. */
  readonly at: string
  /** What it did first: `allocate`, `set`, `undo`, … */
  readonly what: string
  readonly host: string
  readonly user: string
  readonly program: string
  /** The operation that it took back; null if it is no undo and no redo. */
  readonly takesBack: number | null
  /** The operation that took it back; null if it is in effect. */
  readonly takenBackBy: number | null
  /** Whether it can be taken back, as far as it depends on what the history holds. */
  readonly undoable: boolean
  readonly changes: ReadonlyArray<PastChange>
}

/** An operation that was taken back, or would be, and what that changed. */
export interface TakenBack {
  readonly operation: Omit<PastOperation, "takenBackBy">
  readonly dryRun: boolean
  readonly changes: ReadonlyArray<Pick<HistoryEvent, "key" | "oldPort" | "newPort"> & KeyAltered>
}

/** What other programs did to the rows, recorded when a later change found it. */
const FOREIGN: ReadonlyArray<string> = ["adopt", "follow", "drop"]

export const isForeign = (what: string): boolean => FOREIGN.includes(what)

/** Returns the number of the operation that an event takes back; null if it takes back none. */
export const takesBack = ({ detail, what }: Pick<HistoryEvent, "what" | "detail">): number | null =>
  (what === "undo" || what === "redo") && detail !== null && /^[1-9]\d{0,15}$/.test(detail) ? Number(detail) : null

/** What is known of an operation while the history is read from its newest end. */
export interface Scanned {
  readonly number: number
  readonly what: string
  readonly takesBack: number | null
  /** Whether this user made it on this host. */
  readonly own: boolean
}

/**
 * Finds the operation that an undo or a redo without a number means, among `operations`, newest first: the newest one of
 * this user on this host that is in effect. A redo takes back an undo, unless its user has changed something else since.
 */
export const newestToTakeBack = (
  operations: Iterable<Scanned>,
  what: "undo" | "redo",
  gone: Set<number> = new Set()
): number | "none" | undefined => {
  for (const { number, own, takesBack: target, what: did } of operations) {
    // What is taken back itself takes nothing back.
    if (gone.has(number)) continue
    if (target !== null) gone.add(target)
    if (!own || isForeign(did)) continue
    if (what === "redo" && did === "undo") return number
    if (target === null) return what === "undo" ? number : "none"
  }
  return undefined
}

/** Which operations are asked for. */
export interface HistoryFilter {
  readonly number?: number | undefined
  readonly keys?: ReadonlyArray<string> | undefined
  readonly port?: number | undefined
  readonly host?: string | undefined
  /** ISO 8601. */
  readonly since?: string | undefined
  readonly limit: number
}
