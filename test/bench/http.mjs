import { readFileSync } from "node:fs"
import { Agent, request } from "node:http"
import { resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { QUICK, rate, ratio } from "./measure.mjs"
import { servedAgain, service } from "./place.mjs"
import { demand, kept } from "./talk.mjs"

const ROUNDS = QUICK ? 3 : 11
const ROUND_MS = QUICK ? 400 : 1000
const CLIENTS = 16
/** The first special, and a port of the specials that is not assigned. */
const PORT = 22_500
const ECHO = 22_900

const agent = new Agent({ keepAlive: true, maxSockets: 2 * CLIENTS })

const get = (port, path) =>
  new Promise((done, fail) => {
    const asked = request(
      { host: "127.0.0.1", port, path, agent, headers: { host: `localhost:${port}` } },
      (response) => {
        let text = ""
        response.setEncoding("latin1")
        response.on("data", (chunk) => (text += chunk))
        response.on("end", () => done(text))
      }
    )
    asked.on("error", fail)
    asked.end()
  })

const asks = (port, path, expected) => async () => {
  const text = await get(port, path)
  if (expected !== undefined && text !== expected) throw new Error(`${path} was answered ${JSON.stringify(text)}`)
}

const isServing = (port) =>
  get(port, "/").then(
    () => true,
    () => false
  )

/** The resident memory of a process, in MiB. */
const memoryOf = ({ pid }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024

/** What a shell's question for a port costs by HTTP, and what HTTP costs a daemon. */
export const httpRows = async () => {
  const off = await servedAgain({})
  const { daemon, socket } = await servedAgain({ http: "on" })
  while (!(await isServing(PORT))) await sleep(50)
  const memory = { ours: memoryOf(daemon), floor: memoryOf(off.daemon) }
  await service(process.execPath, [resolve("test/bench/httpEcho.mjs"), String(ECHO)])
  await demand(await kept(socket), "setPort", { key: "app0-dev", value: 20_001 })
  const path = "/api/ports/app0-dev"
  const against = (ours) =>
    ratio(
      ROUNDS,
      () => rate(CLIENTS, ROUND_MS, ours),
      () => rate(CLIENTS, ROUND_MS, asks(ECHO, path, `${path}\n`))
    )
  return [
    {
      what: `/api/ports/KEY?plain over kept connections, ${CLIENTS} clients, SQLite`,
      against: "a bare node:http server",
      ...(await against(asks(PORT, `${path}?plain`, "20001\n"))),
      unit: "/s",
      reach: 0.4,
      aim: 0.5
    },
    {
      what: "the same by the API, as JSON",
      against: "the same server",
      ...(await against(asks(PORT, path))),
      unit: "/s",
      reach: 0.1,
      aim: 0.25
    },
    {
      what: "memory of an idle daemon with HTTP on, not its first start",
      against: "one with HTTP off",
      ratio: memory.ours / memory.floor,
      ...memory,
      unit: "MiB",
      reach: 1.3,
      aim: 1.2
    }
  ]
}
