import type { Assignment } from "../domain/Assignment.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"
import { escaped } from "./escape.ts"
import { type Printed, printed } from "./printed.ts"

/** What each column shows of an assignment. */
export const COLUMNS: Readonly<Record<string, (assignment: Assignment) => string>> = {
  KEY: ({ key }) => cut(key, LIMITS.key),
  PORT: ({ port }) => String(port),
  KIND: ({ kind }) => kind,
  HEALTH: ({ health }) => health.state,
  DESCRIPTION: ({ description }) => description ?? ""
}

export const GAP = "  "

/** Formats the assignments as a table for a pipe: complete and without colours. */
export const plainTable = (assignments: ReadonlyArray<Assignment>): Printed => {
  const columns = Object.entries(COLUMNS).map(([title, textOf]) => {
    // Escaped first, because the width as printed counts.
    const cells = [title, ...assignments.map((each) => escaped(textOf(each)))]
    const width = Math.max(...cells.map((cell) => cell.length))
    return cells.map((cell) => (title === "PORT" ? cell.padStart(width) : cell.padEnd(width)))
  })
  const lines = (columns[0] ?? []).map((_, row) => columns.map((cells) => cells[row]).join(GAP))
  return printed(lines.map((line) => line.trimEnd()))
}
