import type { IncomingMessage } from "node:http"
import { connect } from "node:net"
import { beforeAll, describe, expect, it } from "vitest"
import { strangerProblem } from "../../src/http/guard.ts"
import { type Daemon, type Machine, startDaemon } from "../support/cli.ts"
import { rangesFrom, watched } from "../support/doctor.ts"
import { randomFrom, upTo } from "../support/garbage.ts"
import { ask, held, memoryOf, raw, serves } from "../support/http.ts"

const RANGES = rangesFrom(22_900)
const PORT = 23_000

/** Requests of garbage; `FRAMES=1000000 npx vitest run test/http/strangers.test.ts` sends more. */
const FRAMES = Number(process.env["FRAMES"] ?? 100_000)
/** `SEED=…` makes the same garbage again; the seed is printed if something is wrong. */
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000)
const CLIENTS = 16
/** A leak meets this bound and ends the daemon. */
const SMALL_HEAP = "--max-old-space-size=80 --max-semi-space-size=2"

let box: Machine
let daemon: Daemon
beforeAll(async () => {
  box = watched(RANGES, { AUTOMATELINUX_HTTP: "on", NODE_OPTIONS: SMALL_HEAP })
  await box.ok("allocate", "--app", "cad")
  daemon = await startDaemon(box, true)
  await serves(box, PORT)
})

const statusOf = async (headers: Readonly<Record<string, string>>, path = "/api/ports/cad-dev?plain") =>
  (await ask(PORT, path, { headers })).status

describe("the host", () => {
  it.each([`localhost:${PORT}`, `127.0.0.1:${PORT}`, `[::1]:${PORT}`, `LocalHost:${PORT}`, `d.localhost:${PORT}`])(
    "may be %s",
    async (host) => {
      expect(await statusOf({ host })).toBe(200)
    }
  )

  it.each([
    "localhost",
    "localhost:80",
    `localhost:${PORT + 1}`,
    `localhost:0${PORT}`,
    `evil.example:${PORT}`,
    `localhost.evil.example:${PORT}`,
    `evillocalhost:${PORT}`,
    `127.0.0.1.nip.io:${PORT}`,
    `127.0.0.2:${PORT}`,
    `0.0.0.0:${PORT}`,
    `2130706433:${PORT}`,
    `localhost.:${PORT}`,
    `user@localhost:${PORT}`,
    `localhost:${PORT}, evil.example`,
    `\u00e9.localhost:${PORT}`
  ])("may not be %s", async (host) => {
    expect(await statusOf({ host })).toBe(403)
    for (const path of ["/openapi.json", "/", "/app.js", "/api/events", "/metrics", "/open/x"])
      expect(await statusOf({ host }, path)).toBe(403)
  })

  it("must be there once, whatever the request's line says", async () => {
    expect(await raw(PORT, "GET /api/ports HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 403/)
    expect(await raw(PORT, "GET /api/ports HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/)
    const two = `Host: localhost:${PORT}\r\nHost: evil.example\r\n`
    expect(await raw(PORT, `GET /api/ports HTTP/1.1\r\n${two}\r\n`)).toMatch(/^HTTP\/1\.1 40[03]/)
    const absolute = `GET http://evil.example/api/ports HTTP/1.1\r\nHost: localhost:${PORT}\r\n\r\n`
    expect(await raw(PORT, absolute)).toMatch(/^HTTP\/1\.1 400/)
  })
})

describe("a page of another site", () => {
  it.each([
    "http://evil.example",
    "null",
    `https://localhost:${PORT}`,
    `http://localhost:${PORT + 1}`,
    "http://localhost",
    ""
  ])("is refused by its origin %j", async (origin) => {
    expect(await statusOf({ origin })).toBe(403)
  })

  it("is known by what a browser says where it sends no origin", async () => {
    for (const site of ["cross-site", "same-site"])
      expect(await statusOf({ "sec-fetch-site": site, "sec-fetch-mode": "no-cors" })).toBe(403)
    expect(await statusOf({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" })).toBe(200)
    // Somebody follows a link.
    expect(await statusOf({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" })).toBe(200)
  })

  it("can post no form, and gets no permission by a preflight", async () => {
    const headers = { origin: "http://evil.example", "content-type": "application/x-www-form-urlencoded" }
    const posted = await ask(PORT, "/api/allocate", { method: "POST", headers, body: "app=evil" })
    expect(posted.status).toBe(403)
    const asked = { origin: "http://evil.example", "access-control-request-method": "POST" }
    const preflight = await ask(PORT, "/api/allocate", { method: "OPTIONS", headers: asked })
    expect(preflight.status).toBe(403)
    for (const { headers } of [posted, preflight, await ask(PORT, "/api/ports")]) {
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([])
      expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
      expect(headers["x-content-type-options"]).toBe("nosniff")
      expect(headers["cross-origin-resource-policy"]).toBe("same-origin")
    }
    expect(await box.ok("listPorts")).not.toContain("evil")
  })

  it("may be the own one", async () => {
    expect(await statusOf({ origin: `http://localhost:${PORT}` })).toBe(200)
    expect(await statusOf({ origin: `http://127.0.0.1:${PORT}` })).toBe(403)
  })
})

it.each([
  "/../etc/passwd",
  "/api/../../etc/passwd",
  "/api/ports/..",
  "/api/ports/%2e%2e/%2e%2e/etc/passwd",
  "/api/ports/..%2f..%2fetc",
  "//evil.example/api/ports",
  "/api\\ports",
  "/api/ports/%00",
  "/api/ports/%zz"
])("%s is no path", async (path) => {
  expect(await raw(PORT, `GET ${path} HTTP/1.1\r\nHost: localhost:${PORT}\r\nConnection: close\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 400/
  )
})

it("takes no line or headers without end", async () => {
  const head = `Host: localhost:${PORT}\r\n`
  expect(await raw(PORT, `GET /${"x".repeat(20_000)} HTTP/1.1\r\n${head}\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d/)
  expect(await raw(PORT, `GET / HTTP/1.1\r\n${head}x: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431/)
  expect(await raw(PORT, `GET / HTTP/1.1\r\n${head}${"x: y\r\n".repeat(5000)}\r\n`)).toMatch(/^HTTP\/1\.1 431/)
})

const METHODS = ["GET", "POST", "HEAD", "PUT", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "\u0000", ""]
const PATHS = [
  "/",
  "*",
  "/api/ports",
  "/api/ports/%",
  "/api/ports/cad-dev?plain",
  "/api/history?limit=-1",
  "http://x/",
  "/sd",
  "/app.js",
  "/open/x",
  "/api/events",
  "/api/allocate",
  "/api/undo"
]
const HEADERS = [
  `Host: localhost:${PORT}`,
  "Host: evil.example",
  "Transfer-Encoding: chunked",
  "Content-Length: 99999999999",
  "Content-Length: -1",
  "Connection: upgrade\r\nUpgrade: websocket",
  "Expect: 100-continue",
  "Range: bytes=0-",
  ": x",
  "x",
  "Accept: text/plain",
  "\u0001: \u0002"
]

/** A request that is wrong somewhere, or bytes that are none. */
const garbage = (random: () => number): Buffer => {
  if (random() < 0.2) return Buffer.from(Array.from({ length: upTo(random, 300) }, () => upTo(random, 256)))
  const one = (all: ReadonlyArray<string>) => all[upTo(random, all.length)] ?? ""
  const headers = Array.from({ length: upTo(random, 5) }, () => one(HEADERS))
  const text = [`${one(METHODS)} ${one(PATHS)} HTTP/${one(["1.1", "1.0", "2.0", "9", ""])}`, ...headers, "", "body"]
  const whole = text.join(random() < 0.9 ? "\r\n" : "\n")
  return Buffer.from(random() < 0.8 ? whole : whole.slice(0, upTo(random, whole.length)), "latin1")
}

it(`answers garbage, and keeps nothing of it (seed ${SEED})`, { timeout: 120_000 + 6 * FRAMES }, async () => {
  const random = randomFrom(SEED)
  const send = async (count: number) => {
    let left = count
    const client = async () => {
      while (left-- > 0) {
        const bytes = garbage(random)
        const answer = await raw(PORT, bytes)
        // Of a whole request too, which some are, and of two in one.
        if (!/^(?:HTTP\/1\.1 (?:[1-5]\d\d) [\s\S]*)?$/.test(answer) || /^HTTP\/1\.1 500/m.test(answer))
          throw new Error(`${JSON.stringify(bytes.toString("latin1"))} was answered: ${answer}`)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
  }
  await send(Math.min(FRAMES, 3000))
  const before = memoryOf(daemon.pid)
  await send(FRAMES)
  expect(memoryOf(daemon.pid) - before).toBeLessThan(40)
  expect(await statusOf({})).toBe(200)
  expect(daemon.log()).not.toMatch(/level=ERROR/)
})

it("ends clients that are slow, and serves others meanwhile", { timeout: 60_000 }, async () => {
  const before = memoryOf(daemon.pid)
  const begun = `GET /api/ports HTTP/1.1\r\nHost: localhost:${PORT}\r\nx: `
  const slow = Array.from({ length: 500 }, (_, at) => held(PORT, at % 2 === 0 ? begun : ""))
  // More than the server takes are closed at once. The socket's clients are not concerned.
  expect(await box.ok("getPort", "--key", "cad-dev")).toBe("22901\n")
  await Promise.all(slow.map(({ closed }) => closed))
  expect(await statusOf({})).toBe(200)
  expect(memoryOf(daemon.pid) - before).toBeLessThan(20)
})

it("ends a client that sends a body without end or reads nothing", { timeout: 60_000 }, async () => {
  const endless = held(PORT, `POST /api/ports HTTP/1.1\r\nHost: localhost:${PORT}\r\nContent-Length: 1000000\r\n\r\nx`)
  await endless.closed
  const silent = connect(PORT, "127.0.0.1").on("error", () => {})
  silent.pause()
  const line = `GET /openapi.json HTTP/1.1\r\nHost: localhost:${PORT}\r\n\r\n`
  silent.write(line.repeat(2000))
  expect(await statusOf({})).toBe(200)
  silent.destroy()
})

it("takes a Host without a port for port 80, as clients leave it out", () => {
  const asked = (host: string, port: number) =>
    strangerProblem({ rawHeaders: ["Host", host], headers: {}, method: "GET" } as unknown as IncomingMessage, port)
  expect(asked("localhost", 80)).toBeUndefined()
  expect(asked("localhost:80", 80)).toBeUndefined()
  for (const host of ["localhost:3500", "evil.example", "localhost.evil.example"]) expect(asked(host, 80)).toBeDefined()
  expect(asked("localhost", 3500)).toBeDefined()
})
