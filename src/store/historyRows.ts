import { alteredIn } from "../domain/altered.ts"
import { columnText, columnTextOrNull, LIMITS } from "../domain/foreignText.ts"
import type { HistoryEvent } from "../domain/HistoryEvent.ts"
import { isForeign, type KeyAltered, type PastOperation, takesBack } from "../domain/PastOperation.ts"
import { IMAGE, IMAGES, imageFrom } from "./images.ts"

/** The rows of port_history, and the operations that they are part of. */

export interface HistoryRow extends Omit<HistoryEvent, "oldPort" | "newPort"> {
  readonly old_port: number | null
  readonly new_port: number | null
}

export interface OperationRow extends HistoryRow {
  readonly id: number
  readonly batch: string
}

/** An operation with what is needed to take it back. */
export interface Recorded {
  readonly operation: Omit<PastOperation, "takenBackBy">
  readonly image: ReturnType<typeof imageFrom>
}

export const isImage = ({ what }: { readonly what: string }): boolean => what.startsWith(IMAGES)

export const eventOf = (row: HistoryRow): HistoryEvent => ({
  at: columnText(row.at),
  what: columnText(row.what),
  key: columnTextOrNull(row.key, LIMITS.column),
  oldPort: row.old_port,
  newPort: row.new_port,
  detail: columnTextOrNull(row.detail, LIMITS.path),
  host: columnText(row.host),
  user: columnText(row.user),
  program: columnText(row.program)
})

/** What the events are about that may be told with the values before and after. */
const TOLD: Readonly<Record<string, ReadonlyArray<keyof KeyAltered>>> = {
  describe: ["description"],
  bind: ["owner"],
  undo: ["description", "owner"],
  redo: ["description", "owner"]
}

/** Makes the function that returns what an event altered beside a port. The image is only read if an event needs it. */
const alteredBy = (rows: ReadonlyArray<OperationRow>) => {
  let image: ReturnType<typeof imageFrom> | null = null
  return ({ host, key, what }: HistoryEvent): KeyAltered => {
    const told = TOLD[what]
    if (told === undefined) return {}
    if (image === null) image = imageFrom(rows)
    const { description, owner } = alteredIn(image ?? [], key, host)
    return {
      ...(description !== undefined && told.includes("description") ? { description } : {}),
      ...(owner !== undefined && told.includes("owner") ? { owner } : {})
    }
  }
}

/** Makes an operation of its rows, which are in order; undefined if none of them is an event. */
export const operationOf = (rows: ReadonlyArray<OperationRow>): Recorded["operation"] | undefined => {
  const events = rows.filter((row) => !isImage(row))
  const [first] = events
  if (first === undefined) return undefined
  const { at, host, program, user, what } = eventOf(first)
  const altered = alteredBy(rows)
  return {
    number: Number(first.id),
    at,
    what,
    host,
    user,
    program,
    takesBack: takesBack(first),
    undoable: !isForeign(what) && rows.some((row) => row.what === IMAGE),
    changes: events.map(eventOf).map((event) => ({
      what: event.what,
      key: event.key,
      oldPort: event.oldPort,
      newPort: event.newPort,
      detail: event.detail,
      ...altered(event)
    }))
  }
}

export const groupByBatch = <A extends { readonly batch: string }>(
  rows: ReadonlyArray<A>
): ReadonlyArray<ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const row of rows) {
    const group = groups.get(row.batch)
    if (group === undefined) groups.set(row.batch, [row])
    else group.push(row)
  }
  return [...groups.values()]
}

/** Returns the operations that `rows` are, which are in order and complete, newest first. */
export const newestFirst = (rows: ReadonlyArray<OperationRow>): ReadonlyArray<Recorded["operation"]> =>
  groupByBatch(rows)
    .map(operationOf)
    .filter((each) => each !== undefined)
    .sort((a, b) => b.number - a.number)
