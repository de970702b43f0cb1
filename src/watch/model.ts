import type { Assignment } from "../domain/Assignment.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { HEALTH_STATES } from "../domain/Health.ts"
import { changesBetween } from "./changes.ts"
import type { By, Marked, Size, State } from "./State.ts"

/** How long a change is marked, and a sentence shown. */
export const MARKED_MS = 5000
/** The lines around the rows: the header, the titles, the sentence and the keys. */
const FRAME = 4

/** A list that was answered. */
export interface Looked {
  readonly at: number
  readonly by: By
  readonly list: ReadonlyArray<Assignment>
  readonly notes: ReadonlyArray<string>
}

/** Returns the number of rows that the screen has room for. */
export const roomIn = ({ rows }: Size): number => Math.max(1, rows - FRAME)

/** Returns the number of lines that a pane has, which stands in the place of the rows and their titles. */
export const paneRoomIn = (size: Size): number => roomIn(size) + 1

export const isMarked = (change: Marked | undefined, now: number): change is Marked =>
  change !== undefined && now - change.at < MARKED_MS

const textOf = ({ description, health, host, key, listener, port }: Assignment): string =>
  [
    key,
    port,
    health.state,
    description,
    host,
    listener?.command,
    listener?.pid,
    listener?.unit,
    listener?.container,
    listener?.containerDetails?.image,
    listener?.directory
  ]
    .join(" ")
    .toLowerCase()

const compareKeys = (a: Assignment, b: Assignment): number => (a.key < b.key ? -1 : 1)
const comparePorts = (a: Assignment, b: Assignment): number => a.port - b.port || compareKeys(a, b)

/** What is up first. */
const STATES = ["up", "down", "stale", "unknown"]
const rank = ({ health }: Assignment): number => STATES.indexOf(health.state)

/** Returns when an assignment last changed: as it was seen here, or else since when its health is what it is. */
const changedAt = (each: Assignment, { changes }: State): number =>
  changes.get(each.key)?.at ?? (each.health.since === null ? 0 : Date.parse(each.health.since))

const compare = (state: State) => (a: Assignment, b: Assignment) => {
  switch (state.sort) {
    case "port":
      return comparePorts(a, b)
    case "key":
      return compareKeys(a, b)
    case "state":
      return rank(a) - rank(b) || comparePorts(a, b)
    case "changed":
      return changedAt(b, state) - changedAt(a, state) || comparePorts(a, b)
  }
}

/** Moves the cursor to a row, and the rows so that it is on the screen. */
export const moved = (state: State, cursor: number): State => {
  const { rows, size, top } = state
  const at = Math.max(0, Math.min(cursor, rows.length - 1))
  const room = roomIn(size)
  const highest = Math.max(0, rows.length - room)
  return {
    ...state,
    cursor: at,
    selected: rows[at]?.key,
    top: Math.min(highest, Math.max(at - room + 1, Math.min(top, at)))
  }
}

/** Chooses and orders the rows. The selected key stays selected, and on the screen. */
export const arranged = (state: State): State => {
  const { changes, filter, health, list, now, selected } = state
  const words = filter
    .toLowerCase()
    .split(" ")
    .filter((word) => word !== "")
  const gone = [...changes.values()].flatMap((change) =>
    change.change === "gone" && change.before !== null && isMarked(change, now) ? change.before : []
  )
  const rows = [...list, ...gone]
    // What no longer has the health is shown as long as that is marked.
    .filter((each) => health === undefined || each.health.state === health || isMarked(changes.get(each.key), now))
    .filter((each) => words.length === 0 || words.every((word) => textOf(each).includes(word)))
    .sort(compare(state))
  const at = rows.findIndex(({ key }) => key === selected)
  return moved({ ...state, rows }, at === -1 ? state.cursor : at)
}

/** What is watched. */
export interface Watched {
  readonly title: string
  readonly health: State["health"]
}

/** Returns the state at the start, with the first list. */
export const started = (first: Looked, size: Size, { health, title }: Watched): State =>
  arranged({
    title,
    size,
    now: first.at,
    list: first.list,
    lookedAt: first.at,
    by: first.by,
    lost: false,
    notes: first.notes,
    failure: undefined,
    changes: new Map(),
    health,
    filter: "",
    filtering: false,
    sort: "port",
    rows: [],
    selected: undefined,
    cursor: 0,
    top: 0,
    pane: undefined,
    said: undefined,
    terms: new Map()
  })

/** Takes a new list. The rows stay the same objects if nothing that they show has changed. */
export const listed = (state: State, { at, by, list, notes }: Looked): State => {
  const found = changesBetween(state.list, list)
  const lost = by === "process" && (state.by === "daemon" || state.lost)
  const next: State = { ...state, lookedAt: at, by, lost, notes, failure: undefined }
  if (found.length === 0) return passed(next, at)
  const changes = new Map(state.changes)
  for (const change of found) changes.set(change.key, { ...change, at })
  return arranged({ ...next, now: at, list, changes })
}

/** Notes that a look failed: the list stays as it is, and its age is shown. */
export const failed = (state: State, failure: CommandError, at: number): State => passed({ ...state, failure }, at)

/** Whether a row is shown only as long as its change is marked. */
const isFleeting = ({ change, after }: Marked, { health }: State): boolean =>
  change === "gone" || (health !== undefined && after?.health.state !== health)

/** Notes the time: marks fade, and with them what is shown no longer. */
export const passed = (state: State, now: number): State => {
  const said = state.said !== undefined && now - state.said.at < MARKED_MS ? state.said : undefined
  const next = { ...state, now, said }
  const hasFaded = [...state.changes.values()].some(
    (change) => isFleeting(change, state) && isMarked(change, state.now) && !isMarked(change, now)
  )
  return hasFaded ? arranged(next) : next
}

export const resized = (state: State, size: Size): State => moved({ ...state, size }, state.cursor)

/** Shows a sentence for a while. */
export const said = (state: State, text: string, at: number): State => ({ ...state, now: at, said: { text, at } })

/** Counts the assignments by health. */
export const countsOf = ({ list }: State): ReadonlyArray<string> =>
  [...HEALTH_STATES]
    .sort((a, b) => STATES.indexOf(a) - STATES.indexOf(b))
    .map((health) => ({ health, count: list.filter((each) => each.health.state === health).length }))
    .filter(({ count }) => count > 0)
    .map(({ count, health }) => `${count} ${health}`)
