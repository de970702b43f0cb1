import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { beforeAll, describe, expect, it, onTestFinished } from "vitest"
import type { Assignment } from "../../src/domain/Assignment.ts"
import { EVENT_LIMITS, type Look, makeEvents } from "../../src/http/events.ts"
import { type Daemon, type Machine, startDaemon } from "../support/cli.ts"
import { rangesFrom, serve, until } from "../support/doctor.ts"
import { stream } from "../support/events.ts"
import { ask, memoryOf, serves } from "../support/http.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"
import { withSqlite } from "../support/sqlite.ts"

const RANGES = rangesFrom(21_200)
const PORT = 21_300

/** Probe cycles are an hour apart: what is shown in time is not owed to them. */
const RARELY = { AUTOMATELINUX_HTTP: "on", AUTOMATELINUX_PROBE_INTERVAL: "1 hour" }

const FILE = join(temporary(), "ports.sqlite")

/** Writes to the registry as another program does. */
const write = (statement: string) => withSqlite(FILE, (database) => database.exec(statement))

let box: Machine
let daemon: Daemon
beforeAll(async () => {
  box = inProcess({ ...RANGES, ...RARELY, AUTOMATELINUX_DATABASE_URL: `sqlite:${FILE}` })
  await box.ok("allocate", "--app", "cad")
  daemon = await startDaemon(box, true)
  await serves(box, PORT)
})

/** How many probe cycles there were. */
const cycles = async (): Promise<number> =>
  Number(/^d_tick_duration_seconds_count (\d+)$/m.exec((await ask(PORT, "/metrics")).text)?.[1])

/**
 * How many bytes the daemon has read from files and sockets. How often it has read says less: on a busy machine Node's
 * event loop may be woken hundreds of times per second for a while, and each time reads the eight bytes of a counter.
 */
const bytesRead = (): number => Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${daemon.pid}/io`, "utf8"))?.[1])

const seconds = (count: number) => new Promise((done) => setTimeout(done, count * 1000))

describe("a page", () => {
  it("gets the list that d listPorts --json prints, and then each change", async () => {
    const page = await stream(PORT)
    expect(page.status).toBe(200)
    expect(page.headers).toMatchObject({ "content-type": "text/event-stream", "cache-control": "no-store" })
    await page.shows("cad-dev", (found) => found !== undefined)
    expect(page.events[0]?.name).toBe("list")
    const still = (list: unknown) =>
      JSON.parse(JSON.stringify(list, (name, value) => (/^(checkedAt|lastUp)$/.test(name) ? undefined : value)))
    expect(still(page.events[0]?.data)).toEqual({
      assignments: still(JSON.parse(await box.ok("listPorts", "--json"))),
      foreign: []
    })
    expect(await box.ok("allocate", "--special", "stream")).toContain("stream")
    expect(await page.shows("stream", (found) => found?.port === 21_301)).toBeLessThan(500)
    await box.ok("describe", "--key", "stream", "--description", "\u{1f680} caf\u00e9")
    expect(await page.shows("stream", (found) => found?.description === "\u{1f680} caf\u00e9")).toBeLessThan(500)
    await box.ok("release", "--special", "stream")
    expect(await page.shows("stream", (found) => found === undefined)).toBeLessThan(500)
    const [, token] = (await box.ok("dashboard", "--url")).trim().split("#token=")
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
    const undone = await ask(PORT, "/api/undo", { method: "POST", headers, body: "{}" })
    expect(undone.status).toBe(200)
    expect(await page.shows("stream", (found) => found !== undefined)).toBeLessThan(500)
    await box.ok("release", "--special", "stream")
    expect(await page.shows("stream", (found) => found === undefined)).toBeLessThan(500)
    expect(page.events.slice(1).every(({ name }) => name === "change")).toBe(true)
    expect(page.events.at(-1)?.data).toEqual({
      changed: [],
      removed: ["stream"],
      foreign: [],
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    })
  })

  it("sees at the next look what another program writes, and nothing if nothing changes", async () => {
    const page = await stream(PORT)
    await page.shows("cad-dev", (found) => found !== undefined)
    write("INSERT INTO settings VALUES ('port_sql', '21350')")
    expect(await page.shows("sql", (found) => found?.port === 21_350)).toBeLessThan(2000)
    const { length } = page.events
    await seconds(2.5)
    expect(page.events).toHaveLength(length)
  })

  it("sees a server that comes and goes within two seconds each", async () => {
    const page = await stream(PORT)
    await page.shows("cad-dev", (found) => found?.health.state !== "up")
    const server = await serve(21_201)
    expect(await page.shows("cad-dev", (found) => found?.health.state === "up")).toBeLessThan(2000)
    // It was probed because it came up: since when it is stored, and who it is.
    await page.shows("cad-dev", (found) => found?.health.since !== null && found?.listener?.pid === server.pid)
    await server.stop()
    expect(await page.shows("cad-dev", (found) => found?.health.state !== "up")).toBeLessThan(2000)
  })

  it("sees what listens in the ranges without being registered, and what it is", async () => {
    const page = await stream(PORT)
    await page.shows("cad-dev", (found) => found !== undefined)
    const foreign = (ports: ReadonlyArray<number>) =>
      until(
        async () => page.foreign(),
        (found) => found.map(({ port }) => port).join() === ports.join()
      )
    await foreign([])
    const before = performance.now()
    const server = await serve(21_230)
    expect(await foreign([21_230])).toEqual([{ port: 21_230, command: expect.stringMatching(/^node/) }])
    expect(performance.now() - before).toBeLessThan(3000)
    const late = await stream(PORT)
    await until(
      async () => late.foreign(),
      ({ length }) => length === 1
    )
    await box.ok("reserve", "21230", "--reason", "a test")
    await foreign([])
    await box.ok("unreserve", "21230")
    await foreign([21_230])
    await box.ok("setPort", "--key", "strange", "--value", "21230")
    await foreign([])
    await box.ok("deletePort", "--key", "strange")
    await foreign([21_230])
    await server.stop()
    await foreign([])
  })

  it("gets the list as the pages before it, and does not have the ports looked at more often", async () => {
    const pages = await Promise.all(Array.from({ length: 16 }, () => stream(PORT)))
    await Promise.all(pages.map((page) => page.shows("cad-dev", (found) => found !== undefined)))
    const full = await ask(PORT, "/api/events")
    expect(full.status).toBe(503)
    expect(JSON.parse(full.text).error.code).toBe("too-many")
    const before = bytesRead()
    await seconds(2)
    const many = bytesRead() - before
    for (const page of pages.slice(1)) page.leave()
    const again = await until(
      async () => stream(PORT),
      ({ status }) => status === 200
    )
    again.leave()
    const then = bytesRead()
    await seconds(2)
    // One look in each second, for one page as for 16.
    expect(many).toBeLessThan(2 * (bytesRead() - then) + 16_384)
    expect((await ask(PORT, "/api/events", { method: "HEAD" })).status).toBe(200)
    expect((await ask(PORT, "/api/events?all")).status).toBe(400)
  })
})

/** How many clients of the daemon's HTTP it has not closed. */
const clients = (): number =>
  readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .filter((line) => new RegExp(`^ *\\d+: \\w+:${PORT.toString(16).toUpperCase()} \\w+:\\w+ 01 `).test(line)).length

it("nothing is probed or read more often without a page", async () => {
  const page = await stream(PORT)
  await page.shows("cad-dev", (found) => found !== undefined)
  const withPage = bytesRead()
  await seconds(3)
  const busy = bytesRead() - withPage
  page.leave()
  await until(
    async () => clients(),
    (count) => count === 0
  )
  const server = await serve(21_200)
  const probed = await cycles()
  const idle = async () => {
    const before = bytesRead()
    await seconds(3)
    return bytesRead() - before
  }
  // A look that was under way may still see the server, and find out whose it is.
  const [first, then] = [await idle(), await idle()]
  expect(Math.min(first, then)).toBeLessThan(busy / 2)
  expect(await cycles()).toBe(probed)
  const second = await stream(PORT)
  await second.shows("cad-prod", (found) => found?.health.state === "up" && found.health.since !== null)
  expect(await cycles()).toBe(probed + 1)
  await server.stop()
})

it("a client that never reads is dropped, and the others go on", { timeout: 60_000 }, async () => {
  const page = await stream(PORT)
  await box.ok("allocate", ...Array.from({ length: 45 }, (_, at) => ["--app", `app${at}`]).flat())
  const silent = connect(PORT, "127.0.0.1").on("error", () => {})
  silent.pause()
  silent.write(`GET /api/events HTTP/1.1\r\nHost: localhost:${PORT}\r\n\r\n`)
  await until(
    async () => clients(),
    (count) => count === 2
  )
  const before = memoryOf(daemon.pid)
  let round = 0
  await until(
    async () => {
      round++
      // What waits in the kernel's buffers has to be filled, too.
      const text = ["\u{1f680}", "\u{1f6a2}"][round % 2]?.repeat(499) ?? ""
      write(`UPDATE port_keys SET description = '${text}'`)
      // It has the list looked at once more, now.
      await box.ok("describe", "--key", "cad-prod", "--description", `round ${round}`)
      await page.shows("app0-dev", (found) => found?.description === text)
      return clients()
    },
    (count) => count === 1,
    50
  )
  expect(memoryOf(daemon.pid) - before).toBeLessThan(80)
  expect(page.ports().get("cad-prod")?.description).toBe(`round ${round}`)
  silent.destroy()
  expect(daemon.log()).not.toMatch(/level=ERROR/)
})

const assignment = (key: string, port: number): Assignment => ({
  key,
  port,
  kind: "special",
  app: null,
  description: null,
  host: null,
  owner: null,
  pinned: false,
  health: { state: "up", since: null, lastUp: new Date().toISOString(), checkedAt: new Date().toISOString() },
  listener: null
})

const AT = "2026-11-27T00:00:00.000Z"

it("a registry that goes away is told once, and the list again once it is back", async () => {
  let now: Look = { ok: true, at: AT, assignments: [assignment("a", 1)], foreign: [] }
  let looks = 0
  const events = makeEvents(
    async () => {
      looks++
      return now
    },
    { ...EVENT_LIMITS, interval: 20, gap: 5, heartbeat: 20 }
  )
  const server = createServer((_, response) => void events.open(response))
  await new Promise<void>((done) => server.listen(21_399, "127.0.0.1", done))
  onTestFinished(() => void server.close())
  const page = await stream(21_399)
  const told = (count: number) =>
    until(
      async () => page.events.map(({ name }) => name),
      ({ length }) => length >= count
    )
  await told(1)
  const failure = { code: "unavailable", message: "away", hint: "wait" } as const
  now = { ok: false, failure }
  await told(2)
  const since = looks
  await until(
    async () => looks,
    (count) => count > since + 5
  )
  const late = await stream(21_399)
  await until(
    async () => late.events,
    ({ length }) => length === 1
  )
  expect(late.events).toEqual([{ name: "problem", data: { error: failure } }])
  now = { ok: true, at: AT, assignments: [assignment("a", 1), assignment("b", 2)], foreign: [] }
  expect(await told(3)).toEqual(["list", "problem", "list"])
  expect([...page.ports().keys()]).toEqual(["a", "b"])
  expect(page.text()).toContain("\n: here\n\n")
  page.leave()
  late.leave()
  events.end()
  await expect(stream(21_399)).rejects.toThrow()
  events.begin()
  // A look may be under way.
  await Promise.all([page.ended, late.ended])
  const last = looks
  await seconds(0.3)
  expect(looks).toBeLessThanOrEqual(last + 1)
})

it("all streams end when the daemon stops", async () => {
  const other = inProcess({ ...RANGES, ...RARELY, AUTOMATELINUX_SPECIAL_RANGE: "21390-21399" })
  const its = await startDaemon(other)
  await serves(other, 21_390)
  const pages = await Promise.all(Array.from({ length: 5 }, () => stream(21_390)))
  const silent = connect(21_390, "127.0.0.1").on("error", () => {})
  silent.pause()
  silent.write("GET /api/events HTTP/1.1\r\nHost: localhost:21390\r\n\r\n")
  const before = performance.now()
  expect(await its.stop()).toBe(0)
  await Promise.all(pages.map(({ ended }) => ended))
  expect(performance.now() - before).toBeLessThan(2000)
  expect(its.log()).not.toMatch(/level=ERROR/)
  silent.destroy()
})
