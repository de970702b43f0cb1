import * as Context from "effect/Context"
import type { HistoryEvent } from "./HistoryEvent.ts"
import type { KeyRecord, RegistryState } from "./RegistryState.ts"
import { portsOf } from "./RegistryState.ts"

/**
 * The number of the change that is asked for, made by the client. A client that has lost the reply asks again with the
 * same number, and a change that was made under it is answered and not made twice. `undefined` if nobody can ask again.
 */
export class Operation extends Context.Reference<Operation>()("Operation", {
  defaultValue: (): string | undefined => undefined
}) {}

/** The bounds of a client's number: as long as the column that keeps it, and long enough that two never meet. */
export const OPERATION = /^[0-9A-Za-z-]{16,36}$/

/** The part of the history that a change is recognised by. */
export type Done = Pick<HistoryEvent, "what" | "key" | "oldPort" | "newPort" | "detail">

const NEW_KEY: KeyRecord = { description: null, createdAt: "", host: "", by: "" }

/** Puts the rows back that an event wrote or removed. */
const restoreRow = (rows: Map<string, string>, { detail, key, newPort, oldPort, what }: Done): void => {
  if (key === null) return
  if (what === "rename") rows.delete(key)
  const port = newPort ?? oldPort
  const holder = what === "rename" ? detail : key
  if (port !== null && holder !== null) rows.set(holder, String(port))
  // The row that was removed held no port.
  else if (what === "delete" || what === "release") rows.set(key, "")
}

/**
 * Returns the state in which a change that was made before gives the answer that it gave then: what it assigned is there,
 * and what it removed is there again. Other changes since then stay.
 */
export const asAnswered = (state: RegistryState, events: ReadonlyArray<Done>): RegistryState => {
  const rows = new Map(state.rows)
  const keys = new Map(state.keys)
  const reserved = new Map(state.reserved)
  for (const event of events) {
    const { detail, key, newPort, oldPort, what } = event
    const port = newPort ?? oldPort
    if (what === "reserve" || what === "unreserve") {
      if (port !== null) reserved.set(port, detail ?? "")
      continue
    }
    if (what === "describe" && key !== null) keys.set(key, { ...(keys.get(key) ?? NEW_KEY), description: detail })
    restoreRow(rows, event)
  }
  const allocated = events.flatMap(({ key, what }) => (what === "allocate" && key !== null ? [key] : []))
  return { ...state, rows, keys, reserved, assigned: new Set(allocated), ports: portsOf(rows) }
}
