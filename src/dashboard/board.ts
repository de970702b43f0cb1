import type { Assignment } from "../domain/Assignment.ts"
import type { Severity } from "../domain/Finding.ts"
import { contains, type PortRange, parseRange } from "../domain/PortRange.ts"
import { escaped } from "../text/escape.ts"
import type { State } from "./state.ts"

/** Decides the state of each port for the map. Needs nothing of the browser. */

/** In the order of the legend. */
export const CELL_STATES = ["up", "down", "stale", "unknown", "taken", "foreign", "reserved", "free"] as const

export type CellState = (typeof CELL_STATES)[number]

export const STATE_WORDS: Readonly<Record<CellState, string>> = {
  up: "up",
  down: "down",
  stale: "stale",
  unknown: "never probed",
  taken: "taken by another program",
  foreign: "in use, not registered",
  reserved: "reserved",
  free: "free"
}

export const STATE_NAMES: Readonly<Record<CellState, string>> = {
  up: "Up",
  down: "Down",
  stale: "Stale",
  unknown: "Unknown",
  taken: "Taken",
  foreign: "Foreign",
  reserved: "Reserved",
  free: "Free"
}

/** One port as the map shows it. */
export interface Cell {
  readonly port: number
  readonly state: CellState
  /** The key that holds it, or the reason that none may. */
  readonly text: string
  /** The worst that the doctor says of it, but infos. */
  readonly problem: Severity | null
}

export interface Range {
  readonly name: string
  readonly noun: string
  /** How many neighbouring ports are given together. */
  readonly size: 1 | 2
  readonly range: PortRange
}

export interface Board {
  readonly ranges: ReadonlyArray<Range>
  /** Every port in the ranges, and those with a key outside. */
  readonly cells: ReadonlyMap<number, Cell>
  readonly outside: ReadonlyArray<number>
  readonly counts: Readonly<Record<CellState, number>>
}

const rangesOf = ({ status }: State): ReadonlyArray<Range> => {
  const [app, special] = [status?.ranges?.app, status?.ranges?.special].map((use) => parseRange(use?.range ?? ""))
  return [
    ...(app === undefined ? [] : [{ name: "Apps", noun: "app", size: 2, range: app } as const]),
    ...(special === undefined ? [] : [{ name: "Specials", noun: "special", size: 1, range: special } as const])
  ]
}

const byPort = (assignments: Iterable<Assignment>): ReadonlyMap<number, ReadonlyArray<Assignment>> => {
  const found = new Map<number, Array<Assignment>>()
  for (const each of assignments) {
    const here = found.get(each.port)
    if (here === undefined) found.set(each.port, [each])
    else here.push(each)
  }
  return found
}

/** The ports of errors and warnings, and of findings that another program has a key's port. */
const problemsOf = ({ examination }: State) => {
  const problems = new Map<number, Severity>()
  const taken = new Set<number>()
  for (const { check, ports, severity } of examination?.findings ?? [])
    for (const port of ports) {
      if (check === "port-taken") taken.add(port)
      if (severity === "error" || (severity === "warning" && !problems.has(port))) problems.set(port, severity)
    }
  return { problems, taken }
}

/** Keeps the cell of before if it says the same, so that it is not drawn again. */
const kept = (before: Cell | undefined, cell: Cell): Cell =>
  before !== undefined && before.state === cell.state && before.text === cell.text && before.problem === cell.problem
    ? before
    : cell

/** Returns the state of a key: another program may answer instead of it, but only while something does. */
export const stateOfKey = ({ health }: Assignment, isTaken: boolean): CellState =>
  isTaken && health.state === "up" ? "taken" : health.state

const nameOf = (holders: ReadonlyArray<Assignment>): string => holders.map(({ key }) => escaped(key)).join(", ")

/** Says what is on every port. Cells that are as they were are those of `before`. */
export const boardOf = (state: State, before?: Board): Board => {
  const ranges = rangesOf(state)
  const holders = byPort(state.assignments.values())
  const reserved = new Map(state.reserved.map(({ port, reason }) => [port, reason]))
  const { problems, taken } = problemsOf(state)
  const counts = Object.fromEntries(CELL_STATES.map((name) => [name, 0])) as Record<CellState, number>
  const cells = new Map<number, Cell>()
  const what = (port: number): Pick<Cell, "state" | "text"> => {
    const [first, ...more] = holders.get(port) ?? []
    if (first !== undefined) return { state: stateOfKey(first, taken.has(port)), text: nameOf([first, ...more]) }
    const program = state.foreign.get(port)
    if (program !== undefined) return { state: "foreign", text: escaped(program) }
    const reason = reserved.get(port)
    return reason === undefined ? { state: "free", text: "" } : { state: "reserved", text: escaped(reason) }
  }
  const add = (port: number) => {
    const cell = { port, ...what(port), problem: problems.get(port) ?? null }
    counts[cell.state] += 1
    cells.set(port, kept(before?.cells.get(port), cell))
  }
  for (const { range } of ranges) for (let port = range.first; port <= range.last; port += 1) add(port)
  // Until the ranges are known, nothing is outside.
  const outside = [...(ranges.length === 0 ? [] : holders.keys())]
    .filter((port) => !ranges.some(({ range }) => contains(range, port)))
    .sort((a, b) => a - b)
  for (const port of outside) add(port)
  return { ranges, cells, outside, counts }
}

/** Describes the shape and the badge of a cell in words. */
export const spokenOf = ({ problem, state }: Cell): string =>
  `, ${STATE_WORDS[state]}${problem === null ? "" : `, ${problem}`}`
