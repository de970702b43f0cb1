import type * as SqlClient from "@effect/sql/SqlClient"
import type { Statement } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { Actor } from "../config/Config.ts"
import type { ClaimMove } from "../domain/claims.ts"
import type { Ignored } from "../domain/Ignored.ts"
import { PIN, type Pin } from "../domain/Pin.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { batchesOf } from "./batches.ts"
import { OWNER_IMAGE } from "./images.ts"
import { MUTEX, PREFIX } from "./schema.ts"

/** The author and the time of a change. */
export interface Stamp extends Actor {
  /** ISO 8601, UTC. */
  readonly at: string
  /** The number of the transaction, for history events that belong to none of its decisions. */
  readonly batch: string
}

/** One statement of a change. */
export interface ChangeStatement {
  readonly statement: Statement<object>
  /** The row that it must match: its key, and the value that was read. */
  readonly expects?: StoredRow
  /** The keys whose rows it inserts. */
  readonly inserts?: ReadonlyArray<string>
  /** The rows that must hold what was written. Otherwise the statement fails as a duplicate. */
  readonly keeps?: ReadonlyArray<StoredRow>
}

/** A row of the settings table: its key, and its value as text. */
export interface StoredRow {
  readonly key: string
  readonly stored: string
}

/** The maximum rows in one statement: SQLite accepts 32,766 values, and a server at least 1 MiB. */
const ROWS_MAX = 200

/** Makes the functions that write rows, of which every change needs some. */
export const makeRowStatements = (sql: SqlClient.SqlClient, settings: string) => {
  const bytes = sql.literal(sql.onDialectOrElse({ mysql: () => "BINARY", orElse: () => "BLOB" }))
  /** Converts a column to UTF-8 text, whatever its type and character set. */
  const asText = (column: string) =>
    sql.onDialectOrElse({
      mysql: () => sql`CONVERT(${sql(column)} USING utf8mb4)`,
      orElse: () => sql`CAST(${sql(column)} AS TEXT)`
    })
  /** A column of our own, which SQLite may hold as binary data that JSON has no form for. */
  const plainText = (column: string) =>
    sql.onDialectOrElse({ mysql: () => sql`${sql(column)}`, orElse: () => sql`CAST(${sql(column)} AS TEXT)` })
  /** Compares byte for byte, whatever the column's collation. The plain `=` comes first, to use the index. */
  const exactly = (column: string, value: string) =>
    sql`${sql(column)} = ${value} AND CAST(${asText(column)} AS ${bytes}) = CAST(${value} AS ${bytes})`

  /** Inserts rows, in as few statements as the limit on values allows. */
  const insertAll = (
    table: string,
    rows: ReadonlyArray<Record<string, string | number | null>>
  ): ReadonlyArray<ChangeStatement> =>
    batchesOf(rows, ROWS_MAX).map((some) => ({ statement: sql`INSERT INTO ${sql(table)} ${sql.insert(some)}` }))

  const insertRows = (rows: ReadonlyArray<StoredRow>): ReadonlyArray<ChangeStatement> =>
    batchesOf(rows, ROWS_MAX).map((some) => ({
      statement: sql`INSERT INTO ${sql(settings)}
        ${sql.insert(some.map(({ key, stored }) => ({ setting_key: PREFIX + key, setting_value: stored })))}`,
      inserts: some.map(({ key }) => key)
    }))

  const removeRow = (key: string, stored: string): ChangeStatement => ({
    statement: sql`DELETE FROM ${sql(settings)} WHERE ${exactly("setting_key", PREFIX + key)} AND setting_value = ${stored}`,
    expects: { key, stored }
  })

  const updateRow = (key: string, stored: string, value: string): ChangeStatement => ({
    statement: sql`UPDATE ${sql(settings)} SET setting_value = ${value}
      WHERE ${exactly("setting_key", PREFIX + key)} AND setting_value = ${stored}`,
    expects: { key, stored }
  })

  /**
   * Fails as a duplicate unless the table holds all `rows` as they were written: a column type or a trigger may have
   * altered them. It is a statement that fails, not a query to check, so that it can be sent with COMMIT in one round
   * trip.
   */
  const keepAll = (rows: ReadonlyArray<StoredRow>): ReadonlyArray<ChangeStatement> =>
    batchesOf(rows, ROWS_MAX).map((keeps) => {
      const each = keeps.map(
        ({ key, stored }) => sql`(${exactly("setting_key", PREFIX + key)} AND ${exactly("setting_value", stored)})`
      )
      return {
        keeps,
        statement: sql`INSERT INTO port_registry (name, value) SELECT name, value FROM port_registry
          WHERE name = ${MUTEX} AND (SELECT COUNT(*) FROM ${sql(settings)} WHERE ${sql.or(each)}) <> ${keeps.length}`
      }
    })

  /** Records the owners of `keys` on other hosts in the history, before they are deleted: no state has them. */
  const keepOwners = (
    keys: ReadonlyArray<string>,
    batch: string,
    { at, host, program, user }: Stamp
  ): ReadonlyArray<ChangeStatement> => {
    const kept = sql.csv(["host", "key", "kind", "name", "since", "seen"].map(plainText))
    return batchesOf(keys, ROWS_MAX).map((some) => ({
      statement: sql`
        INSERT INTO port_history (batch, at, what, detail, host, ${sql("user")}, program)
        SELECT ${batch}, ${at}, ${OWNER_IMAGE}, JSON_ARRAY(${kept}), ${host}, ${user}, ${program} FROM port_owners
        WHERE ${sql("key")} IN ${sql.in(some)} AND host <> ${host}`
    }))
  }

  const forget = (key: string): ReadonlyArray<ChangeStatement> => [
    { statement: sql`DELETE FROM port_keys WHERE ${sql("key")} = ${key}` },
    { statement: sql`DELETE FROM port_owners WHERE ${sql("key")} = ${key}` }
  ]

  const deletePin = (key: string): ChangeStatement => ({
    statement: sql`DELETE FROM port_registry WHERE name = ${PIN + key}`
  })

  const putPin = (key: string, { at, by, host }: Pin): ReadonlyArray<ChangeStatement> => [
    deletePin(key),
    ...insertAll("port_registry", [{ name: PIN + key, value: JSON.stringify({ at, host, by }) }])
  ]

  const deletePins = ({ pinned }: RegistryState, keys: ReadonlyArray<string>): ReadonlyArray<ChangeStatement> =>
    keys.filter((key) => pinned.has(key)).map(deletePin)

  /** The key `to` loses a pin that an older `d` left when it released the key. */
  const movePin = (state: RegistryState, key: string, to: string): ReadonlyArray<ChangeStatement> => {
    const pin = state.pinned.get(key)
    return [...deletePins(state, [key, to]), ...(pin === undefined ? [] : putPin(to, pin))]
  }

  const deleteRule = (name: string): ChangeStatement => ({
    statement: sql`DELETE FROM port_registry WHERE name = ${name}`
  })

  const putRule = (name: string, rule: Ignored): ReadonlyArray<ChangeStatement> => [
    deleteRule(name),
    ...insertAll("port_registry", [{ name, value: JSON.stringify(rule) }])
  ]

  /** Writes the ports that are reserved, or no longer, with their reason. */
  const reserve = (ports: ReadonlyArray<number>, { at, host, user }: Stamp, reason?: string) => [
    ...batchesOf(ports, ROWS_MAX).map((some) => ({
      statement: sql`DELETE FROM port_reserved WHERE port IN ${sql.in(some)}`
    })),
    ...insertAll(
      "port_reserved",
      reason === undefined ? [] : ports.map((port) => ({ port, reason, created_at: at, host, by: user }))
    )
  ]

  /** Deletes the rows of `table` whose `column` is one of `values`, if there are any. */
  const deleteAll = (table: string, column: string, values: ReadonlyArray<string | number>) =>
    batchesOf(values, ROWS_MAX).map(
      (some): ChangeStatement => ({
        statement: sql`DELETE FROM ${sql(table)} WHERE ${sql(column)} IN ${sql.in(some)}`
      })
    )

  const writeClaims = (moves: ReadonlyArray<ClaimMove>): ReadonlyArray<ChangeStatement> => [
    ...moves.flatMap(({ from }) =>
      from === undefined ? [] : [{ statement: sql`DELETE FROM port_claims WHERE port = ${from}` }]
    ),
    ...insertAll(
      "port_claims",
      moves.flatMap(({ claim, to }) =>
        to === undefined
          ? []
          : [{ port: to, claim_key: claim.key, claimed_at: claim.claimedAt, host: claim.host, by: claim.by }]
      )
    )
  ]

  /**
   * Writes to the row that the transaction has locked. On one server the lock is enough. In a cluster locks hold only
   * on their node, but of two transactions that write the same row only the first can commit.
   */
  const touch = (batch: string) => sql`UPDATE port_registry SET value = ${batch} WHERE name = ${MUTEX}`

  /**
   * Reads the value of the row of `key`, as the database converts it to text, and whether it equals `stored` as it is. No row
   * if there is none.
   */
  const readText = (key: string, stored: string) =>
    Effect.map(
      sql<{ found: string; equal: number }>`
        SELECT ${asText("setting_value")} AS found, setting_value = ${stored} AS equal
        FROM ${sql(settings)} WHERE ${exactly("setting_key", PREFIX + key)}`,
      ([row]) => row
    )

  return {
    deleteAll,
    deletePin,
    deletePins,
    deleteRule,
    forget,
    insertAll,
    insertRows,
    keepAll,
    keepOwners,
    movePin,
    putPin,
    putRule,
    readText,
    removeRow,
    reserve,
    touch,
    updateRow,
    writeClaims
  }
}

export type RowStatements = ReturnType<typeof makeRowStatements>
