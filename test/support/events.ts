import { type IncomingMessage, request } from "node:http"
import { onTestFinished } from "vitest"
import type { Assignment } from "../../src/domain/Assignment.ts"
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
  /** Waits until this holds of an assignment, undefined if there is none; answers how many milliseconds it took. */
  readonly shows: (key: string, holds: (assignment: Assignment | undefined) => boolean) => Promise<number>
  readonly leave: () => void
  readonly ended: Promise<void>
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
      let text = ""
      let rest = ""
      const take = ({ data, name }: Sent) => {
        if (name === "list") ports.clear()
        const { changed, removed } = name === "list" ? { changed: data, removed: [] } : (data as never)
        if (name === "problem") return
        for (const each of changed as ReadonlyArray<Assignment>) ports.set(each.key, each)
        for (const key of removed as ReadonlyArray<string>) ports.delete(key)
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
