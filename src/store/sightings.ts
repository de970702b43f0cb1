import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { columnText, columnTime, LIMITS } from "../domain/foreignText.ts"
import { describeOwner, ownerFrom } from "../domain/Owner.ts"
import type { Sighted } from "../domain/Prune.ts"
import { query } from "./Query.ts"

interface OwnedRow {
  readonly host: string
  readonly key: string
  readonly kind: string
  readonly name: string
}

/** Makes the queries on what each host knows of the keys: that they were up there, and what they belong to there. */
export const makeSightings = Effect.map(SqlClient.SqlClient, (sql) => ({
  up: query(
    sql<Pick<OwnedRow, "host" | "key"> & { readonly last_up: string }>`
      SELECT host, ${sql("key")}, last_up FROM port_health WHERE last_up IS NOT NULL`,
    (rows) =>
      rows.map(
        ({ host, key, last_up }): Sighted => ({
          host: columnText(host),
          key: columnText(key),
          lastUp: columnTime(last_up),
          owner: null
        })
      )
  ),
  owned: query(sql<OwnedRow>`SELECT host, ${sql("key")}, kind, name FROM port_owners`, (rows) =>
    rows.map(({ host, key, kind, name }): Sighted => {
      const owner = ownerFrom({ kind, name: columnText(name, LIMITS.path), since: "", seen: null })
      // What a newer d has stored is an owner all the same.
      return {
        host: columnText(host),
        key: columnText(key),
        lastUp: null,
        owner: owner === undefined ? kind : describeOwner(owner)
      }
    })
  )
}))
