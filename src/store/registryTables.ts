import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { columnText, columnTextOrNull, columnTime, LIMITS } from "../domain/foreignText.ts"
import { IGNORED, parseIgnored } from "../domain/Ignored.ts"
import type { Done } from "../domain/Operation.ts"
import { PIN, parsePin } from "../domain/Pin.ts"
import type { Claim, RegistryState } from "../domain/RegistryState.ts"
import type { ReservedPort } from "../domain/ReservedPort.ts"
import { Driver } from "./Driver.ts"
import type { HistoryRow } from "./historyRows.ts"
import { IMAGES } from "./images.ts"
import { type Query, query } from "./Query.ts"
import { type FactRow, factsOf, MUTEX, PREFIX, TABLE_ROW, VERSION_ROW } from "./schema.ts"

/** A row of the settings table, which another program may have created with columns of other types. */
interface Row {
  readonly setting_key: unknown
  readonly setting_value: unknown
}

const textOf = (value: unknown): string => (value instanceof Uint8Array ? Buffer.from(value).toString() : String(value))

/** Returns the key and the value of an assignment's row; undefined for any other row. */
const readStored = ({ setting_key, setting_value }: Row): readonly [key: string, stored: string] | undefined => {
  const name = textOf(setting_key)
  return name.startsWith(PREFIX) ? [name.slice(PREFIX.length), textOf(setting_value)] : undefined
}

/** Maps keys to values. Keys are compared byte for byte, whatever the table's collation considers equal. */
const byKey = (rows: ReadonlyArray<Row>): ReadonlyMap<string, string> =>
  new Map(rows.map(readStored).filter((each) => each !== undefined))

/** Pads `values` to a power of two with the first one: each number of values is another prepared statement. */
const padded = (values: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [first = ""] = values
  const missing = 2 ** Math.ceil(Math.log2(values.length)) - values.length
  return [...values, ...Array<string>(missing).fill(first)]
}

/** Makes the queries on the registry's tables, except for those on the health and the owners of one host. */
export const makeRegistryTables = (settings: string, ofOwners: Query<RegistryState["owners"]>) =>
  Effect.map(Effect.all([SqlClient.SqlClient, Driver]), ([sql, driver]) => {
    const [selectRows] = sql`SELECT setting_key, setting_value FROM ${sql(settings)} WHERE setting_key IN`.compile()

    /** Matches the rows whose key starts with the prefix, by index, however many other rows there are. */
    const isOurs = sql.onDialectOrElse({
      // Escaped, because an underscore is a wildcard.
      mysql: () => sql`setting_key LIKE 'port|_%' ESCAPE '|'`,
      // SQLite uses no index for LIKE. The range ends before the character that follows the underscore in ASCII.
      orElse: () => sql`setting_key >= 'port_' AND setting_key < ${"port`"}`
    })

    /** The values of all assignments, by key. */
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
      sql<{ port: number; reason: string; created_at: string; host: string; by: string }>`
        SELECT port, reason, created_at, host, ${sql("by")} FROM port_reserved`,
      (rows): RegistryState["reserved"] =>
        new Map(
          rows.map(({ by, created_at, host, port, reason }) => [
            port,
            {
              reason: columnText(reason, LIMITS.text),
              at: columnText(created_at),
              host: columnText(host),
              by: columnText(by)
            }
          ])
        )
    )

    const ofFacts = query(
      sql<FactRow>`SELECT name, value FROM port_registry WHERE name IN (${TABLE_ROW}, ${VERSION_ROW})`,
      factsOf
    )

    const beginningWith = (prefix: string, rows: ReadonlyArray<FactRow>) =>
      rows.filter(({ name }) => name.startsWith(prefix))

    /** The rules of the doctor and the pins. One query for both: each is a round trip of its own on a cluster. */
    const ofMarks = query(
      sql<FactRow>`SELECT name, value FROM port_registry WHERE name LIKE ${`${IGNORED}%`} OR name LIKE ${`${PIN}%`}`,
      (rows): Pick<RegistryState, "ignored" | "pinned"> => ({
        ignored: new Map(beginningWith(IGNORED, rows).map(({ name, value }) => [name, parseIgnored(value)])),
        pinned: new Map(beginningWith(PIN, rows).map(({ name, value }) => [name.slice(PIN.length), parsePin(value)]))
      })
    )

    /** What every change writes: two equal values mean that there was none in between. */
    const ofLastChange = query(
      sql<{ value: string }>`SELECT value FROM port_registry WHERE name = ${MUTEX}`,
      ([row]) => row?.value
    )

    /** Everything that a decision may depend on. */
    const everything = {
      rows: ofRows,
      keys: ofKeys,
      owners: ofOwners,
      claims: ofClaims,
      reserved: ofReserved,
      marks: ofMarks,
      facts: ofFacts
    }

    /** Returns the values of all rows whose key the table's collation considers equal to `key`, by key. */
    const readLike = (key: string) =>
      Effect.map(
        sql<Row>`SELECT setting_key, setting_value FROM ${sql(settings)} WHERE setting_key = ${PREFIX + key}`,
        byKey
      )

    /** Returns the value of the row of `key`; undefined if there is none. */
    const readRow = (key: string) => Effect.map(readLike(key), (rows) => rows.get(key))

    /** Returns the values of the rows of `keys`, by key. */
    const readSome = (keys: ReadonlyArray<string>) => {
      const settingKeys = padded(keys.map((key) => PREFIX + key))
      const placeholders = settingKeys.map(() => "?").join(", ")
      return Effect.map(driver.readOne(`${selectRows} (${placeholders})`, settingKeys), (rows) =>
        byKey(rows as ReadonlyArray<Row>)
      )
    }

    /** Returns whether the transaction that wrote changes with all these `numbers` at the time `at` was committed. */
    const wasWritten = (numbers: ReadonlyArray<string>, at: string) =>
      Effect.map(
        sql<{
          batch: string
        }>`SELECT DISTINCT batch FROM port_history WHERE at = ${at} AND batch IN ${sql.in(numbers)}`,
        (found) => found.length === numbers.length
      )

    /** Finds the events of those `operations` that were made before, by number. Undefined if there are none. */
    const ofOperations = (operations: ReadonlyArray<string>) =>
      operations.length === 0
        ? undefined
        : query(
            sql<HistoryRow & { readonly batch: string }>`
          SELECT batch, what, ${sql("key")}, old_port, new_port, detail FROM port_history
          WHERE batch IN ${sql.in(padded(operations))} AND what NOT LIKE ${`${IMAGES}%`} ORDER BY id`,
            (found) => {
              const done = new Map<string, Array<Done>>()
              for (const { batch, detail, key, new_port, old_port, what } of found) {
                const historyEvent = { what, key, oldPort: old_port, newPort: new_port, detail }
                const others = done.get(batch)
                if (others === undefined) done.set(batch, [historyEvent])
                else others.push(historyEvent)
              }
              return done
            }
          )

    /** The ports that were reserved with `d reserve`, with who did it. */
    const readReservations = Effect.map(
      sql<{ port: number; reason: string; created_at: string; host: string; by: string }>`
        SELECT port, reason, created_at, host, ${sql("by")} FROM port_reserved`,
      (found) =>
        found.map(
          ({ by, created_at, host, port, reason }): ReservedPort => ({
            port,
            source: "reserve",
            reason: columnText(reason, LIMITS.text),
            at: columnTime(created_at),
            by: columnText(by),
            host: columnText(host)
          })
        )
    )

    return {
      readReservations,
      readLike,
      readRow,
      readSome,
      everything,
      ofLastChange,
      ofOperations,
      wasWritten
    }
  })

export type RegistryTables = Effect.Effect.Success<ReturnType<typeof makeRegistryTables>>
