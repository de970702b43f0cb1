import { escaped } from "./escape.ts"
import { type Printed, printed } from "./printed.ts"

/** What each column of a table shows of a row, by its title. */
export type Columns<A> = Readonly<Record<string, (row: A) => string>>

export const GAP = "  "

/** The columns of numbers, which are aligned on the right. */
export const NUMBERS: ReadonlyArray<string> = ["PORT", "NUMBER"]

/** Formats rows as a table for a pipe: complete and without colours. */
export const plainColumns = <A>(texts: Columns<A>, rows: ReadonlyArray<A>): Printed => {
  const columns = Object.entries(texts).map(([title, textOf]) => {
    // Escaped first, because the width as printed counts.
    const cells = [title, ...rows.map((each) => escaped(textOf(each)))]
    const width = cells.reduce((max, cell) => Math.max(max, cell.length), 0)
    return cells.map((cell) => (NUMBERS.includes(title) ? cell.padStart(width) : cell.padEnd(width)))
  })
  const lines = (columns[0] ?? []).map((_, row) => columns.map((cells) => cells[row]).join(GAP))
  return printed(lines.map((line) => line.trimEnd()))
}
