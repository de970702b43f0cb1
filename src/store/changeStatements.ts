import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { type ClaimMove, diffClaims, findDrift } from "../domain/claims.ts"
import { type IgnoredTarget, nameFor, rulesOf } from "../domain/Ignored.ts"
import { imageOf } from "../domain/Image.ts"
import { type Change, type RegistryState, vanishing } from "../domain/RegistryState.ts"
import { happeningsOf } from "../domain/restore.ts"
import { IMAGE, imageTexts } from "./images.ts"
import { makeRestoreStatements } from "./restoreStatements.ts"
import { type ChangeStatement, makeRowStatements, type Stamp, type StoredRow } from "./rowStatements.ts"
import { type Steps, TABLE_ROW, VERSION_ROW, versionRow } from "./schema.ts"

/** The changes of one decision, and the states that it was made on, with claims that agree, and that it leaves. */
export interface Part {
  readonly state: RegistryState
  readonly left: RegistryState
  readonly changes: ReadonlyArray<Change>
  /** The number under which the history records it. */
  readonly operation: string
}

/** The changes that create the record of a key that has none. */
const INTRODUCING: ReadonlyArray<Change["_tag"]> = ["Assign", "Describe", "Bind"]

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
    const rows = makeRowStatements(sql, settings)
    const { deletePin, deletePins, deleteRule, forget, insertAll, insertRows, keepAll, keepOwners } = rows
    const { movePin, putPin, putRule, readText, removeRow, reserve, touch, updateRow, writeClaims } = rows
    const restoreAll = makeRestoreStatements(sql, rows)

    /** Makes a history event. The events of a transaction are written at its end. */
    const historyEvent = (
      what: string,
      key: string | null,
      oldPort: number | null,
      newPort: number | null,
      detail: string | null = null
    ): HistoryEvent => ({ what, key, old_port: oldPort, new_port: newPort, detail })

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

    /** Stores the facts about the registry that are not stored yet. */
    const introduceRegistry = (facts: RegistryState["facts"]) =>
      insertAll("port_registry", [
        ...(facts?.settingsTable === undefined ? [{ name: TABLE_ROW, value: settings }] : []),
        ...(facts?.version === undefined ? [{ name: VERSION_ROW, value: versionRow(schema) }] : [])
      ])

    /** Describes a rule in the history. */
    const ruleText = ({ check, port }: IgnoredTarget, reason: string | undefined): string =>
      [port === null ? check : `${check} on ${port}`, ...(reason === undefined ? [] : [reason])].join(": ")

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

    /** Makes the history event of a claim that changed because another program wrote to `settings`. */
    const followed = ({ claim, from, to }: ClaimMove): HistoryEvent =>
      historyEvent(
        from === undefined ? "adopt" : to === undefined ? "drop" : "follow",
        claim.key,
        from ?? null,
        to ?? null
      )

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

    return { touch, statementsFor, readText }
  })
