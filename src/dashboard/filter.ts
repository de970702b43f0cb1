import type { Assignment } from "../domain/Assignment.ts"
import type { Board, CellState } from "./board.ts"

/** The text to search for. */
export interface Filter {
  readonly query: string
  /** None means all. */
  readonly states: ReadonlySet<CellState>
}

export const isFiltering = ({ query, states }: Filter): boolean => query.trim() !== "" || states.size > 0

const textOf = ({ description, key, listener, owner, port }: Assignment): string =>
  [
    key,
    port,
    description,
    owner?.name,
    listener?.command,
    listener?.directory,
    listener?.container,
    listener?.containerDetails?.image,
    listener?.unit
  ]
    .filter((each) => each !== null && each !== undefined)
    .join("\n")
    .toLowerCase()

/** Returns the ports that were searched for: every word of the query is in something that is known of them. */
export const matching = (
  { cells }: Board,
  assignments: Iterable<Assignment>,
  { query, states }: Filter
): ReadonlySet<number> => {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const texts = new Map<number, string>()
  if (words.length > 0)
    for (const each of assignments) texts.set(each.port, `${texts.get(each.port) ?? ""}${textOf(each)}\n`)
  const found = new Set<number>()
  for (const { port, state, text } of cells.values()) {
    if (states.size > 0 && !states.has(state)) continue
    const known = texts.get(port) ?? `${port}\n${text.toLowerCase()}`
    if (words.every((word) => known.includes(word))) found.add(port)
  }
  return found
}
