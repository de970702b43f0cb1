import type { Assignment } from "../domain/Assignment.ts"

/** How an assignment changed between two looks; `changed` is anything else that the list shows. */
export const CHANGE_KINDS = ["new", "gone", "moved", "up", "down", "changed"] as const

export type ChangeKind = (typeof CHANGE_KINDS)[number]

export interface Change {
  readonly key: string
  readonly change: ChangeKind
  readonly before: Assignment | null
  readonly after: Assignment | null
}

/** What the list shows of an assignment, but its port and whether it is up. */
const shownOf = ({ description, health, host, listener }: Assignment): string =>
  JSON.stringify([
    description,
    health.state,
    host,
    listener?.pid,
    listener?.command,
    listener?.unit,
    listener?.container,
    listener?.containerDetails?.image
  ])

const kindBetween = (before: Assignment, after: Assignment): ChangeKind | undefined => {
  if (before.port !== after.port) return "moved"
  const isUp = after.health.state === "up"
  if (isUp !== (before.health.state === "up")) return isUp ? "up" : "down"
  return shownOf(before) === shownOf(after) ? undefined : "changed"
}

/** Returns what changed between two lists: one change per key at most, in the order of the lists, what is gone last. */
export const changesBetween = (
  before: ReadonlyArray<Assignment>,
  after: ReadonlyArray<Assignment>
): ReadonlyArray<Change> => {
  const left = new Map(before.map((each) => [each.key, each]))
  const changes: Array<Change> = []
  for (const now of after) {
    const then = left.get(now.key)
    left.delete(now.key)
    const change = then === undefined ? "new" : kindBetween(then, now)
    if (change !== undefined) changes.push({ key: now.key, change, before: then ?? null, after: now })
  }
  for (const [key, then] of left) changes.push({ key, change: "gone", before: then, after: null })
  return changes
}
