import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import mysql from "mysql2/promise"
import type { Machine } from "../support/program.ts"
import type { Ask, Outcome } from "./history.ts"

/** One way of asking. It never fails: what cannot be known is `Unknown`. */
export type Client = (ask: Ask) => Promise<Outcome>

const UNKNOWN: Outcome = { _tag: "Unknown" }

/** A daemon that does not answer for so long is given up. */
const SILENCE_MS = 60_000

/** How long a daemon that is not there is waited for. */
const DIAL_MS = 20_000

interface Document {
  readonly key?: string
  readonly port?: number
  readonly assignments?: ReadonlyArray<{ readonly key: string; readonly port: number; readonly created: boolean }>
  readonly released?: ReadonlyArray<{ readonly key: string }>
}

const done = ({ command }: Ask, { assignments, key, port, released }: Document): Outcome => ({
  _tag: "Ok",
  assigned:
    assignments ?? (key === undefined || port === undefined ? [] : [{ key, port, created: command !== "getPort" }]),
  released: released?.map((each) => each.key) ?? []
})

const failed = (code: string): Outcome => (code === "outcome-unknown" ? UNKNOWN : { _tag: "Refused", code })

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
    const reply = JSON.parse(line)
    return reply.ok ? done(ask, reply.result) : failed(reply.error.code)
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
    if (code === 0) return done(ask, JSON.parse(stdout))
    if (code === null) return UNKNOWN
    return failed(JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "").error.code)
  }

/**
 * An allocator as one writes it at first: it reads, picks, and inserts. The harness must catch it; if it does not, the
 * harness proves nothing.
 */
export const naive = async (socketPath: string, database: string, first: number): Promise<Client> => {
  const connection = await mysql.createConnection({ socketPath, user: "root", database })
  return async (ask) => {
    if (ask.command !== "allocate") return { _tag: "Refused", code: "unknown-command" }
    const [rows] = await connection.query("SELECT setting_value FROM settings")
    const taken = new Set((rows as ReadonlyArray<Record<string, string>>).map((row) => Number(row["setting_value"])))
    let port = first
    while (taken.has(port)) port += 2
    const assigned = ask.app.flatMap((app) => [
      { key: `${app}-prod`, port, created: true },
      { key: `${app}-dev`, port: port + 1, created: true }
    ])
    for (const { key, port } of assigned)
      await connection.query("INSERT INTO settings VALUES (?, ?)", [`port_${key}`, String(port)])
    return { _tag: "Ok", assigned, released: [] }
  }
}
