import { cut } from "../domain/foreignText.ts"
import { formatPortOrRange } from "../domain/portList.ts"
import type { ReservedPort } from "../domain/ReservedPort.ts"
import { escaped } from "./escape.ts"
import { type Printed, printed } from "./printed.ts"

const HEAD = ["PORT", "SOURCE", "SINCE", "BY", "REASON"]
const GAP = "  "
/** Of the reason, which is cut if the terminal is narrow. */
const REASON_MIN = 12

/** The cells of a reservation but for its port, escaped. */
const cellsOf = ({ at, by, host, reason, source }: ReservedPort): ReadonlyArray<string> =>
  [source, at?.slice(0, "2026-11-26".length) ?? "-", by === null ? "-" : `${by}@${host}`, reason].map(escaped)

/** The rows of the table: neighbouring ports that differ in nothing else share one. */
const rowsOf = (reserved: ReadonlyArray<ReservedPort>): ReadonlyArray<ReadonlyArray<string>> => {
  const rows: Array<{ readonly first: number; readonly cells: ReadonlyArray<string>; last: number }> = []
  for (const each of reserved) {
    const cells = cellsOf(each)
    const same = rows.find(({ cells: others, last }) => last === each.port - 1 && others.join() === cells.join())
    if (same === undefined) rows.push({ first: each.port, last: each.port, cells })
    else same.last = each.port
  }
  return rows.map(({ cells, ...range }) => [formatPortOrRange(range), ...cells])
}

/** Formats reservations as a table. `width` is that of the terminal, if it is one. */
export const reservedTable = (reserved: ReadonlyArray<ReservedPort>, width: number | undefined): Printed => {
  const rows = [HEAD, ...rowsOf(reserved)]
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + GAP.length, 0)
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(REASON_MIN, width - before)
  const line = ([...cells]: ReadonlyArray<string>) => {
    const reason = cells.pop() ?? ""
    const fixed = cells.map((cell, at) => cell.padEnd(widths[at] ?? 0))
    return [...fixed, room === Number.POSITIVE_INFINITY ? reason : cut(reason, room)].join(GAP).trimEnd()
  }
  return printed(rows.map(line))
}
