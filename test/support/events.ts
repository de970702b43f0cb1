import { type IncomingMessage, request } from "node:http"
import { onTestFinished } from "vitest"
import type { Assignment } from "../../src/domain/Assignment.ts"
import type { ForeignPort } from "../../src/domain/foreign.ts"
import { until } from "./doctor.ts"

/** One event of a stream. */
export interface Sent {
  readonly name: string
  readonly data: unknown
}

/** What a page knows of the ports: the list, as the events have changed it. */
export interface Stream {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly events: ReadonlyArray<Sent>
  /** Everything that was received, as it came. */
  readonly text: () => string
  /** The ports by key. */
  readonly ports: () => ReadonlyMap<string, Assignment>
  /** What listens without being registered. */
  readonly foreign: () => ReadonlyArray<ForeignPort>
  /** Waits until this holds of an assignment, undefined if there is none; answers how many milliseconds it took. */
  readonly shows: (key: string, holds: (assignment: Assignment | undefined) => boolean) => Promise<number>
  readonly leave: () => void
  readonly ended: Promise<void>
}

/** The data of `list` and `change`. */
interface Told {
  readonly assignments?: ReadonlyArray<Assignment>
  readonly changed?: ReadonlyArray<Assignment>
  readonly removed?: ReadonlyArray<string>
  readonly foreign: ReadonlyArray<ForeignPort>
}

const parsed = (block: string): ReadonlyArray<Sent> => {
  const [, name] = /^event: (.*)$/m.exec(block) ?? []
  const [, data] = /^data: (.*)$/m.exec(block) ?? []
  return name === undefined || data === undefined ? [] : [{ name, data: JSON.parse(data) }]
}

/** Opens a stream of events at `port` as a page does. It is left with the test. */
export const stream = (port: number): Promise<Stream> =>
  new Promise((done, fail) => {
    const asked = request({ port, path: "/api/events", headers: { host: `localhost:${port}` } }, (response) => {
      const events: Array<Sent> = []
      const ports = new Map<string, Assignment>()
      let foreign: ReadonlyArray<ForeignPort> = []
      let text = ""
      let rest = ""
      const take = ({ data, name }: Sent) => {
        if (name === "problem") return
        if (name === "list") ports.clear()
        const { assignments = [], changed = [], removed = [], ...rest } = data as Told
        for (const each of [...assignments, ...changed]) ports.set(each.key, each)
        for (const key of removed) ports.delete(key)
        foreign = rest.foreign
      }
      response.setEncoding("utf8")
      response.on("error", () => {})
      response.on("data", (chunk: string) => {
        text += chunk
        const blocks = (rest + chunk).split("\n\n")
        rest = blocks.pop() ?? ""
        for (const each of blocks.flatMap(parsed)) {
          events.push(each)
          take(each)
        }
      })
      const leave = () => void asked.destroy()
      onTestFinished(leave)
      done({
        status: response.statusCode ?? 0,
        headers: response.headers,
        events,
        text: () => text,
        ports: () => ports,
        foreign: () => foreign,
        shows: async (key, holds) => {
          const before = performance.now()
          await until(
            async () => ports.get(key),
            (assignment) => holds(assignment)
          )
          return performance.now() - before
        },
        leave,
        ended: new Promise((ended) => response.once("close", ended))
      })
    })
    asked.on("error", fail)
    asked.end()
  })
