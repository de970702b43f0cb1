import type { Assignment } from "../domain/Assignment.ts"
import { escaped } from "./escape.ts"
import { COLUMNS, GAP } from "./portTable.ts"
import { joined, type Printed, printed } from "./printed.ts"
import { type Paint, painter, type Style } from "./terminalStyle.ts"
import { cutTo, widthOf } from "./width.ts"

type Format = Parameters<Paint>[0]

/** A column of the table: its title, then a cell for each assignment. */
interface Column {
  readonly title: string
  readonly cells: ReadonlyArray<{ readonly text: string; readonly format?: Format | undefined }>
  readonly width: number
}

/** The columns from left to right. */
const TITLES = ["KEY", "PORT", "KIND", "HEALTH", "PROCESS", "HOST", "DESCRIPTION"]
/** The columns that a narrow terminal does without, in the order in which they go. A description is cut before it goes. */
const OPTIONAL = ["DESCRIPTION", "HOST", "KIND", "PROCESS", "HEALTH"]

const DESCRIPTION_MIN = 12
/** Names of programs, units and containers are cut to this width; a pid never is. */
const NAME_MAX = 24

/** The process that listens: its container or its unit if it has one, otherwise its name and its pid. */
const processOf = ({ listener }: Assignment): string => {
  if (listener === null) return ""
  const { command, container, pid, unit, user } = listener
  const cut = (name: string) => cutTo(escaped(name), NAME_MAX)
  if (container !== null) return `container ${cut(container)}`
  if (unit !== null) return cut(unit)
  return pid === null ? `of ${cut(user)}` : `${cut(command ?? "pid")} ${pid}`
}

const TEXTS: typeof COLUMNS = { ...COLUMNS, PROCESS: processOf, HOST: ({ host }) => host ?? "" }

/** Red is for what is wrong: a port that is down is, if it was up before and its app should always run. */
const colourOf = ({ health, kind }: Assignment): Format => {
  switch (health.state) {
    case "up":
      return "green"
    case "stale":
      return "yellow"
    case "down":
      return kind !== "dev" && health.lastUp !== null ? "red" : "dim"
    case "unknown":
      return "dim"
  }
}

const FORMATS: Readonly<Record<string, (assignment: Assignment) => Format>> = { PORT: () => "cyan", HEALTH: colourOf }

/** Whether a column says something. `here` is the name of this host, which says nothing if it is on every row. */
const isTelling = ({ cells: [, ...cells], title }: Column, here: string): boolean => {
  if (title !== "PROCESS" && title !== "HOST") return true
  const texts = new Set(cells.flatMap(({ text }) => (text === "" ? [] : [text])))
  return title === "PROCESS" ? texts.size > 0 : texts.size > 1 || (texts.size === 1 && !texts.has(here))
}

const columnsOf = (assignments: ReadonlyArray<Assignment>, here: string): ReadonlyArray<Column> =>
  TITLES.map((title): Column => {
    const cells = assignments.map((each) => ({
      text: escaped(TEXTS[title]?.(each) ?? ""),
      format: FORMATS[title]?.(each)
    }))
    const width = Math.max(...[title, ...cells.map(({ text }) => text)].map(widthOf))
    return { title, cells: [{ text: title, format: "bold" }, ...cells], width }
  }).filter((column) => isTelling(column, here))

const widthOfAll = (columns: ReadonlyArray<Column>): number =>
  columns.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length)

/** Returns the columns for which `width` has room. The description is cut if that suffices. */
const fitInto = (columns: ReadonlyArray<Column>, width: number): ReadonlyArray<Column> => {
  let fitting = columns
  for (const title of OPTIONAL) {
    const over = widthOfAll(fitting) - width
    if (over <= 0) break
    const left = title === "DESCRIPTION" ? (fitting.at(-1)?.width ?? 0) - over : 0
    if (left >= DESCRIPTION_MIN)
      return fitting.map((column) => (column.title === title ? { ...column, width: left } : column))
    fitting = fitting.filter((column) => column.title !== title)
  }
  return fitting
}

/** Returns the lines of the table that `columns` make. */
const linesOf = (columns: ReadonlyArray<Column>, paint: Paint, indent = ""): ReadonlyArray<Printed> => {
  const all = columns.map(({ cells, title, width }) =>
    cells.map(({ format, text }) => {
      const cell = cutTo(text, width)
      const painted = format === undefined || cell === "" ? cell : paint(format, cell)
      const space = " ".repeat(width - widthOf(cell))
      return title === "PORT" ? `${space}${painted}` : `${painted}${space}`
    })
  )
  const lines = (all[0] ?? []).map((_, row) => indent + all.map((cells) => cells[row]).join(GAP))
  return lines.map((line) => line.trimEnd() as Printed)
}

/** Formats the assignments as a table for a terminal. No line is wider than it, so that none is wrapped. */
export const terminalTable = (
  assignments: ReadonlyArray<Assignment>,
  width: number,
  { colour, host }: Pick<Style, "colour" | "host">
): Printed => {
  const paint = painter(colour)
  const [key, ...others] = columnsOf(assignments, host())
  if (key === undefined) return printed([])
  const columns = fitInto([key, ...others], width)
  if (columns.some(({ title }) => title === "HEALTH")) return joined(linesOf(columns, paint))
  // A key that leaves no room for its health has a line of its own. It is cut only if it is wider than the terminal.
  const below = linesOf(fitInto(others, width - GAP.length), paint, GAP)
  return joined(linesOf([{ ...key, width }], paint).flatMap((line, row) => [line, ...below.slice(row, row + 1)]))
}
