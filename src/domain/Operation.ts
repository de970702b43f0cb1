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

/**
 * The state in which a change that was made before answers what it answered then: what it assigned is there, what it
 * took away is there again. Whatever else was changed since stays changed.
 */
export const asAnswered = (state: RegistryState, events: ReadonlyArray<Done>): RegistryState => {
  const rows = new Map(state.rows)
  const keys = new Map(state.keys)
  const reserved = new Map(state.reserved)
  const assigned = new Set<string>()
  for (const { detail, key, newPort, oldPort, what } of events) {
    const port = newPort ?? oldPort
    if (what === "reserve" || what === "unreserve") {
      if (port !== null) reserved.set(port, detail ?? "")
    } else if (key !== null) {
      if (what === "describe") keys.set(key, { ...(keys.get(key) ?? NEW_KEY), description: detail })
      else if (what === "rename") rows.delete(key)
      const holder = what === "rename" ? detail : key
      if (port !== null && holder !== null) rows.set(holder, String(port))
      // The row that was removed held no port.
      else if (what === "delete" || what === "release") rows.set(key, "")
      if (what === "allocate") assigned.add(key)
    }
  }
  return { ...state, rows, keys, reserved, assigned, ports: portsOf(rows) }
}
