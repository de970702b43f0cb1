import type { Cell, Range } from "./board.ts"

/** How the ports of a range are laid out: in lines of the grid, the prods of some pairs in one and their devs in the next. */

/** Ports beside each other: the first and the last line of a band have round corners. */
export interface PortLine {
  readonly ports: ReadonlyArray<number>
  readonly isFirst: boolean
  readonly isLast: boolean
}

/** A line of the grid: ports, or a run of free ports that is folded. */
export type Row = PortLine | { readonly folded: { readonly first: number; readonly last: number } }

/** The fewest free bands in a row that are folded. */
const FOLDED = 2

interface Band {
  readonly first: number
  readonly last: number
  readonly isFree: boolean
}

const bandsOf = ({ range, size }: Range, columns: number, cells: ReadonlyMap<number, Cell>): ReadonlyArray<Band> => {
  const bands: Array<Band> = []
  const step = columns * size
  for (let first = range.first; first <= range.last; first += step) {
    const last = Math.min(first + step - 1, range.last)
    let isFree = true
    for (let port = first; port <= last && isFree; port += 1) isFree = cells.get(port)?.state === "free"
    bands.push({ first, last, isFree })
  }
  return bands
}

const linesOf = ({ first, last }: Band, size: 1 | 2): ReadonlyArray<Row> =>
  Array.from({ length: size }, (_, line) => {
    const ports: Array<number> = []
    for (let port = first + line; port <= last; port += size) ports.push(port)
    return { ports, isFirst: line === 0, isLast: line === size - 1 }
  })

/** Returns the lines of a range. Rows in which every port is free are folded unless `isUnfolded`, except for the first. */
export const rowsOf = (
  range: Range,
  columns: number,
  cells: ReadonlyMap<number, Cell>,
  isUnfolded: boolean
): ReadonlyArray<Row> => {
  const rows: Array<Row> = []
  let free: Array<Band> = []
  let hasNext = false
  const show = (band: Band) => rows.push(...linesOf(band, range.size))
  const fold = () => {
    const [first, last] = [free[0], free.at(-1)]
    if (first !== undefined && last !== undefined && free.length >= FOLDED)
      rows.push({ folded: { first: first.first, last: last.last } })
    else for (const band of free) show(band)
    free = []
  }
  for (const band of bandsOf(range, columns, cells)) {
    if (band.isFree && hasNext && !isUnfolded) {
      free.push(band)
      continue
    }
    fold()
    show(band)
    hasNext ||= band.isFree
  }
  fold()
  return rows
}
