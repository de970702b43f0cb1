import { columnsInto } from "../text/portTableTerminal.ts"
import { type Printed, printed, type Span } from "../text/printed.ts"
import { bar, beside, fitted, screenLine } from "../text/screenText.ts"
import { painter, type Style } from "../text/terminalStyle.ts"
import { type Column, type Format, linesOf } from "../text/terminalTable.ts"
import { span } from "../text/terminalText.ts"
import type { ChangeKind } from "./changes.ts"
import { countsOf, isMarked, type Looked, paneRoomIn, roomIn, started, type Watched } from "./model.ts"
import { paneLines } from "./panes.ts"
import type { Marked, State } from "./State.ts"

/** Draws a state as the lines of a screen. */

/** How a change is marked, and told. */
const MARKS: Readonly<Record<ChangeKind, { readonly mark: string; readonly format: Format; readonly tells: string }>> =
  {
    new: { mark: "+", format: "green", tells: "is new" },
    gone: { mark: "-", format: "red", tells: "no longer has a port" },
    moved: { mark: "→", format: "yellow", tells: "moved" },
    up: { mark: "↑", format: "green", tells: "came up" },
    down: { mark: "↓", format: "red", tells: "went down" },
    changed: { mark: "~", format: "yellow", tells: "changed" }
  }

/** Left of each row: the mark of the selection, that of a change, and a space. */
const GUTTER = 3

const KEYS = "↑↓ move  / filter  s sort  o open  e explain  k end  ? help  q quit"
const PANE_KEYS = "↑↓ scroll  Escape back  Ctrl-C quit"
const END_KEYS = {
  SIGTERM: "y sends TERM  any other key leaves it alone",
  SIGKILL: "y sends KILL  any other key leaves it alone"
}

const two = (value: number): string => String(value).padStart(2, "0")

/** Formats a time as a clock on the wall shows it, with seconds. */
const clock = (at: number): string => {
  const time = new Date(at)
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")
}

/** How old a list may be, in milliseconds, before its age is told. */
const OLD_MS = 5000

const headerOf = (state: State, host: string): ReadonlyArray<Span> => {
  const { by, failure, lookedAt, now, sort, title } = state
  const counts = countsOf(state)
  const age = now - lookedAt
  const isOld = failure !== undefined || age > OLD_MS
  return [
    { format: "bold", text: title },
    `  ${host}  ${counts.length === 0 ? "no ports" : counts.join(", ")}  `,
    isOld
      ? { format: "yellow", text: `${span(Math.max(0, age / 1000))} old, of ${clock(lookedAt)}` }
      : { format: "dim", text: clock(lookedAt) },
    `  ${by === "daemon" ? "daemon" : "no daemon"}  by ${sort}`
  ]
}

/** Returns the header of a list that is printed once, as wide as the terminal if there is one. */
export const onceHeader = (first: Looked, watched: Watched, { colour, host, width }: Style): Printed => {
  const size = { columns: width ?? Number.POSITIVE_INFINITY, rows: 0 }
  return screenLine(headerOf(started(first, size, watched), host()), size.columns, painter(colour))
}

const changeText = ({ after, before, change, key }: Marked): string => {
  const { tells } = MARKS[change]
  const port = after?.port ?? before?.port
  if (change === "moved") return `${key} ${tells} from ${before?.port} to ${port}`
  return change === "changed" && before?.health.state !== after?.health.state
    ? `${key} is ${after?.health.state} on ${port}`
    : `${key} ${tells}${change === "gone" ? ` (${port})` : ` on ${port}`}`
}

/** The newest changes that are still marked. */
const newest = ({ changes, now }: State): ReadonlyArray<Marked> => {
  const marked = [...changes.values()].filter((change) => isMarked(change, now))
  const last = Math.max(...marked.map(({ at }) => at))
  return marked.filter(({ at }) => at === last)
}

/** The sentence above the keys: what is most urgent to know. */
const sentenceOf = (state: State): ReadonlyArray<Span> => {
  const { failure, filter, filtering, list, lost, notes, rows } = state
  const count = `${rows.length} of ${list.length}`
  if (filtering) return [{ format: "bold", text: `/${filter}` }, { format: "inverse", text: " " }, `  ${count}`]
  if (state.said !== undefined) return [{ format: "yellow", text: state.said.text }]
  if (failure !== undefined)
    return [{ format: "red", text: "cannot look: " }, `${failure.message}; trying again (${failure.hint})`]
  const [change, ...more] = newest(state)
  if (change !== undefined) {
    const others = more.length === 0 ? "" : `, and ${more.length} more ${more.length === 1 ? "change" : "changes"}`
    return [{ format: MARKS[change.change].format, text: changeText(change) }, others]
  }
  if (filter !== "") return [{ format: "bold", text: `/${filter}` }, `  ${count}; Escape shows all`]
  if (lost) return [{ format: "yellow", text: "the daemon no longer answers: reading the registry without it" }]
  return [{ format: "dim", text: notes[0] ?? "" }]
}

const emptyText = ({ filter, list }: State): string =>
  list.length > 0
    ? `  nothing matches${filter === "" ? "" : ` /${filter}`}`
    : "  no port is assigned: d allocate --app APP assigns a pair"

/** The screen as lines, with how many lines its pane has. */
export interface Drawn {
  readonly lines: ReadonlyArray<Printed>
  readonly paneLines: number
}

/** Makes the function that draws a state. It keeps the columns, which are those of all rows, as long as these are the same. */
export const makeView = ({ colour, host }: Pick<Style, "colour" | "host">) => {
  const paint = painter(colour)
  const here = host()
  let made:
    | { readonly rows: State["rows"]; readonly width: number; readonly columns: ReadonlyArray<Column> }
    | undefined

  const columnsFor = (rows: State["rows"], width: number): ReadonlyArray<Column> => {
    if (made?.rows !== rows || made.width !== width) made = { rows, width, columns: columnsInto(rows, width, here) }
    return made.columns
  }

  const rowsOf = (state: State): ReadonlyArray<Printed> => {
    const { changes, cursor, now, rows, size, top } = state
    const width = Math.max(1, size.columns - GUTTER)
    const until = top + roomIn(size)
    const visible = columnsFor(rows, width).map(({ cells, ...column }) => ({
      ...column,
      cells: [...cells.slice(0, 1), ...cells.slice(top + 1, until + 1)]
    }))
    const [titles = printed([""]), ...lines] = linesOf(visible, paint)
    if (rows.length === 0) return [printed([""]), screenLine([emptyText(state)], size.columns, paint)]
    return [
      fitted(beside(printed([" ".repeat(GUTTER)]), titles), size.columns),
      ...lines.map((line, at) => {
        const change = changes.get(rows[top + at]?.key ?? "")
        const { format, mark } = isMarked(change, now) ? MARKS[change.change] : { format: "dim" as const, mark: " " }
        const isSelected = top + at === cursor
        const gutter = printed([[isSelected ? ">" : " ", { format, text: mark }, " "]], paint)
        const row = fitted(beside(gutter, line), size.columns)
        return isSelected && colour ? bar(row, size.columns, "inverse", paint) : row
      })
    ]
  }

  return (state: State): Drawn => {
    const { pane, size } = state
    const { columns } = size
    const line = (spans: ReadonlyArray<Span>) => screenLine(spans, columns, paint)
    const all = pane === undefined ? [] : paneLines(pane, { width: columns, colour, host })
    const top = pane !== undefined && "top" in pane ? pane.top : 0
    const room = paneRoomIn(size)
    const body = pane === undefined ? rowsOf(state) : all.slice(top, top + room)
    const keys = pane === undefined ? KEYS : pane._tag === "End" ? END_KEYS[pane.signal] : PANE_KEYS
    const filled = [...body, ...Array.from({ length: Math.max(0, room - body.length) }, () => printed([""]))]
    const lines = [
      line(headerOf(state, here)),
      ...filled,
      line(sentenceOf(state)),
      line([{ format: "dim", text: keys }])
    ]
    return { lines: lines.slice(0, size.rows), paneLines: all.length }
  }
}
