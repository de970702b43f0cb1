import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { columnText, columnTime, LIMITS } from "../domain/foreignText.ts"
import { type KeyOwner, LEARNED, ownerFrom, type StoredOwner } from "../domain/Owner.ts"
import type { Learned, Sighting } from "../domain/portHealth.ts"
import { query } from "./Query.ts"
import { PREFIX } from "./schema.ts"

/** Makes the statements on the owners of keys on `host`. They touch no row of another host. */
export const makeOwnersTable = (host: string, settings: string) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const all = query(
      sql<StoredOwner & { key: string }>`
        SELECT ${sql("key")}, kind, name, since, seen FROM port_owners WHERE host = ${host}`,
      (rows): ReadonlyMap<string, KeyOwner> =>
        new Map(
          rows.flatMap(({ key, kind, name, seen, since }): ReadonlyArray<readonly [string, KeyOwner]> => {
            const times = { since: columnText(since), seen: columnTime(seen) }
            const owner = ownerFrom({ kind, name: columnText(name, LIMITS.path), ...times })
            return owner === undefined ? [] : [[key, owner]]
          })
        )
    )

    const mine = (key: string) => sql`host = ${host} AND ${sql("key")} = ${key}`

    /** Stores the first owner that was seen, unless the key got an owner or lost its port meanwhile. */
    const learn = ({ at, key, owner, port }: Learned) =>
      sql`INSERT INTO port_owners (host, ${sql("key")}, kind, name, since, seen)
        SELECT ${host}, ${key}, ${LEARNED + owner.kind}, ${owner.name}, ${at}, ${at} FROM ${sql(settings)}
        WHERE setting_key = ${PREFIX + key} AND setting_value = ${String(port)}
          AND NOT EXISTS (SELECT 1 FROM port_owners WHERE ${mine(key)})`

    /** Stores when the owner was last seen. A stored time after `now` is from a clock that was ahead: overwrite it. */
    const see = ({ at, key, owner }: Sighting, now: string) =>
      sql`UPDATE port_owners SET seen = ${at} WHERE ${mine(key)} AND kind IN (${owner.kind}, ${LEARNED + owner.kind})
        AND name = ${owner.name}
        AND (seen IS NULL OR seen < ${at} OR seen > ${now})`

    return { all, learn, see }
  })

export type OwnersTable = Effect.Effect.Success<ReturnType<typeof makeOwnersTable>>
