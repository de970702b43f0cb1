import { readFileSync } from "node:fs"
import { request } from "node:http"
import { connect } from "node:net"
import { onTestFinished } from "vitest"
import type { Machine } from "./cli.ts"
import { until } from "./doctor.ts"

/** The port at which the daemon of `box` serves HTTP; 0 if it does not. */
const servedPort = async (box: Machine): Promise<number> => {
  const { http } = JSON.parse(await box.ok("status", "--json"))
  return http?.address ? Number(new URL(http.address).port) : 0
}

/** Waits until the daemon of `box` serves HTTP, at `port` if that is given. Returns the port. */
export const serves = (box: Machine, port?: number): Promise<number> =>
  until(
    () => servedPort(box),
    (found) => (port === undefined ? found > 0 : found === port),
    20
  )

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
}

/** What a request is besides its path. `headers` may be a lie about the host. */
export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly address?: string
}

/** Asks the HTTP server at `port` of this machine. */
export const ask = (
  port: number,
  path: string,
  { address = "127.0.0.1", body, headers = {}, method = "GET" }: Asked = {}
): Promise<Response> =>
  new Promise((done, fail) => {
    const asked = request(
      { host: address, port, path, method, headers: { host: `localhost:${port}`, connection: "close", ...headers } },
      (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (chunk) => (text += chunk))
        response.on("error", fail)
        response.on("end", () => done({ status: response.statusCode ?? 0, headers: response.headers, text }))
      }
    )
    asked.on("error", fail)
    asked.end(body)
  })

/** Sends bytes as they are and returns all that comes back until the server ends the connection. */
export const raw = (port: number, bytes: string | Buffer, address = "127.0.0.1"): Promise<string> =>
  new Promise((done) => {
    const socket = connect(port, address)
    let text = ""
    socket.setEncoding("latin1")
    socket.on("data", (chunk) => (text += chunk))
    socket.on("error", () => {})
    socket.on("close", () => done(text))
    socket.end(bytes)
  })

/** Opens a connection that sends `bytes` and no more; `closed` once the server has ended it. */
export const held = (port: number, bytes: string) => {
  const socket = connect(port, "127.0.0.1")
  socket.on("error", () => {})
  socket.resume()
  if (bytes !== "") socket.write(bytes)
  onTestFinished(() => void socket.destroy())
  return { closed: new Promise<void>((done) => socket.once("close", () => done())) }
}

/** The memory of a process, in megabytes. */
export const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024
