import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { columnText, columnTextOrNull, LIMITS } from "../domain/foreignText.ts"
import type { HistoryEvent } from "../domain/HistoryEvent.ts"
import type { Done } from "../domain/Operation.ts"
import type { Claim, RegistryState } from "../domain/RegistryState.ts"
import { Driver } from "./Driver.ts"
import { type Query, query } from "./Query.ts"
import { type FactRow, factsOf, PREFIX, TABLE_ROW, VERSION_ROW } from "./schema.ts"

/** What one answer shows of the past. */
const HISTORY_MAX = 20

interface HistoryRow extends Omit<HistoryEvent, "oldPort" | "newPort"> {
  readonly old_port: number | null
  readonly new_port: number | null
}

/** A row of `settings`, whose table other programs may have made, with columns of other types. */
interface Row {
  readonly setting_key: unknown
  readonly setting_value: unknown
}

const textOf = (value: unknown): string => (value instanceof Uint8Array ? Buffer.from(value).toString() : String(value))

/** The key of an assignment's row, and what it holds. */
const readStored = ({ setting_key, setting_value }: Row): readonly [key: string, stored: string] | undefined => {
  const name = textOf(setting_key)
  return name.startsWith(PREFIX) ? [name.slice(PREFIX.length), textOf(setting_value)] : undefined
}

/** Key → what its row holds, byte for byte, whatever the table's collation holds to be equal. */
const byKey = (rows: ReadonlyArray<Row>): ReadonlyMap<string, string> =>
  new Map(rows.map(readStored).filter((each) => each !== undefined))

/** `values`, with the first one repeated up to a power of two: a statement is kept for each number of values. */
const filled = (values: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [first = ""] = values
  const missing = 2 ** Math.ceil(Math.log2(values.length)) - values.length
  return [...values, ...Array<string>(missing).fill(first)]
}

/** The questions to the registry's tables, but for what each host has seen. */
export const makeRegistryTables = (settings: string, ofOwners: Query<RegistryState["owners"]>) =>
  Effect.map(Effect.all([SqlClient.SqlClient, Driver]), ([sql, driver]) => {
    const [some] = sql`SELECT setting_key, setting_value FROM ${sql(settings)} WHERE setting_key IN`.compile()

    /** The rows whose key begins with the prefix, by an index however many others there are. */
    const isOurs = sql.onDialectOrElse({
      // The underscore would be a wildcard.
      mysql: () => sql`setting_key LIKE 'port|_%' ESCAPE '|'`,
      // SQLite uses no index for LIKE. The character after the underscore ends the range.
      orElse: () => sql`setting_key >= 'port_' AND setting_key < ${"port`"}`
    })

    /** Key → what its row holds. */
    const ofRows = query(sql<Row>`SELECT setting_key, setting_value FROM ${sql(settings)} WHERE ${isOurs}`, byKey)

    const ofKeys = query(
      sql<{ key: string; description: string | null; created_at: string; host: string; by: string }>`
        SELECT ${sql("key")}, description, created_at, host, ${sql("by")} FROM port_keys`,
      (rows) =>
        new Map(
          rows.map(({ by, created_at, description, host, key }) => [
            key,
            {
              description: columnTextOrNull(description, LIMITS.text),
              createdAt: columnText(created_at),
              host: columnText(host),
              by: columnText(by)
            }
          ])
        )
    )

    const ofClaims = query(
      sql<{ port: number; claim_key: string; claimed_at: string; host: string; by: string }>`
        SELECT port, claim_key, claimed_at, host, ${sql("by")} FROM port_claims`,
      (rows) =>
        new Map(
          rows.map((row): [number, Claim] => [
            row.port,
            {
              key: row.claim_key,
              claimedAt: columnText(row.claimed_at),
              host: columnText(row.host),
              by: columnText(row.by)
            }
          ])
        )
    )

    const ofReserved = query(
      sql<{ port: number; reason: string }>`SELECT port, reason FROM port_reserved`,
      (rows) => new Map(rows.map((row) => [row.port, columnText(row.reason, LIMITS.text)]))
    )

    const ofFacts = query(
      sql<FactRow>`SELECT name, value FROM port_registry WHERE name IN (${TABLE_ROW}, ${VERSION_ROW})`,
      factsOf
    )

    /** What a decision rests on. */
    const everything = {
      rows: ofRows,
      keys: ofKeys,
      owners: ofOwners,
      claims: ofClaims,
      reserved: ofReserved,
      facts: ofFacts
    }

    /** Those rows that the table takes for `key`'s, by their keys: its collation may hold others to be equal. */
    const readLike = (key: string) =>
      Effect.map(
        sql<Row>`SELECT setting_key, setting_value FROM ${sql(settings)} WHERE setting_key = ${PREFIX + key}`,
        byKey
      )

    /** What the row of `key` holds, or `undefined`. */
    const readRow = (key: string) => Effect.map(readLike(key), (rows) => rows.get(key))

    /** The same for several keys. */
    const readSome = (keys: ReadonlyArray<string>) => {
      const toPublicError = filled(keys.map((key) => PREFIX + key))
      const marks = toPublicError.map(() => "?").join(", ")
      return Effect.map(driver.readOne(`${some} (${marks})`, toPublicError), (rows) =>
        byKey(rows as ReadonlyArray<Row>)
      )
    }

    /** Whether the transaction was committed that wrote changes of all those numbers `at` that time. */
    const wasWritten = (numbers: ReadonlyArray<string>, at: string) =>
      Effect.map(
        sql<{
          batch: string
        }>`SELECT DISTINCT batch FROM port_history WHERE at = ${at} AND batch IN ${sql.in(numbers)}`,
        (found) => found.length === numbers.length
      )

    /** The events of those `operations` that were made before, by their number. It is not asked about none. */
    const ofOperations = (operations: ReadonlyArray<string>) =>
      operations.length === 0
        ? undefined
        : query(
            sql<HistoryRow & { readonly batch: string }>`
          SELECT batch, what, ${sql("key")}, old_port, new_port, detail FROM port_history
          WHERE batch IN ${sql.in(filled(operations))} ORDER BY id`,
            (found) => {
              const done = new Map<string, ReadonlyArray<Done>>()
              for (const { batch, detail, key, new_port, old_port, what } of found) {
                const historyEvent = { what, key, oldPort: old_port, newPort: new_port, detail }
                done.set(batch, [...(done.get(batch) ?? []), historyEvent])
              }
              return done
            }
          )

    /** The last changes to a key, or to a port, the newest first. */
    const readHistory = ({ key, port }: { readonly key?: string | undefined; readonly port?: number | undefined }) => {
      const newest = sql.literal(`ORDER BY id DESC LIMIT ${HISTORY_MAX}`)
      // Each by its own index: there is none for one or the other.
      const found = [
        ...(key === undefined ? [] : [sql`${sql("key")} = ${key}`]),
        ...(port === undefined ? [] : [sql`old_port = ${port}`, sql`new_port = ${port}`])
      ].map((which) => sql`SELECT * FROM (SELECT id FROM port_history WHERE ${which} ${newest}) AS some`)
      const [first = sql`SELECT NULL`, ...others] = found
      return Effect.map(
        sql<HistoryRow>`
          SELECT at, what, ${sql("key")}, old_port, new_port, detail, host, ${sql("user")}, program FROM port_history
          WHERE id IN (SELECT id FROM (${others.reduce((all, each) => sql`${all} UNION ${each}`, first)}) AS found) ${newest}`,
        (found) =>
          found.map(
            (row): HistoryEvent => ({
              at: columnText(row.at),
              what: columnText(row.what),
              key: columnTextOrNull(row.key, LIMITS.column),
              oldPort: row.old_port,
              newPort: row.new_port,
              detail: columnTextOrNull(row.detail, LIMITS.path),
              host: columnText(row.host),
              user: columnText(row.user),
              program: columnText(row.program)
            })
          )
      )
    }

    return {
      readHistory,
      readLike,
      readRow,
      readSome,
      everything,
      ofOperations,
      wasWritten
    }
  })

export type RegistryTables = Effect.Effect.Success<ReturnType<typeof makeRegistryTables>>
