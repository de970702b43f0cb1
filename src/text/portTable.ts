import type { Assignment } from "../domain/Assignment.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"
import { escaped } from "./escape.ts"
import { type Printed, printed } from "./printed.ts"

export const HEAD = ["KEY", "PORT", "KIND", "HEALTH", "DESCRIPTION"]
export const GAP = "  "

/** The cells of the rows, escaped, because their width as printed counts. */
export const cellsOf = (assignments: ReadonlyArray<Assignment>): ReadonlyArray<ReadonlyArray<string>> =>
  assignments.map(({ description, health, key, kind, port }) =>
    [cut(key, LIMITS.key), String(port), kind, health.state, description ?? ""].map(escaped)
  )

/** The width of each column. */
export const widthsOf = (cells: ReturnType<typeof cellsOf>): ReadonlyArray<number> =>
  HEAD.map((title, at) => Math.max(title.length, ...cells.map((row) => (row[at] ?? "").length)))

/** Formats the assignments as a table for a pipe: complete and without colours. */
export const plainTable = (assignments: ReadonlyArray<Assignment>): Printed => {
  const cells = cellsOf(assignments)
  const widths = widthsOf(cells)
  const line = (row: ReadonlyArray<string>) =>
    row
      .map((cell, at) => (HEAD[at] === "PORT" ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join(GAP)
      .trimEnd()
  return printed([HEAD, ...cells].map(line))
}
