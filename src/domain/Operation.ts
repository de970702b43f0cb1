import * as Context from "effect/Context"
import type { HistoryEvent } from "./HistoryEvent.ts"
import type { Change, KeyRecord, RegistryState } from "./RegistryState.ts"
import { portsOf } from "./RegistryState.ts"

/**
 * The id of a change, made by the client. A client that lost the reply sends the change again with the same id; if it
 * was already made, it is answered and not made twice. `undefined` if the client cannot retry.
 */
export class Operation extends Context.Reference<Operation>()("Operation", {
  defaultValue: (): string | undefined => undefined
}) {}

/** The form of a client's operation id: at most as long as its column, and long enough that two never collide. */
export const OPERATION = /^[0-9A-Za-z-]{16,36}$/

/** The part of a history event that is needed to answer its change again. */
export type Done = Pick<HistoryEvent, "what" | "key" | "oldPort" | "newPort" | "detail">

const NEW_KEY: KeyRecord = { description: null, createdAt: "", host: "", by: "" }

/** Restores the rows that an event wrote or removed. */
const restoreRow = (rows: Map<string, string>, { detail, key, newPort, oldPort, what }: Done): void => {
  if (key === null) return
  if (what === "rename") rows.delete(key)
  const port = newPort ?? oldPort
  const holder = what === "rename" ? detail : key
  if (port !== null && holder !== null) rows.set(holder, String(port))
  // The removed row did not contain a port.
  else if (["delete", "prune", "release"].includes(what)) rows.set(key, "")
}

/**
 * Returns the state on which a change that was already made gives the same answer again: what it assigned is there, and
 * what it removed is back. Changes made since then stay.
 */
export const asAnswered = (state: RegistryState, events: ReadonlyArray<Done>): RegistryState => {
  const rows = new Map(state.rows)
  const keys = new Map(state.keys)
  const reserved = new Map(state.reserved)
  const pinned = new Map(state.pinned)
  for (const event of events) {
    const { detail, key, newPort, oldPort, what } = event
    const port = newPort ?? oldPort
    if (what === "reserve" || what === "unreserve") {
      if (port !== null) reserved.set(port, { reason: detail ?? "", at: "", host: "", by: "" })
      continue
    }
    if (what === "unpin" && key !== null) pinned.set(key, pinned.get(key) ?? { at: "", host: "", by: "" })
    if (what === "describe" && key !== null) keys.set(key, { ...(keys.get(key) ?? NEW_KEY), description: detail })
    restoreRow(rows, event)
  }
  const allocated = events.flatMap(({ key, what }) => (what === "allocate" && key !== null ? [key] : []))
  return { ...state, rows, keys, reserved, pinned, assigned: new Set(allocated), ports: portsOf(rows) }
}

/**
 * Returns whether `change` was not made by `events`, but would be made only now, because of what others have done since.
 * `before` is the state that asAnswered returns.
 */
export const isNew = (change: Change, before: RegistryState, events: ReadonlyArray<Done>): boolean => {
  switch (change._tag) {
    case "Assign":
      return before.ports.get(change.key) !== change.port
    case "Remove":
    case "Describe":
      return !events.some(({ key }) => key === change.key)
    case "Rename":
      return !events.some(({ detail, what }) => what === "rename" && detail === change.key)
    case "Unreserve": {
      const freed = new Set(events.map(({ oldPort, what }) => (what === "unreserve" ? oldPort : null)))
      return change.ports.some((port) => !freed.has(port))
    }
    case "Bind":
    case "Reserve":
    case "Ignore":
    case "Unignore":
    case "Pin":
    case "Unpin":
    case "Restore":
      return false
  }
}
