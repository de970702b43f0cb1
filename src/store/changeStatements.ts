import * as SqlClient from "@effect/sql/SqlClient"
import type { Statement } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { Actor } from "../config/Config.ts"
import { type ClaimMove, diffClaims, findDrift } from "../domain/claims.ts"
import { type Ignored, type IgnoredTarget, nameFor, rulesOf } from "../domain/Ignored.ts"
import { imageOf } from "../domain/Image.ts"
import { PIN, type Pin } from "../domain/Pin.ts"
import { type Change, type RegistryState, type Restore, vanishing } from "../domain/RegistryState.ts"
import { happeningsOf } from "../domain/restore.ts"
import { batchesOf } from "./batches.ts"
import { IMAGE, imageTexts, OWNER_IMAGE } from "./images.ts"
import { MUTEX, PREFIX, type Steps, TABLE_ROW, VERSION_ROW, versionRow } from "./schema.ts"

/** The author and the time of a change. */
export interface Stamp extends Actor {
  /** ISO 8601, UTC. */
  readonly at: string
  /** The number of the transaction, for history events that belong to none of its decisions. */
  readonly batch: string
}

/** The changes of one decision, and the states that it was made on, with claims that agree, and that it leaves. */
export interface Part {
  readonly state: RegistryState
  readonly left: RegistryState
  readonly changes: ReadonlyArray<Change>
  /** The number under which the history records it. */
  readonly operation: string
}

/** The maximum rows in one statement: SQLite accepts 32,766 values, and a server at least 1 MiB. */
const ROWS_MAX = 200

/** The changes that create the record of a key that has none. */
const INTRODUCING: ReadonlyArray<Change["_tag"]> = ["Assign", "Describe", "Bind"]

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

type HistoryEvent = Readonly<Record<"what" | "key" | "old_port" | "new_port" | "detail", string | number | null>>

/** Returns the key whose row a change writes, if any. */
const rowOf = (change: Change): ReadonlyArray<string> =>
  change._tag === "Assign"
    ? [change.key]
    : change._tag === "Rename"
      ? [change.to]
      : change._tag === "Restore"
        ? change.rows.map(({ key }) => key)
        : []

/** Makes the functions that turn changes into statements. */
export const makeChangeStatements = (settings: string, schema: Steps) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
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

    /** Makes a history event. The events of a transaction are written at its end. */
    const historyEvent = (
      what: string,
      key: string | null,
      oldPort: number | null,
      newPort: number | null,
      detail: string | null = null
    ): HistoryEvent => ({ what, key, old_port: oldPort, new_port: newPort, detail })

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

    /** Inserts rows into `port_keys` for the keys of `changes` that have none. */
    const introduce = (state: RegistryState, changes: ReadonlyArray<Change>, { at, host, user }: Stamp) => {
      const introduced = changes.flatMap((change) =>
        INTRODUCING.includes(change._tag) && "key" in change ? change.key : []
      )
      const fresh = [...new Set(introduced)].filter((key) => !state.keys.has(key))
      return insertAll(
        "port_keys",
        fresh.map((key) => ({ key, created_at: at, host, by: user }))
      )
    }

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

    /** Stores the facts about the registry that are not stored yet. */
    const introduceRegistry = (facts: RegistryState["facts"]) =>
      insertAll("port_registry", [
        ...(facts?.settingsTable === undefined ? [{ name: TABLE_ROW, value: settings }] : []),
        ...(facts?.version === undefined ? [{ name: VERSION_ROW, value: versionRow(schema) }] : [])
      ])

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

    /** Describes a rule in the history. */
    const ruleText = ({ check, port }: IgnoredTarget, reason: string | undefined): string =>
      [port === null ? check : `${check} on ${port}`, ...(reason === undefined ? [] : [reason])].join(": ")

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

    /** Writes everything that `change` gives back. What goes comes first: a table may treat two keys as the same. */
    const restoreAll = ({ rows }: RegistryState, change: Restore): ReadonlyArray<ChangeStatement> => [
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

    /** Returns the history events of one change, and its statements but for the claims, which follow at the end. */
    const write = (
      state: RegistryState,
      change: Change,
      stamp: Stamp
    ): readonly [events: HistoryEvent | ReadonlyArray<HistoryEvent>, ...statements: ReadonlyArray<ChangeStatement>] => {
      switch (change._tag) {
        case "Assign": {
          const { key } = change
          const value = String(change.port)
          const stored = state.rows.get(key)
          return [
            historyEvent(change.what, key, state.ports.get(key) ?? null, change.port),
            ...(stored === undefined ? insertRows([{ key, stored: value }]) : [updateRow(key, stored, value)])
          ]
        }
        case "Remove": {
          const { key } = change
          return [
            historyEvent(change.what, key, state.ports.get(key) ?? null, null),
            removeRow(key, state.rows.get(key) ?? ""),
            ...forget(key),
            ...rulesOf(key, state.ignored).map(([name]) => deleteRule(name)),
            ...deletePins(state, [key])
          ]
        }
        case "Rename": {
          const { key, to } = change
          const stored = state.rows.get(key) ?? ""
          const port = state.ports.get(key) ?? null
          return [
            historyEvent("rename", to, port, port, key),
            removeRow(key, stored),
            ...insertRows([{ key: to, stored }]),
            ...forget(to),
            { statement: sql`UPDATE port_keys SET ${sql("key")} = ${to} WHERE ${sql("key")} = ${key}` },
            { statement: sql`UPDATE port_owners SET ${sql("key")} = ${to} WHERE ${sql("key")} = ${key}` },
            ...rulesOf(key, state.ignored).flatMap(([name, rule]) => putRule(name, { ...rule, key: to })),
            ...movePin(state, key, to)
          ]
        }
        case "Describe": {
          const { description, key } = change
          return [
            historyEvent("describe", key, null, null, description),
            { statement: sql`UPDATE port_keys SET description = ${description} WHERE ${sql("key")} = ${key}` }
          ]
        }
        case "Bind": {
          const { key, owner, seen } = change
          const row = { ...owner, host: stamp.host, key, since: stamp.at, seen: seen ? stamp.at : null }
          return [
            historyEvent("bind", key, null, null, owner.name),
            { statement: sql`DELETE FROM port_owners WHERE host = ${stamp.host} AND ${sql("key")} = ${key}` },
            { statement: sql`INSERT INTO port_owners ${sql.insert(row)}` }
          ]
        }
        case "Reserve": {
          const { ports, reason } = change
          return [
            ports.map((port) => historyEvent("reserve", null, null, port, reason)),
            ...reserve(ports, stamp, reason)
          ]
        }
        case "Unreserve": {
          const { ports } = change
          return [
            ports.map((port) => historyEvent("unreserve", null, port, null, state.reserved.get(port)?.reason ?? null)),
            ...reserve(ports, stamp)
          ]
        }
        case "Ignore": {
          const { reason, target } = change
          const rule = { ...target, reason, at: stamp.at, host: stamp.host, by: stamp.user }
          return [
            historyEvent("ignore", target.key, null, target.port, ruleText(target, reason)),
            ...putRule(nameFor(target, state.ignored), rule)
          ]
        }
        case "Pin":
          return [
            historyEvent("pin", change.key, null, null),
            ...putPin(change.key, { at: stamp.at, host: stamp.host, by: stamp.user })
          ]
        case "Unpin":
          return [historyEvent("unpin", change.key, null, null), deletePin(change.key)]
        case "Restore":
          return [
            happeningsOf(change, state.ports).map(({ key, newPort, oldPort }) =>
              historyEvent(change.what, key, oldPort, newPort, change.number === null ? null : String(change.number))
            ),
            ...restoreAll(state, change)
          ]
        case "Unignore": {
          const { target } = change
          return [
            historyEvent("unignore", target.key, target.port, null, ruleText(target, undefined)),
            deleteRule(nameFor(target, state.ignored))
          ]
        }
      }
    }

    /** Records what a decision changes, so that it can be taken back. */
    const imageOfPart = ({ changes, left, state }: Part, here: string): ReadonlyArray<HistoryEvent> =>
      changes.length === 0
        ? []
        : imageTexts(imageOf(state, left, changes, here)).map((text) => historyEvent(IMAGE, null, null, null, text))

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

    /** Makes the history event of a claim that changed because another program wrote to `settings`. */
    const followed = ({ claim, from, to }: ClaimMove): HistoryEvent =>
      historyEvent(
        from === undefined ? "adopt" : to === undefined ? "drop" : "follow",
        claim.key,
        from ?? null,
        to ?? null
      )

    /**
     * Writes to the row that the transaction has locked. On one server the lock is enough. In a cluster locks hold only
     * on their node, but of two transactions that write the same row only the first can commit.
     */
    const touch = (batch: string) => sql`UPDATE port_registry SET value = ${batch} WHERE name = ${MUTEX}`

    /**
     * Returns the statements that write all `parts`, and turn the claims that were `stored` into those that are `left`.
     * There are none if nothing changes and the claims already agree with the rows.
     */
    const statementsFor = (
      { agrees, stored }: { readonly agrees: boolean; readonly stored: RegistryState },
      parts: ReadonlyArray<Part>,
      left: RegistryState,
      stamp: Stamp
    ): ReadonlyArray<ChangeStatement> => {
      const { at, batch, host, program, user } = stamp
      const drifted =
        agrees || parts.length === 0 ? [] : findDrift(stored.ports, stored.claims, { claimedAt: at, host, by: user })
      const historyEvents = drifted.map((move) => ({ batch, ...followed(move) }))
      const steps: Array<ChangeStatement> = []
      for (const part of parts) {
        const { changes, operation, state } = part
        steps.push(...keepOwners(changes.flatMap(vanishing), operation, stamp), ...introduce(state, changes, stamp))
        for (const change of changes) {
          const [events, ...written] = write(state, change, stamp)
          historyEvents.push(...[events].flat().map((event) => ({ batch: operation, ...event })))
          steps.push(...written)
        }
        historyEvents.push(...imageOfPart(part, host).map((event) => ({ batch: operation, ...event })))
      }
      if (historyEvents.length === 0) return []
      return [
        { statement: touch(batch) },
        ...introduceRegistry(stored.facts),
        ...steps,
        ...keepAll(written(parts, left)),
        ...writeClaims(diffClaims(stored.claims, left.claims)),
        ...insertAll(
          "port_history",
          historyEvents.map((each) => ({ ...each, at, host, user, program }))
        )
      ]
    }

    /** Returns the rows that `parts` write, with their final values. */
    const written = (parts: ReadonlyArray<Part>, left: RegistryState): ReadonlyArray<StoredRow> =>
      [...new Set(parts.flatMap(({ changes }) => changes.flatMap(rowOf)))].flatMap((key) => {
        const stored = left.rows.get(key)
        return stored === undefined ? [] : [{ key, stored }]
      })

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

    return { touch, statementsFor, readText }
  })
