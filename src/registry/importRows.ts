import type { Incoming, IncomingRegistry, OnConflict, Refused } from "../domain/Exchange.ts"
import { LIMITS } from "../domain/foreignText.ts"
import { keyLike, keyProblem, parsePort, textProblem } from "../domain/names.ts"
import { holdersByPort, type RegistryState } from "../domain/RegistryState.ts"

/** Decides which rows of an import fit into a registry. */

export interface ImportRequest {
  readonly incoming: IncomingRegistry
  readonly onConflict: OnConflict
  readonly dryRun: boolean
}

/** Returns what the settings table has, or would have, for a row. */
export const textOf = ({ port, stored }: Incoming): string => stored ?? String(port)

/** Returns what is wrong with a row by itself. What comes from a registry is as another program may have written it. */
const problemOf = ({ created, description, key, port, stored }: Incoming): Partial<Misfit> | undefined => {
  const textual = created === undefined && typeof description === "string" ? textProblem(description) : undefined
  if (textual !== undefined) return { field: "description", problem: textual }
  // The tables of the registry hold no longer key, whatever the settings table holds.
  const isOther = typeof stored === "string" && key.length <= LIMITS.key
  const problem = isOther ? undefined : keyProblem(key)
  if (problem !== undefined) return { field: "key", problem, proposal: keyLike(key) ?? null }
  if (typeof stored === "string") return undefined
  if (port === null || port === "") return { field: "port", problem: "is missing" }
  return parsePort(String(port)) === undefined
    ? { field: "port", problem: "is not a port: write a whole number from 1 to 65535" }
    : undefined
}

/** Follows the ports of all keys while rows are taken in. */
export const makePorts = (state: RegistryState) => {
  const holders = new Map([...holdersByPort(state.ports)].map(([port, keys]) => [port, new Set(keys)]))
  const ports = new Map(state.ports)
  return {
    holdersOf: (port: number, but: string): ReadonlyArray<string> =>
      [...(holders.get(port) ?? [])].filter((key) => key !== but).sort(),
    move: (key: string, port: number | undefined) => {
      const before = ports.get(key)
      if (before !== undefined) holders.get(before)?.delete(key)
      if (port === undefined) {
        ports.delete(key)
        return
      }
      ports.set(key, port)
      holders.set(port, (holders.get(port) ?? new Set()).add(key))
    },
    of: (key: string) => ports.get(key)
  }
}

type Misfit = Omit<Refused, "line" | "key" | "port">

/** What a refusal says if it is about something else. */
const FITS = { problem: null, field: null, holders: [], current: null, proposal: null }

/** Sorts the rows of a file: those that are taken in, and those that do not fit. */
export const sortRows = (
  { incoming, onConflict }: ImportRequest,
  state: RegistryState,
  reserved: ReadonlyMap<number, string>
) => {
  const ports = makePorts(state)
  const seen = new Map<string, Incoming>()
  const taken: Array<Incoming> = []
  const refused: Array<Refused> = []

  /** Returns why a valid row does not fit into the registry. */
  const misfit = (row: Incoming, port: number | undefined): Misfit | undefined => {
    const stored = state.rows.get(row.key)
    if (stored === textOf(row)) return undefined
    const current = state.ports.get(row.key)
    if (stored !== undefined) return { ...FITS, reason: "moved", current: current ?? null }
    if (port === undefined) return undefined
    // A registry may have let its own keys share a port.
    const holders = ports.holdersOf(port, row.key).filter((key) => state.rows.has(key) || row.shared !== true)
    if (holders.length > 0) return { ...FITS, reason: "taken", holders }
    const reason = row.claimed === undefined ? reserved.get(port) : undefined
    return reason === undefined ? undefined : { ...FITS, reason: "reserved", problem: reason }
  }

  const refusal = (row: Incoming, port: number | undefined): Misfit | undefined => {
    const problem = problemOf(row)
    if (problem !== undefined) return { ...FITS, ...problem, reason: "invalid" }
    const earlier = seen.get(row.key)
    if (earlier !== undefined) return textOf(earlier) === textOf(row) ? undefined : { ...FITS, reason: "twice" }
    return onConflict === "force" ? undefined : misfit(row, port)
  }

  for (const row of incoming.assignments) {
    const port = parsePort(textOf(row))
    const why = refusal(row, port)
    if (why !== undefined) {
      refused.push({ line: row.line ?? null, key: row.key, port: row.port === null ? "" : String(row.port), ...why })
      continue
    }
    if (seen.has(row.key)) continue
    seen.set(row.key, row)
    taken.push(row)
    ports.move(row.key, port)
  }
  return { taken, refused, ports }
}
