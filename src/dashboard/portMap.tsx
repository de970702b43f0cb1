import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks"
import type { Board, Range } from "./board.ts"
import { Grid } from "./grid.tsx"
import { type Row, rowsOf } from "./rows.ts"

/** The map: each range as a grid of its ports. */

/** Returns the number of columns for a width in pixels. */
const columnsFor = (width: number): number => Math.max(2, Math.min(10, Math.floor((width + 8) / 166)))

/** Measures how many columns fit. */
const useColumns = () => {
  const place = useRef<HTMLDivElement>(null)
  // Nothing is drawn before that: to lay out all of it once more takes as long as the first time.
  const [columns, setColumns] = useState<number>()
  useLayoutEffect(() => {
    const element = place.current
    if (element === null) return
    setColumns(columnsFor(element.clientWidth))
    const observer = new ResizeObserver(([entry]) => setColumns(columnsFor(entry?.contentRect.width ?? 0)))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return { place, columns }
}

interface MapProps {
  readonly board: Board
  /** The text that was searched for; null if none was. */
  readonly found: ReadonlySet<number> | null
  readonly open: (port: number) => void
}

const freeIn = ({ range, size }: Range, { cells }: Board): string => {
  let used = 0
  let slots = 0
  for (let port = range.first; port <= range.last; port += size) {
    slots += 1
    const isFree = Array.from({ length: size }, (_, at) => cells.get(port + at)?.state).every((each) => each === "free")
    if (!isFree) used += 1
  }
  const noun = size === 2 ? "pairs" : "ports"
  return `${slots - used} of ${slots} ${noun} free`
}

const RangeMap = ({ board, columns, found, open, range }: MapProps & { range: Range; columns: number }) => {
  const [isUnfolded, setUnfolded] = useState(false)
  const rows = useMemo(
    () => rowsOf(range, columns, board.cells, isUnfolded),
    [range.range.first, range.range.last, columns, board, isUnfolded]
  )
  const { first, last } = range.range
  return (
    <section class="range">
      <header>
        <h2>{range.name}</h2>
        <span class="muted">
          <span class="wide">
            {first}–{last} ·{" "}
          </span>
          {freeIn(range, board)}
        </span>
        <button type="button" class="quiet" aria-pressed={isUnfolded} onClick={() => setUnfolded(!isUnfolded)}>
          Show all free
        </button>
      </header>
      <Grid
        name={`${range.name}, ${first} to ${last}`}
        rows={rows}
        columns={columns}
        board={board}
        found={found}
        open={open}
        unfold={() => setUnfolded(true)}
      />
    </section>
  )
}

/** The ports with a key outside the ranges, in lines. */
const outsideRows = (ports: ReadonlyArray<number>, columns: number): ReadonlyArray<Row> =>
  Array.from({ length: Math.ceil(ports.length / columns) }, (_, at) => ({
    ports: ports.slice(at * columns, (at + 1) * columns),
    isFirst: true,
    isLast: true
  }))

/** The keys outside the ranges. */
const Elsewhere = ({ board, columns, found, open }: MapProps & { readonly columns: number }) => (
  <section class="range">
    <header>
      <h2>Elsewhere</h2>
      <span class="muted">assigned outside the ranges</span>
    </header>
    <Grid
      name="Elsewhere"
      rows={outsideRows(board.outside, columns)}
      columns={columns}
      board={board}
      found={found}
      open={open}
      unfold={() => {}}
    />
  </section>
)

export const PortMap = (props: MapProps) => {
  const { columns, place } = useColumns()
  const { board } = props
  return (
    <div class="map" ref={place}>
      {columns === undefined
        ? null
        : board.ranges.map((range) => <RangeMap key={range.name} range={range} columns={columns} {...props} />)}
      {columns === undefined || board.outside.length === 0 ? null : <Elsewhere columns={columns} {...props} />}
    </div>
  )
}
