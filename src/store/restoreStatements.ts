import type * as SqlClient from "@effect/sql/SqlClient"
import { type RegistryState, type Restore, vanishing } from "../domain/RegistryState.ts"
import type { ChangeStatement, RowStatements } from "./rowStatements.ts"

/** Makes the function that writes all that an undo, a redo or an import gives. */
export const makeRestoreStatements = (sql: SqlClient.SqlClient, write: RowStatements) => {
  const { deleteAll, deletePin, deleteRule, insertAll, insertRows, putPin, putRule, removeRow, updateRow } = write

  // What goes comes first: a table may treat two keys as the same.
  return ({ rows }: RegistryState, change: Restore): ReadonlyArray<ChangeStatement> => [
    ...change.rows.flatMap(({ key, stored }) => {
      const now = rows.get(key)
      return stored === null && now !== undefined ? [removeRow(key, now)] : []
    }),
    ...change.rows.flatMap(({ key, stored }) => {
      const now = rows.get(key)
      return stored === null || now === undefined ? [] : [updateRow(key, now, stored)]
    }),
    ...insertRows(
      change.rows.flatMap(({ key, stored }) => (stored === null || rows.has(key) ? [] : [{ key, stored }]))
    ),
    ...deleteAll("port_owners", "key", vanishing(change)),
    ...change.renames.map(({ key, to }) => ({
      statement: sql`UPDATE port_owners SET ${sql("key")} = ${to} WHERE ${sql("key")} = ${key}`
    })),
    ...change.owners.map(({ host, key }) => ({
      statement: sql`DELETE FROM port_owners WHERE host = ${host} AND ${sql("key")} = ${key}`
    })),
    ...insertAll(
      "port_owners",
      change.owners.flatMap(({ host, key, owner }) => (owner === null ? [] : [{ ...owner, host, key }]))
    ),
    ...deleteAll(
      "port_keys",
      "key",
      change.records.map(({ key }) => key)
    ),
    ...insertAll(
      "port_keys",
      change.records.flatMap(({ key, record }) => {
        if (record === null) return []
        const { by, createdAt, description, host } = record
        return [{ key, description, created_at: createdAt, host, by }]
      })
    ),
    ...deleteAll(
      "port_reserved",
      "port",
      change.reserved.map(({ port }) => port)
    ),
    ...insertAll(
      "port_reserved",
      change.reserved.flatMap(({ port, reservation }) => {
        if (reservation === null) return []
        const { at, by, host, reason } = reservation
        return [{ port, reason, created_at: at, host, by }]
      })
    ),
    ...change.rules.flatMap(({ name, rule }) => (rule === null ? [deleteRule(name)] : putRule(name, rule))),
    ...change.pins.flatMap(({ key, pin }) => (pin === null ? [deletePin(key)] : putPin(key, pin)))
  ]
}
