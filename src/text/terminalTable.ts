import { escaped } from "./escape.ts"
import type { Printed } from "./printed.ts"
import { GAP, NUMBERS } from "./table.ts"
import type { Paint } from "./terminalStyle.ts"
import { cutTo, widthOf } from "./width.ts"

export type Format = Parameters<Paint>[0]

/** A column of a table: its title, then a cell for each row. */
export interface Column {
  readonly title: string
  readonly cells: ReadonlyArray<{ readonly text: string; readonly format?: Format | undefined }>
  readonly width: number
}

/** The width that a column is cut to at most. */
const CUT_MIN = 12

/** Makes a column of what it shows of each row. */
export const columnOf = <A>(
  title: string,
  rows: ReadonlyArray<A>,
  textOf: (row: A) => string,
  formatOf: (row: A) => Format | undefined = () => undefined
): Column => {
  const cells = rows.map((each) => ({ text: escaped(textOf(each)), format: formatOf(each) }))
  const width = cells.reduce((max, { text }) => Math.max(max, widthOf(text)), widthOf(title))
  return { title, cells: [{ text: title, format: "bold" }, ...cells], width }
}

/** Returns the width of a table of `columns`. */
export const widthOfAll = (columns: ReadonlyArray<Column>): number =>
  columns.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length)

/**
 * Returns the columns for which `width` has room. The `optional` ones go in their order; the first of them, which is the
 * last one of the table, is cut if that suffices.
 */
export const fitInto = (
  columns: ReadonlyArray<Column>,
  width: number,
  optional: ReadonlyArray<string>
): ReadonlyArray<Column> => {
  let fitting = columns
  for (const title of optional) {
    const over = widthOfAll(fitting) - width
    if (over <= 0) break
    const left = title === optional[0] ? (fitting.at(-1)?.width ?? 0) - over : 0
    if (left >= CUT_MIN) return fitting.map((column) => (column.title === title ? { ...column, width: left } : column))
    fitting = fitting.filter((column) => column.title !== title)
  }
  return fitting
}

/** Returns the lines of the table that `columns` make. */
export const linesOf = (columns: ReadonlyArray<Column>, paint: Paint, indent = ""): ReadonlyArray<Printed> => {
  const all = columns.map(({ cells, title, width }) =>
    cells.map(({ format, text }) => {
      const cell = cutTo(text, width)
      const painted = format === undefined || cell === "" ? cell : paint(format, cell)
      const space = " ".repeat(width - widthOf(cell))
      return NUMBERS.includes(title) ? `${space}${painted}` : `${painted}${space}`
    })
  )
  const lines = (all[0] ?? []).map((_, row) => indent + all.map((cells) => cells[row]).join(GAP))
  return lines.map((line) => line.trimEnd() as Printed)
}
