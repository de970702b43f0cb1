import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import mysql from "mysql2/promise"
import { onTestFinished } from "vitest"
import type { Machine } from "../support/cli.ts"
import type { Row } from "../support/mariadb.ts"
import { openSqlite } from "../support/sqlite.ts"
import type { Ask, Outcome } from "./history.ts"

/** One way of asking. It never fails: what cannot be known is `Unknown`. */
export type Client = (ask: Ask) => Promise<Outcome>

const UNKNOWN: Outcome = { _tag: "Unknown" }

/** A daemon that does not answer for so long is given up. */
const SILENCE_MS = 60_000

/** How long a daemon that is not there is waited for. */
const DIAL_MS = 20_000

/** What a command answers, as far as it matters here. */
export interface Document {
  readonly key?: string | null
  readonly port?: number | null
  readonly assignments?: ReadonlyArray<{ readonly key: string; readonly port: number; readonly created: boolean }>
  readonly released?: ReadonlyArray<{ readonly key: string }>
  readonly renamed?: ReadonlyArray<{ readonly key: string; readonly port: number }>
  readonly operations?: ReadonlyArray<{
    readonly number: number
    readonly changes: ReadonlyArray<Pick<Change, "key"> & { readonly what: string; readonly detail: string | null }>
  }>
  readonly operation?: { readonly what: string }
  readonly changes?: ReadonlyArray<Change>
}

/** What an operation did to a key, or to a port without one. */
interface Change {
  readonly key: string | null
  readonly oldPort: number | null
  readonly newPort: number | null
}

const keysIn = (changes: ReadonlyArray<Pick<Change, "key">>): ReadonlyArray<string> => [
  ...new Set(changes.flatMap(({ key }) => key ?? []))
]

/** The former names of the keys that an operation renamed. */
const renamed = ({ changes }: NonNullable<Document["operations"]>[number]): ReadonlyArray<string> =>
  changes.flatMap(({ detail, what }) => (what === "rename" && detail !== null ? detail : []))

const foundOperation = ({ operations = [] }: Document): Outcome => {
  const [last] = operations
  return {
    _tag: "Ok",
    assigned: [],
    released: [],
    ...(last === undefined ? {} : { last: { number: last.number, keys: [...keysIn(last.changes), ...renamed(last)] } })
  }
}

const takenBack = ({ changes = [], operation }: Document): Outcome => ({
  _tag: "Ok",
  assigned: changes.flatMap(({ key, newPort }) =>
    key === null || newPort === null ? [] : [{ key, port: newPort, created: true }]
  ),
  released: changes.flatMap(({ key, newPort, oldPort }) =>
    key === null || newPort !== null || oldPort === null ? [] : key
  ),
  tookBack: { what: operation?.what === "undo" ? "redo" : "undo", keys: keysIn(changes) }
})

const done = ({ command }: Ask, { assignments, key, port, released, renamed }: Document): Outcome => ({
  _tag: "Ok",
  assigned:
    assignments ??
    renamed?.map((each) => ({ key: each.key, port: each.port, created: true })) ??
    (key == null || port == null ? [] : [{ key, port, created: command !== "getPort" }]),
  released: released?.map((each) => each.key) ?? []
})

type Reply =
  | { readonly ok: true; readonly result: Document }
  | { readonly ok: false; readonly error: { readonly code: string } }

/** What a reply says of what was asked. */
export const outcomeOf = (ask: Ask, reply: Reply): Outcome => {
  if (reply.ok) {
    if (ask.command === "history") return foundOperation(reply.result)
    return ask.command === "undo" ? takenBack(reply.result) : done(ask, reply.result)
  }
  const { code } = reply.error
  return code === "outcome-unknown" ? UNKNOWN : { _tag: "Refused", code }
}

const dial = async (path: string): Promise<Socket | undefined> => {
  for (const until = Date.now() + DIAL_MS; Date.now() < until; await sleep(50)) {
    const socket = connect(path)
    const reached = await new Promise((answer) => {
      socket.once("connect", () => answer(true))
      socket.once("error", () => answer(false))
    })
    socket.on("error", () => {})
    socket.setTimeout(SILENCE_MS, () => socket.destroy())
    if (reached) return socket
  }
  return undefined
}

/** A connection to a daemon that is kept, and made again when it broke. */
export const kept = (path: string): Client => {
  let socket: Socket | undefined
  return async (ask) => {
    if (socket === undefined || socket.destroyed) socket = await dial(path)
    const mine = socket
    if (mine === undefined) return { _tag: "Refused", code: "no-daemon" }
    const line = await new Promise<string | undefined>((answer) => {
      let text = ""
      const listen = (chunk: Buffer) => {
        text += chunk
        if (text.includes("\n")) answer(text)
      }
      mine.on("data", listen)
      mine.once("close", () => answer(undefined))
      mine.write(`${JSON.stringify({ ...ask, format: "json" })}\n`)
    })
    mine.removeAllListeners("data").removeAllListeners("close")
    if (line === undefined || !line.startsWith("{")) {
      mine.destroy()
      return UNKNOWN
    }
    return outcomeOf(ask, JSON.parse(line))
  }
}

/** How long one that does not wait for a reply waits between its requests, so that they do not pile up. */
const REST_MS = 200

/** One that is gone before it could read the reply. */
export const vanishing =
  (path: string): Client =>
  async (ask) => {
    const socket = await dial(path)
    await new Promise<void>((sent) => socket?.write(`${JSON.stringify(ask)}\n`, () => sent()))
    socket?.destroy()
    await sleep(REST_MS)
    return UNKNOWN
  }

const wordsOf = ({ command, ...options }: Ask): ReadonlyArray<string> => [
  command,
  ...Object.entries(options).flatMap(([name, value]): ReadonlyArray<string> => {
    if (name === "touches") return []
    if (Array.isArray(value)) return value.flatMap((each) => [`--${name}`, each])
    if (typeof value === "boolean") return value ? [`--${name}`] : []
    return [`--${name}`, String(value)]
  }),
  "--json"
]

/** A process of `d` for each question. */
export const process =
  (box: Machine): Client =>
  async (ask) => {
    const { code, stderr, stdout } = await box.d(...wordsOf(ask))
    if (code === null) return UNKNOWN
    return outcomeOf(
      ask,
      code === 0
        ? { ok: true, result: JSON.parse(stdout) }
        : { ok: false, ...JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "") }
    )
  }

/** Runs SQL on a connection of one's own, which ends with the test. */
export type Query = (sql: string, values?: ReadonlyArray<string>) => Promise<ReadonlyArray<Row>>

export const overMysql = async (socketPath: string, database: string): Promise<Query> => {
  const connection = await mysql.createConnection({ socketPath, user: "root", database })
  onTestFinished(() => connection.destroy())
  return async (sql, values = []) => {
    const [rows] = await connection.query(sql, [...values])
    return Array.isArray(rows) ? (rows as ReadonlyArray<Row>) : []
  }
}

export const overSqlite = (file: string): Query => {
  const database = openSqlite(file)
  onTestFinished(() => void database.close())
  return async (sql, values = []) => {
    // Others have their turn between two statements, as they have where each is a process.
    await sleep(1)
    return database.prepare(sql).all(...values) as ReadonlyArray<Row>
  }
}

/**
 * An allocator as one writes it at first: it reads, picks, and inserts. The harness must catch it; if it does not, the
 * harness proves nothing.
 */
export const naive =
  (query: Query, first: number): Client =>
  async (ask) => {
    if (ask.command !== "allocate") return { _tag: "Refused", code: "unknown-command" }
    const taken = new Set(
      (await query("SELECT setting_value FROM settings")).map((row) => Number(row["setting_value"]))
    )
    let port = first
    while (taken.has(port)) port += 2
    const assigned = ask.app.flatMap((app) => [
      { key: `${app}-prod`, port, created: true },
      { key: `${app}-dev`, port: port + 1, created: true }
    ])
    for (const { key, port } of assigned)
      await query("INSERT INTO settings VALUES (?, ?)", [`port_${key}`, String(port)])
    return { _tag: "Ok", assigned, released: [] }
  }

/** The table that it needs. */
export const NAIVE_TABLE = "CREATE TABLE settings (setting_key VARCHAR(255) PRIMARY KEY, setting_value TEXT)"
