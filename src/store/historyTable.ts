import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { type HistoryFilter, type PastOperation, takesBack } from "../domain/PastOperation.ts"
import { batchesOf } from "./batches.ts"
import { eventOf, type HistoryRow, isImage, newestFirst, type OperationRow, type Recorded } from "./historyRows.ts"
import { IMAGE } from "./images.ts"

/** The maximum number of history events that `explain` shows. */
const HISTORY_MAX = 20

/** How many rows are read at once while the history is searched from its newest end. */
const PAGE = 256
/** How many rows are deleted at once: others wait for it, and each row is in five indexes. */
const TRIMMED_MAX = 50
/** More rows than one transaction has in earnest. */
const TRANSACTION_MAX = 20_000
/** The maximum number of values in one statement. */
const VALUES_MAX = 200

/**
 * Makes the queries on the history. The rows of an operation have its id in `batch`. Its number is the `id` of its first
 * event: on every database, and on every node of a cluster, a later operation has higher ones, because writers run one
 * after the other.
 */
export const makeHistoryTable = Effect.map(SqlClient.SqlClient, (sql) => {
  const columns = sql`id, batch, at, what, ${sql("key")}, old_port, new_port, detail, host, ${sql("user")}, program`

  /** Returns the last changes to a key or to a port, newest first. */
  const readHistory = ({ key, port }: { readonly key?: string | undefined; readonly port?: number | undefined }) => {
    const newest = sql.literal(`ORDER BY id DESC LIMIT ${HISTORY_MAX}`)
    // One subquery per column, each with its own index: no index serves all of them in one condition.
    const found = [
      ...(key === undefined ? [] : [sql`${sql("key")} = ${key}`]),
      ...(port === undefined ? [] : [sql`old_port = ${port}`, sql`new_port = ${port}`])
    ].map((which) => sql`SELECT * FROM (SELECT id FROM port_history WHERE ${which} ${newest}) AS some`)
    const [first = sql`SELECT NULL`, ...others] = found
    return Effect.map(
      sql<HistoryRow>`
        SELECT at, what, ${sql("key")}, old_port, new_port, detail, host, ${sql("user")}, program FROM port_history
        WHERE id IN (SELECT id FROM (${others.reduce((all, each) => sql`${all} UNION ${each}`, first)}) AS found) ${newest}`,
      (found) => found.map(eventOf)
    )
  }
  /** The rows of `batches`, in order. */
  const rowsOf = (batches: ReadonlyArray<string>) =>
    Effect.map(
      Effect.forEach(
        batchesOf(batches, VALUES_MAX),
        (some) => sql<OperationRow>`SELECT ${columns} FROM port_history WHERE batch IN ${sql.in(some)} ORDER BY id`
      ),
      (each) => each.flat()
    )

  /** Returns the page of rows before `id`, newest first, that `filter` selects. */
  const page = ({ host, keys, port }: Omit<HistoryFilter, "limit">, id: number) => {
    const newest = sql.literal(`ORDER BY id DESC LIMIT ${PAGE}`)
    const before = sql`id < ${id} ${host === undefined ? sql`` : sql`AND host = ${host}`}`
    const wanted = [
      ...(keys ?? []).map((key) => sql`${sql("key")} = ${key} AND`),
      ...(port === undefined ? [] : [sql`old_port = ${port} AND`, sql`new_port = ${port} AND`])
    ]
    // One subquery per column and key, each with its own index.
    const [first = sql`SELECT NULL`, ...others] = (wanted.length === 0 ? [sql``] : wanted).map(
      (which) =>
        sql`SELECT * FROM (SELECT id, batch, at, what FROM port_history WHERE ${which} ${before} ${newest}) AS some`
    )
    return sql<Pick<OperationRow, "id" | "batch" | "at" | "what">>`
      SELECT id, batch, at, what FROM (${others.reduce((all, each) => sql`${all} UNION ${each}`, first)}) AS found ${newest}`
  }

  /** Finds the batches of the newest operations that `filter` selects. */
  const newestBatches = Effect.fnUntraced(function* (filter: HistoryFilter) {
    const batches = new Set<string>()
    const { since = "" } = filter
    for (let id = Number.MAX_SAFE_INTEGER; ; ) {
      const rows: ReadonlyArray<Pick<OperationRow, "id" | "batch" | "at" | "what">> = yield* page(filter, id)
      for (const row of rows)
        if (!isImage(row) && row.at >= since && batches.size < filter.limit) batches.add(row.batch)
      const last = rows.at(-1)
      // The clocks of the hosts need not agree, so one older row is not the end.
      const isOver = rows.length < PAGE || batches.size === filter.limit || rows.every(({ at }) => at < since)
      if (isOver || last === undefined) return [...batches]
      id = Number(last.id)
    }
  })

  /** Finds the batch of the operation `number`. */
  const batchOf = (number: number) =>
    Effect.map(
      sql<Pick<OperationRow, "batch" | "what">>`SELECT batch, what FROM port_history WHERE id = ${number}`,
      (rows) => rows.filter((row) => !isImage(row)).map(({ batch }) => batch)
    )

  /** Finds the events after `number` that concern one of `keys` or `ports`, newest first. */
  const eventsAfter = (number: number, keys: ReadonlyArray<string>, ports: ReadonlyArray<number>) => {
    const about = (column: string, values: ReadonlyArray<string | number>) =>
      batchesOf(values, VALUES_MAX).map(
        (some) => sql<OperationRow>`
          SELECT ${columns} FROM port_history WHERE ${sql(column)} IN ${sql.in(some)} AND id > ${number}`
      )
    const all = [...about("key", keys), ...about("old_port", ports), ...about("new_port", ports)]
    return Effect.map(
      Effect.forEach(all, (each) => each),
      (found) =>
        [...new Map(found.flat().map((row) => [Number(row.id), row])).values()]
          .filter((row) => !isImage(row))
          .sort((a, b) => Number(b.id) - Number(a.id))
    )
  }

  /** Finds which operations took back those of `found`, newest first. */
  const findTakers = Effect.fnUntraced(function* (found: ReadonlyArray<Recorded["operation"]>) {
    // Whatever takes an operation back touches all that it touched, so the first key or port is enough.
    const firsts = found.flatMap(({ changes }) => changes.slice(0, 1))
    const keys = new Set(firsts.flatMap(({ key }) => key ?? []))
    const ports = new Set(
      firsts.flatMap(({ key, newPort, oldPort }) => (key === null ? (newPort ?? oldPort ?? []) : []))
    )
    const after = yield* eventsAfter((found.at(-1)?.number ?? 0) - 1, [...keys], [...ports])
    const batches = new Set(after.flatMap((row) => (takesBack(row) === null ? [] : row.batch)))
    const takers = new Map<number, number>()
    // What was taken back itself takes nothing back.
    for (const taker of newestFirst(yield* rowsOf([...batches])))
      if (taker.takesBack !== null && !takers.has(taker.number)) takers.set(taker.takesBack, taker.number)
    return takers
  })

  /** Returns the operations that `filter` selects, newest first. */
  const operations = Effect.fnUntraced(function* (filter: HistoryFilter) {
    const batches = yield* filter.number === undefined ? newestBatches(filter) : batchOf(filter.number)
    const found = newestFirst(yield* rowsOf(batches)).filter(
      ({ number }) => filter.number === undefined || filter.number === number
    )
    const takers = yield* findTakers(found)
    return found.map((each): PastOperation => ({ ...each, takenBackBy: takers.get(each.number) ?? null }))
  })

  type Dated = Pick<OperationRow, "id" | "at">
  const rowsBy = (order: string, limit: number) =>
    sql<Dated>`SELECT id, at FROM port_history ORDER BY ${sql.literal(`id ${order} LIMIT ${limit}`)}`

  /**
   * Returns the ids of some of the oldest rows before `cutoff`: whole transactions, because what is left of an operation
   * could not be taken back. The rows of a transaction have one time. Of one that is longer than that, the image goes first.
   * The newest transaction always stays.
   */
  const findOld = Effect.fnUntraced(function* (cutoff: string) {
    const rows = yield* rowsBy("", TRIMMED_MAX)
    const [first] = rows
    const last = rows.at(-1)
    const whole = rows.filter(({ at }) => at < cutoff && at !== last?.at)
    if (whole.length > 0 || first === undefined || first.at >= cutoff) return whole
    const [newest] = yield* rowsBy("DESC", 1)
    if (newest?.at === first.at || rows.length < TRIMMED_MAX) return []
    const images = yield* sql<Dated>`
      SELECT id, at FROM port_history WHERE id BETWEEN ${first.id} AND ${Number(first.id) + TRANSACTION_MAX}
      AND at = ${first.at} AND what = ${IMAGE} ORDER BY id DESC LIMIT ${sql.literal(String(TRIMMED_MAX))}`
    return images.length > 0 ? images : rows.filter(({ at }) => at === first.at)
  })

  /** Returns the statement that deletes some of the oldest rows before `cutoff`, and how many; undefined if there are none. */
  const trimming = (cutoff: string) =>
    Effect.map(findOld(cutoff), (rows) => {
      const ids = rows.map(({ id }) => Number(id))
      return ids.length === 0
        ? undefined
        : { count: ids.length, statement: sql`DELETE FROM port_history WHERE id IN ${sql.in(ids)}` }
    })

  return { readHistory, operations, rowsOf, batchOf, eventsAfter, trimming }
})

export type HistoryTable = Effect.Effect.Success<typeof makeHistoryTable>
