import { Component } from "preact"
import { useState } from "preact/hooks"
import { type Board, type Cell, spokenOf } from "./board.ts"
import { Glyph } from "./parts.tsx"
import type { PortLine, Row } from "./rows.ts"

/** A grid of ports, in which the arrow keys move. */

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

interface PortRowProps {
  readonly row: PortLine
  readonly cells: ReadonlyArray<Cell>
  readonly found: ReadonlySet<number> | null
  /** The port of this row to which Tab leads. */
  readonly tabStop: number | undefined
}

/** A line of ports. Its cells are compared only if one of them has changed: there may be a thousand. */
class PortRow extends Component<PortRowProps> {
  override shouldComponentUpdate(next: PortRowProps): boolean {
    const { cells, found, tabStop } = this.props
    return (
      next.found !== found ||
      next.tabStop !== tabStop ||
      next.cells.length !== cells.length ||
      next.cells.some((cell, at) => cell !== cells[at])
    )
  }

  override render({ cells, found, row, tabStop }: PortRowProps) {
    return (
      <div role="row" class={`row${row.isFirst ? " first" : ""}${row.isLast ? " last" : ""}`}>
        {cells.map((cell) => (
          <PortCell
            key={cell.port}
            cell={cell}
            isDim={found !== null && !found.has(cell.port)}
            isTabStop={cell.port === tabStop}
          />
        ))}
      </div>
    )
  }
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

export const Grid = ({ board, columns, found, name, open, rows, unfold }: GridProps) => {
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
          <PortRow
            key={row.ports[0]}
            row={row}
            cells={row.ports.map((port) => board.cells.get(port) as Cell)}
            found={found}
            tabStop={stop !== undefined && row.ports.includes(stop) ? stop : undefined}
          />
        )
      )}
    </div>
  )
}
