import type { Assignment } from "../domain/Assignment.ts"
import { shortContainer } from "./describe.ts"
import { escaped } from "./escape.ts"
import { COLUMNS } from "./portTable.ts"
import { joined, type Printed, printed } from "./printed.ts"
import { GAP } from "./table.ts"
import { painter, type Style } from "./terminalStyle.ts"
import { type Column, columnOf, type Format, fitInto, linesOf, widthOfAll } from "./terminalTable.ts"
import { cutTo } from "./width.ts"

/** The columns from left to right. */
const TITLES = ["KEY", "PORT", "KIND", "HEALTH", "PROCESS", "HOST", "PINNED", "DESCRIPTION"]
/** The columns that a narrow terminal does without, in the order in which they go. A description is cut before it goes. */
const OPTIONAL = ["DESCRIPTION", "HOST", "KIND", "PROCESS", "PINNED", "HEALTH"]

/** Names of programs, units and containers are cut to this width; a pid never is. */
const NAME_MAX = 24

/** What is left of a key in a very narrow terminal. */
const KEY_MIN = 8

/** The process that listens: its container or its unit if it has one, otherwise its name and its pid. */
const processOf = ({ listener }: Assignment): string => {
  if (listener === null) return ""
  const { command, container, containerDetails, pid, unit, user } = listener
  const cut = (name: string) => cutTo(escaped(name), NAME_MAX)
  if (containerDetails) return shortContainer(containerDetails, cut)
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
  if (!["PROCESS", "HOST", "PINNED"].includes(title)) return true
  const texts = new Set(cells.flatMap(({ text }) => (text === "" ? [] : [text])))
  return title !== "HOST" ? texts.size > 0 : texts.size > 1 || (texts.size === 1 && !texts.has(here))
}

const columnsOf = (assignments: ReadonlyArray<Assignment>, here: string): ReadonlyArray<Column> =>
  TITLES.map((title) => columnOf(title, assignments, TEXTS[title] ?? (() => ""), FORMATS[title])).filter((column) =>
    isTelling(column, here)
  )

/**
 * Returns the columns of the assignments that fit into a terminal with one line per row: a long key is cut, so that its health
 * is shown.
 */
export const columnsInto = (
  assignments: ReadonlyArray<Assignment>,
  width: number,
  host: string
): ReadonlyArray<Column> => {
  const [key, ...others] = columnsOf(assignments, host)
  if (key === undefined) return []
  const needed = others.filter(({ title }) => title === "PORT" || title === "HEALTH")
  const left = width - GAP.length - widthOfAll(needed)
  return fitInto([{ ...key, width: Math.min(key.width, Math.max(left, KEY_MIN)) }, ...others], width, OPTIONAL)
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
  const columns = fitInto([key, ...others], width, OPTIONAL)
  if (columns.some(({ title }) => title === "HEALTH")) return joined(linesOf(columns, paint))
  // A key that leaves no room for its health has a line of its own. It is cut only if it is wider than the terminal.
  const below = linesOf(fitInto(others, width - GAP.length, OPTIONAL), paint, GAP)
  return joined(linesOf([{ ...key, width }], paint).flatMap((line, row) => [line, ...below.slice(row, row + 1)]))
}
