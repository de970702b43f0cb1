import * as SqlClient from "@effect/sql/SqlClient"
import type { Statement } from "@effect/sql/Statement"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { Actor } from "../config.ts"
import { type ClaimMove, claimMoves, renameClaim, settle } from "../domain/claims.ts"
import { KeyCollision } from "../domain/errors.ts"
import { applied, type Change, type Claim, type RegistryState } from "../domain/RegistryState.ts"
import { Dialect } from "./Dialect.ts"
import { PREFIX } from "./rows.ts"
import { MUTEX } from "./schema.ts"

/** A row changed between our reading and our writing it: another program wrote it. The transaction is run again. */
export class RowMoved extends Data.TaggedError("RowMoved")<{ readonly key: string }> {}

/** Who makes a change, when, and which transaction it belongs to. */
export interface Stamp extends Actor {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly batch: string
}

/** SQLite takes 32,766 values in one statement, and MySQL 65,535. */
const ROWS_MAX = 1000

/** What makes a key known that was not. */
const INTRODUCING: ReadonlyArray<Change["_tag"]> = ["Assign", "Describe", "Bind"]

type Event = Readonly<Record<"what" | "key" | "old_port" | "new_port" | "detail", string | number | null>>

/** The statements that write changes, for inside a transaction. */
export const makeChanges = (settings: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const dialect = yield* Dialect

    /** Byte for byte, whatever the column's collation holds to be equal; `=` comes first for the index. */
    const bytes = sql.onDialectOrElse({ mysql: () => "BINARY", orElse: () => "BLOB" })
    const exactly = (column: string, value: string) =>
      sql`${sql(column)} = ${value} AND CAST(${sql(column)} AS ${sql.literal(bytes)}) = CAST(${value} AS ${sql.literal(bytes)})`

    /** In as few statements as their number of values allows. */
    const insertAll = (table: string, rows: ReadonlyArray<Record<string, string | number | null>>) =>
      Effect.forEach(
        Array.from({ length: Math.ceil(rows.length / ROWS_MAX) }, (_, at) =>
          rows.slice(at * ROWS_MAX, (at + 1) * ROWS_MAX)
        ),
        (some) => sql`INSERT INTO ${sql(table)} ${sql.insert(some)}`,
        { discard: true }
      )

    /** What a history row says; the rows of one transaction are written at its end. */
    const event = (
      what: string,
      key: string | null,
      oldPort: number | null,
      newPort: number | null,
      detail: string | null = null
    ): Event => ({ what, key, old_port: oldPort, new_port: newPort, detail })

    /** Fails with RowMoved where the UPDATE or DELETE met no row. */
    const met = (key: string, statement: Statement<object>) =>
      Effect.filterOrFail(
        statement.raw,
        (raw) => dialect.rowsMet(raw) > 0,
        () => new RowMoved({ key })
      )

    /** Inserts the row of `key`. A duplicate is another key that the table takes for this one, or a foreign insert. */
    const insertRow = (key: string, value: string) =>
      sql`INSERT INTO ${sql(settings)} ${sql.insert({ setting_key: PREFIX + key, setting_value: value })}`.pipe(
        Effect.catchIf(
          (error) => dialect.diagnose(error)._tag === "Duplicate",
          () =>
            Effect.gen(function* () {
              const rows = yield* sql<{ setting_key: string }>`
                SELECT setting_key FROM ${sql(settings)} WHERE setting_key = ${PREFIX + key}`
              const other = rows.find((row) => row.setting_key !== PREFIX + key)?.setting_key.slice(PREFIX.length)
              return yield* other === undefined
                ? new RowMoved({ key })
                : new KeyCollision({ key, other, table: settings })
            })
        )
      )

    const removeRow = (key: string, stored: string) =>
      met(
        key,
        sql`DELETE FROM ${sql(settings)} WHERE ${exactly("setting_key", PREFIX + key)} AND setting_value = ${stored}`
      )

    /** Gives the keys of `changes` their rows in `port_keys`, where they have none. */
    const introduce = (state: RegistryState, changes: ReadonlyArray<Change>, { at, host, user }: Stamp) => {
      const named = changes.flatMap((change) =>
        INTRODUCING.includes(change._tag) && "key" in change ? change.key : []
      )
      const fresh = [...new Set(named)].filter((key) => !state.keys.has(key))
      return insertAll(
        "port_keys",
        fresh.map((key) => ({ key, created_at: at, host, by: user }))
      )
    }

    const forget = (key: string) =>
      Effect.zipRight(
        sql`DELETE FROM port_keys WHERE ${sql("key")} = ${key}`,
        sql`DELETE FROM port_owners WHERE ${sql("key")} = ${key}`
      )

    /** Writes one change to everything but the claims, which follow at the end. */
    const write = (state: RegistryState, change: Change, stamp: Stamp) =>
      Effect.gen(function* () {
        switch (change._tag) {
          case "Assign": {
            const { key } = change
            const value = String(change.port)
            const stored = state.rows.get(key)
            if (stored === undefined) yield* insertRow(key, value)
            else {
              yield* met(
                key,
                sql`UPDATE ${sql(settings)} SET setting_value = ${value}
                  WHERE ${exactly("setting_key", PREFIX + key)} AND setting_value = ${stored}`
              )
            }
            return event(change.what, key, state.ports.get(key) ?? null, change.port)
          }
          case "Remove": {
            yield* removeRow(change.key, state.rows.get(change.key) ?? "")
            yield* forget(change.key)
            return event(change.what, change.key, state.ports.get(change.key) ?? null, null)
          }
          case "Rename": {
            const { key, to } = change
            const stored = state.rows.get(key) ?? ""
            yield* removeRow(key, stored)
            yield* insertRow(to, stored)
            yield* forget(to)
            yield* sql`UPDATE port_keys SET ${sql("key")} = ${to} WHERE ${sql("key")} = ${key}`
            yield* sql`UPDATE port_owners SET ${sql("key")} = ${to} WHERE ${sql("key")} = ${key}`
            const port = state.ports.get(key) ?? null
            return event("rename", to, port, port, key)
          }
          case "Describe": {
            const { description, key } = change
            yield* sql`UPDATE port_keys SET description = ${description} WHERE ${sql("key")} = ${key}`
            return event("describe", key, null, null, description)
          }
          case "Bind": {
            const { key, owner, seen } = change
            yield* sql`DELETE FROM port_owners WHERE host = ${stamp.host} AND ${sql("key")} = ${key}`
            yield* sql`INSERT INTO port_owners ${sql.insert({ ...owner, host: stamp.host, key, since: stamp.at, seen: seen ? stamp.at : null })}`
            return event("bind", key, null, null, owner.name)
          }
          case "Reserve": {
            const { port, reason } = change
            yield* sql`DELETE FROM port_reserved WHERE port = ${port}`
            yield* sql`INSERT INTO port_reserved ${sql.insert({ port, reason, created_at: stamp.at, host: stamp.host, by: stamp.user })}`
            return event("reserve", null, null, port, reason)
          }
          case "Unreserve": {
            yield* sql`DELETE FROM port_reserved WHERE port = ${change.port}`
            return event("unreserve", null, change.port, null, state.reserved.get(change.port) ?? null)
          }
        }
      })

    const writeClaims = (moves: ReadonlyArray<ClaimMove>) =>
      Effect.gen(function* () {
        for (const { from } of moves) if (from !== undefined) yield* sql`DELETE FROM port_claims WHERE port = ${from}`
        yield* insertAll(
          "port_claims",
          moves.flatMap(({ claim, to }) =>
            to === undefined
              ? []
              : [{ port: to, claim_key: claim.key, claimed_at: claim.claimedAt, host: claim.host, by: claim.by }]
          )
        )
      })

    /** What claims did because another program wrote to `settings`: told in the history, as the change it was. */
    const drift = (moves: ReadonlyArray<ClaimMove>): ReadonlyArray<Event> =>
      moves.map(({ claim, from = null, to = null }) =>
        event(from === null ? "adopt" : to === null ? "drop" : "follow", claim.key, from, to)
      )

    /**
     * Writes to the row that the transaction has locked. On one server the lock is enough; in a cluster locks end at
     * the node, but of two transactions that write one row only the first can commit.
     */
    const touch = (batch: string) => sql`UPDATE port_registry SET value = ${batch} WHERE name = ${MUTEX}`

    /**
     * Writes `changes`, and the claims as they must stand afterwards. Nothing at all is written where nothing changes
     * and the claims agree with the rows already.
     */
    const writeAll = (state: RegistryState, changes: ReadonlyArray<Change>, stamp: Stamp) =>
      Effect.gen(function* () {
        const { at, batch, host, program, user } = stamp
        const right = { claimedAt: at, host, by: user }
        const agreed = settle(state.ports, state.claims, right)
        const drifted = claimMoves(state.claims, agreed)
        if (changes.length + drifted.length > 0) yield* touch(batch)
        const events = [...drift(drifted)]
        yield* introduce(state, changes, stamp)
        let ports = state.ports
        let claims: ReadonlyMap<number, Claim> = agreed
        for (const change of changes) {
          events.push(yield* write(state, change, stamp))
          ports = applied(ports, change)
          if (change._tag === "Rename") claims = renameClaim(claims, change.key, change.to)
        }
        yield* writeClaims(claimMoves(state.claims, settle(ports, claims, right)))
        yield* insertAll(
          "port_history",
          events.map((each) => ({ batch, at, ...each, host, user, program }))
        )
      })

    return { touch, writeAll }
  })
