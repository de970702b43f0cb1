import { Component } from "preact"
import { useMemo, useState } from "preact/hooks"
import type { Assignment } from "../domain/Assignment.ts"
import { imageName } from "../domain/Container.ts"
import { escaped } from "../text/escape.ts"
import { type Board, CELL_STATES, type CellState, STATE_NAMES } from "./board.ts"
import { Glyph } from "./parts.tsx"
import { ago } from "./time.ts"

/** The list of the keys, which can be sorted. */

/** How many keys are shown until more are asked for. */
const SHOWN = 100

interface Item {
  readonly assignment: Assignment
  readonly state: CellState
}

/** Returns the directory that a key is served from, or belongs to. */
const placeOf = ({ listener, owner }: Assignment): string =>
  escaped(listener?.container ?? listener?.unit ?? listener?.directory ?? owner?.name ?? "")

/** Returns the image or the program that serves a key. */
const programOf = ({ listener }: Assignment): string | null => {
  const details = listener?.containerDetails
  return (details ? imageName(details) : undefined) ?? listener?.command ?? null
}

const COLUMNS = {
  Port: ({ assignment }: Item) => assignment.port,
  Key: ({ assignment }: Item) => assignment.key.toLowerCase(),
  State: ({ state }: Item) => CELL_STATES.indexOf(state),
  Where: ({ assignment }: Item) => placeOf(assignment),
  "Last up": ({ assignment: { health } }: Item) =>
    health.state === "up" ? Number.MIN_SAFE_INTEGER : -Date.parse(health.lastUp ?? "1970-01-01")
} as const

type Column = keyof typeof COLUMNS

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0)

interface Sorting {
  readonly column: Column
  readonly isDown: boolean
}

const sorted = (items: ReadonlyArray<Item>, { column, isDown }: Sorting): ReadonlyArray<Item> => {
  const of = COLUMNS[column]
  const sign = isDown ? -1 : 1
  return [...items].sort((a, b) => sign * compare(of(a), of(b)) || a.assignment.port - b.assignment.port)
}

/** When a key was last up. */
const lastUp = ({ health }: Assignment): string =>
  health.state === "up" ? "now" : health.lastUp === null ? "never" : ago(health.lastUp)

interface LineProps extends Item {
  readonly when: string
  readonly open: (port: number) => void
}

/** One key. It is drawn again only if something of it has changed. */
class Line extends Component<LineProps> {
  override shouldComponentUpdate(next: LineProps): boolean {
    const { assignment, state, when } = this.props
    return next.assignment !== assignment || next.state !== state || next.when !== when
  }

  override render({ assignment, open, state, when }: LineProps) {
    const { description, key, port } = assignment
    const program = programOf(assignment)
    return (
      <tr>
        <td class="port">{port}</td>
        <th scope="row">
          <button type="button" class="link" onClick={() => open(port)}>
            <bdi>{escaped(key)}</bdi>
          </button>
          {description === null ? null : <span class="muted">{escaped(description)}</span>}
        </th>
        <td>
          <span class="state">
            <Glyph state={state} />
            {STATE_NAMES[state]}
          </span>
        </td>
        <td class="where">
          {program === null ? null : <span class="process">{escaped(program)}</span>}
          <bdi class="muted">{placeOf(assignment)}</bdi>
        </td>
        <td class="muted">{when}</td>
      </tr>
    )
  }
}

interface ListProps {
  readonly board: Board
  readonly assignments: ReadonlyMap<string, Assignment>
  readonly found: ReadonlySet<number> | null
  readonly open: (port: number) => void
}

export const PortList = ({ assignments, board, found, open }: ListProps) => {
  const [sorting, setSorting] = useState<Sorting>({ column: "Port", isDown: false })
  const [shown, setShown] = useState(SHOWN)
  const items = useMemo(() => {
    const all = [...assignments.values()].filter(({ port }) => found === null || found.has(port))
    const withState = all.map((assignment) => ({
      assignment,
      state: board.cells.get(assignment.port)?.state ?? assignment.health.state
    }))
    return sorted(withState, sorting)
  }, [assignments, board, found, sorting])
  if (items.length === 0)
    return <p class="empty">{assignments.size === 0 ? "No key has a port yet." : "No key matches the search."}</p>
  const directionOf = (column: Column) =>
    sorting.column !== column ? "none" : sorting.isDown ? "descending" : "ascending"
  return (
    <div class="list">
      <table>
        <caption class="hidden">The keys and their ports</caption>
        <thead>
          <tr>
            {(Object.keys(COLUMNS) as ReadonlyArray<Column>).map((column) => (
              <th scope="col" key={column} aria-sort={directionOf(column)}>
                <button
                  type="button"
                  class="link"
                  onClick={() => setSorting({ column, isDown: sorting.column === column && !sorting.isDown })}
                >
                  {column}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.slice(0, shown).map((item) => (
            <Line key={item.assignment.key} {...item} when={lastUp(item.assignment)} open={open} />
          ))}
        </tbody>
      </table>
      {items.length <= shown ? null : (
        <button type="button" onClick={() => setShown(shown + SHOWN)}>
          Show {Math.min(SHOWN, items.length - shown)} more of {items.length}
        </button>
      )}
    </div>
  )
}
