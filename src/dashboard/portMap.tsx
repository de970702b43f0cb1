import { Component } from "preact"
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks"
import { type Board, type Cell, type Range, spokenOf } from "./board.ts"
import { Glyph } from "./parts.tsx"
import { type Row, rowsOf } from "./rows.ts"

/** The map: each range as a grid of its ports, in which the arrow keys move. */

interface CellProps {
  readonly cell: Cell
  readonly isDim: boolean
  readonly isTabStop: boolean
}

/** One port. It is drawn again only if what it says has changed. */
class PortCell extends Component<CellProps> {
  override shouldComponentUpdate(next: CellProps): boolean {
    const { cell, isDim, isTabStop } = this.props
    return next.cell !== cell || next.isDim !== isDim || next.isTabStop !== isTabStop
  }

  override render({ cell, isDim, isTabStop }: CellProps) {
    const { port, problem, state, text } = cell
    return (
      <div
        role="gridcell"
        id={`port-${port}`}
        data-port={port}
        data-state={state}
        class={`cell ${state}${isDim ? " dim" : ""}`}
        tabIndex={isTabStop ? 0 : -1}
        title={text === "" ? undefined : text}
      >
        <Glyph state={state} />
        <span class="port">{port}</span> <span class="who">{text}</span>
        {problem === null ? null : (
          <span class={`badge ${problem}`} aria-hidden="true">
            !
          </span>
        )}
        <span class="hidden">{spokenOf(cell)}</span>
      </div>
    )
  }
}

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

/** The places of a grid by line: a port, or the first port of a folded run. */
const placesOf = (rows: ReadonlyArray<Row>): ReadonlyArray<ReadonlyArray<number>> =>
  rows.map((row) => ("folded" in row ? [row.folded.first] : row.ports))

/** Returns where a key leads to from `port`. */
const moved = (
  places: ReadonlyArray<ReadonlyArray<number>>,
  port: number,
  { ctrlKey, key }: KeyboardEvent
): number | undefined => {
  const line = places.findIndex((ports) => ports.includes(port))
  const at = places[line]?.indexOf(port) ?? -1
  const below = (other: number) => places[other]?.[Math.min(at, (places[other]?.length ?? 1) - 1)]
  switch (key) {
    case "ArrowRight":
      return places[line]?.[at + 1]
    case "ArrowLeft":
      return places[line]?.[at - 1]
    case "ArrowDown":
      return below(line + 1)
    case "ArrowUp":
      return below(line - 1)
    case "Home":
      return ctrlKey ? places[0]?.[0] : places[line]?.[0]
    case "End":
      return ctrlKey ? places.at(-1)?.at(-1) : places[line]?.at(-1)
    default:
      return undefined
  }
}

interface GridProps {
  readonly name: string
  readonly rows: ReadonlyArray<Row>
  readonly columns: number
  readonly board: Board
  readonly found: ReadonlySet<number> | null
  readonly open: (port: number) => void
  readonly unfold: () => void
}

const Folded = ({ first, isTabStop, last }: { first: number; last: number; isTabStop: boolean }) => (
  <div role="gridcell" id={`port-${first}`} data-folded={first} class="folded" tabIndex={isTabStop ? 0 : -1}>
    <span class="port">
      {first}–{last}
    </span>{" "}
    {last - first + 1} free ports
  </div>
)

const Grid = ({ board, columns, found, name, open, rows, unfold }: GridProps) => {
  const places = placesOf(rows)
  const [wanted, setWanted] = useState<number>()
  // If what had the focus is gone, the first takes its place.
  const stop = wanted !== undefined && places.some((ports) => ports.includes(wanted)) ? wanted : places[0]?.[0]
  const act = (target: EventTarget | null): boolean => {
    const place = target instanceof Element ? target.closest<HTMLElement>("[role=gridcell]") : null
    if (place === null) return false
    const { folded, port } = place.dataset
    setWanted(Number(port ?? folded))
    if (port !== undefined) open(Number(port))
    else unfold()
    return true
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (stop === undefined || event.altKey || event.metaKey) return
    if (event.key === "Enter" || event.key === " ") {
      if (act(event.target)) event.preventDefault()
      return
    }
    const next = moved(places, stop, event)
    if (next === undefined) return
    event.preventDefault()
    setWanted(next)
    document.getElementById(`port-${next}`)?.focus()
  }
  return (
    <div
      role="grid"
      class="grid"
      aria-label={name}
      aria-rowcount={rows.length}
      aria-colcount={columns}
      data-columns={columns}
      tabIndex={-1}
      onClick={({ target }) => void act(target)}
      onKeyDown={onKeyDown}
    >
      {rows.map((row) =>
        "folded" in row ? (
          <div role="row" class="row fold" key={`f${row.folded.first}`}>
            <Folded {...row.folded} isTabStop={row.folded.first === stop} />
          </div>
        ) : (
          <div role="row" key={row.ports[0]} class={`row${row.isFirst ? " first" : ""}${row.isLast ? " last" : ""}`}>
            {row.ports.map((port) => (
              <PortCell
                key={port}
                cell={board.cells.get(port) as Cell}
                isDim={found !== null && !found.has(port)}
                isTabStop={port === stop}
              />
            ))}
          </div>
        )
      )}
    </div>
  )
}

interface MapProps {
  readonly board: Board
  /** What was searched for; null if nothing was. */
  readonly found: ReadonlySet<number> | null
  readonly open: (port: number) => void
}

const usedIn = ({ range, size }: Range, { cells }: Board): string => {
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
          {first}–{last} · {usedIn(range, board)}
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
