import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { columnText, columnTime, LIMITS } from "../domain/foreignText.ts"
import type { StoredOwner } from "../domain/Owner.ts"
import { newestToTakeBack, type Scanned, takesBack } from "../domain/PastOperation.ts"
import { batchesOf } from "./batches.ts"
import { groupByBatch, isImage, type OperationRow, operationOf, type Recorded } from "./historyRows.ts"
import type { HistoryTable } from "./historyTable.ts"
import { IMAGES, imageFrom } from "./images.ts"
import { query } from "./Query.ts"

/** How many rows are read at once while the history is searched from its newest end, and in total. */
const PAGE = 256
const SEARCHED_MAX = 5120
/** The maximum number of values in one statement. */
const VALUES_MAX = 200

/** The owner of a key on a host. */
export interface OwnerRow {
  readonly host: string
  readonly key: string
  readonly owner: StoredOwner
}

type StoredOwnerRow = StoredOwner & Readonly<Record<"host" | "key", string>>

const ownerRow = ({ host, key, kind, name, seen, since }: StoredOwnerRow): OwnerRow => ({
  host,
  key,
  owner: { kind, name: columnText(name, LIMITS.path), since: columnText(since), seen: columnTime(seen) }
})

type Who = Readonly<Record<"host" | "user", string>>

/** Returns what is known of an operation by its rows, newest first. */
const scanned =
  (who: Who) =>
  (rows: ReadonlyArray<OperationRow>): ReadonlyArray<Scanned> => {
    const first = rows.filter((row) => !isImage(row)).at(-1)
    if (first === undefined) return []
    const own = first.host === who.host && first.user === who.user
    return [{ number: Number(first.id), what: first.what, takesBack: takesBack(first), own }]
  }

/** Makes the queries by which an operation is found that is to be taken back, and what it would meet. */
export const makeTakingBack = ({ batchOf, eventsAfter, rowsOf }: HistoryTable) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const page = (before: number) =>
      sql<OperationRow>`
        SELECT id, batch, what, detail, host, ${sql("user")} FROM port_history WHERE id < ${before}
        ORDER BY id DESC LIMIT ${sql.literal(String(PAGE))}`

    /** The first event of an operation, by which it is known. */
    const firstOf = (batch: string) =>
      sql<OperationRow>`
        SELECT id, batch, what, detail, host, ${sql("user")} FROM port_history
        WHERE batch = ${batch} AND what NOT LIKE ${`${IMAGES}%`} ORDER BY id LIMIT 1`

    /** Reads on after `rows`: returns the operations that are complete, and the rows of one that is not. */
    const readOn = Effect.fnUntraced(function* (rows: ReadonlyArray<OperationRow>) {
      const more = yield* page(Number(rows.at(-1)?.id ?? Number.MAX_SAFE_INTEGER))
      const groups = groupByBatch([...rows, ...more])
      if (more.length < PAGE) return { complete: groups, rest: undefined }
      // The last operation may go on in the next page.
      const last = groups.at(-1) ?? []
      const others = groups.slice(0, -1)
      if (last.length < PAGE) return { complete: others, rest: last }
      // One that is longer than a page, as an import may be, is not read: its first event says all that is needed.
      const first = yield* firstOf(last[0]?.batch ?? "")
      return { complete: [...others, first], rest: first.length > 0 ? first : last }
    })

    /** Finds the number of the operation that an undo or a redo without a number means. */
    const newestOf = Effect.fnUntraced(function* (what: "undo" | "redo", who: Who) {
      const gone = new Set<number>()
      let rows: ReadonlyArray<OperationRow> = []
      for (let searched = 0; searched < SEARCHED_MAX; searched += PAGE) {
        const { complete, rest } = yield* readOn(rows)
        const found = newestToTakeBack(complete.flatMap(scanned(who)), what, gone)
        if (found !== undefined || rest === undefined) return found === "none" ? undefined : found
        rows = rest
      }
      return undefined
    })

    /** Returns the operation `number`, with what is needed to take it back; undefined if there is none. */
    const recorded = Effect.fnUntraced(function* (number: number) {
      const rows = yield* rowsOf(yield* batchOf(number))
      const operation = operationOf(rows)
      if (operation?.number !== number) return undefined
      return { operation, image: imageFrom(rows) } satisfies Recorded
    })

    /**
     * Returns the newest operation after `number` that concerns one of `keys` or `ports` and is in effect: one that was taken
     * back, and what took it back, are in nobody's way.
     */
    const latestAfter = Effect.fnUntraced(function* (
      number: number,
      keys: ReadonlyArray<string>,
      ports: ReadonlyArray<number>
    ) {
      const events = yield* eventsAfter(number, keys, ports)
      // What happened in the same transaction as the operation, and before it, has lower numbers; the rest of it has not.
      const own = new Set(yield* batchOf(number))
      const gone = new Set<number>()
      for (const batch of new Set(events.map((event) => event.batch))) {
        if (own.has(batch)) continue
        const later = operationOf(yield* rowsOf([batch]))
        if (later === undefined || gone.has(later.number)) continue
        if (later.takesBack === null || later.takesBack <= number) return later
        gone.add(later.takesBack)
      }
      return undefined
    })

    const selectOwners = sql`SELECT host, ${sql("key")}, kind, name, since, seen FROM port_owners`

    /** Returns the owners of `keys` on all hosts, by host and key. */
    const ownersOf = (keys: ReadonlyArray<string>) =>
      Effect.map(
        Effect.forEach(
          batchesOf(keys, VALUES_MAX),
          (some) => sql<StoredOwnerRow>`${selectOwners} WHERE ${sql("key")} IN ${sql.in(some)}`
        ),
        (found) => found.flat().map(ownerRow)
      )

    /** The owners of all keys on all hosts. */
    const ofOwners = query(sql<StoredOwnerRow>`${selectOwners}`, (found) => found.map(ownerRow))
    const allOwners = Effect.map(sql<StoredOwnerRow>`${selectOwners}`, ofOwners.decode)

    return { newestOf, recorded, latestAfter, ownersOf, ofOwners, allOwners }
  })
