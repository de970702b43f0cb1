import { createServer as createHttpServer } from "node:http"
import { createServer } from "node:net"
import { beforeEach, describe, expect, it, onTestFinished } from "vitest"
import { listen, type Machine } from "../support/cli.ts"
import { until } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { caddyWith, get, seenBehind, startApp, startProxy } from "../support/proxies.ts"

/** `d proxy --live` and Debian's Caddy, by its admin API. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "18600-18639", AUTOMATELINUX_SPECIAL_RANGE: "18640-18659" }
const PROXY = 18_650
const OTHER = 18_651
const ADMIN = 18_652
const ADDRESS = `localhost:${ADMIN}`

let box: Machine

beforeEach(async () => {
  box = inProcess({ ...RANGES, CADDY_ADMIN: ADDRESS })
  await box.ok("allocate", "--app", "cad", "--app", "pt")
})

const live = (action: string, port: number, ...more: ReadonlyArray<string>) =>
  box.d("proxy", action, "--for", "caddy", "--live", "--port", String(port), ...more)

const applied = async (port = PROXY): Promise<string> => {
  const { code, stderr, stdout } = await live("apply", port)
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return stdout
}

/** Returns Caddy's answer. Asks again if it cuts the connection, as it does after a change. */
const admin = (path: string, method = "GET", body?: unknown) =>
  until(
    () =>
      fetch(`http://${ADDRESS}${path}`, {
        method,
        headers: { "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
        .then((answer) => answer.text())
        .catch(() => undefined),
    (text) => text !== undefined
  )

/** The configuration that Caddy runs with, as it shows it. */
const config = async () => JSON.parse((await admin("/config/")) ?? "")

/** The names that the route has, and the server that it is in. */
const routes = async () => {
  const { apps } = await config()
  return Object.entries<{ readonly routes?: ReadonlyArray<Record<string, unknown>> }>(
    apps?.http?.servers ?? {}
  ).flatMap(([server, { routes = [] }]) =>
    routes.flatMap((route, at) =>
      route["@id"] === "d-ports"
        ? [{ server, at, names: [...JSON.stringify(route).matchAll(/"host":\["([^"]*)"\]/g)].map(([, name]) => name) }]
        : []
    )
  )
}

const BOTH = ["cad.localhost", "cad-prod.localhost", "pt.localhost", "pt-prod.localhost"]
const CAD = BOTH.slice(0, 2)

/** A site that takes every request, and one for a name in localhost. */
const SITES = `http://:${PROXY} {\n\trespond "theirs"\n}\nhttp://blog.localhost:${PROXY} {\n\trespond "blog"\n}`

describe("a Caddy with sites on the port", () => {
  it("gets one route, which follows the registry, and nothing else of it changes", async () => {
    await startProxy("caddy", PROXY, "run", ...caddyWith(SITES, ADMIN))
    await startApp(18_601, "127.0.0.1")
    await startApp(18_603, "::1")
    const before = await config()
    expect(await applied()).toBe(`made the route of d in Caddy at ${ADDRESS}\n`)
    expect(await routes()).toEqual([{ server: "srv0", at: 0, names: BOTH }])
    expect(await seenBehind(PROXY, "cad.localhost")).toMatchObject({ port: 18_601 })
    expect(await seenBehind(PROXY, "pt.localhost")).toMatchObject({ port: 18_603 })
    const theirs = async () =>
      [await get(PROXY, "blog.localhost"), await get(PROXY, "example.com")].map(({ text }) => text)
    expect(await theirs()).toEqual(["blog", "theirs"])
    const after = await config()
    expect(await applied()).toBe(`unchanged: the route of d in Caddy at ${ADDRESS}\n`)
    expect(await config()).toEqual(after)

    await box.ok("release", "pt", "--force")
    expect(await live("diff", PROXY)).toMatchObject({ code: 1, stderr: "", stdout: expect.stringContaining("-  ") })
    expect((await live("apply", PROXY, "--dry-run")).stdout).toBe(
      `would change the route of d in Caddy at ${ADDRESS}\n`
    )
    expect(await config()).toEqual(after)
    expect(await applied()).toBe(`changed the route of d in Caddy at ${ADDRESS}\n`)
    expect(await routes()).toEqual([{ server: "srv0", at: 0, names: CAD }])
    expect((await get(PROXY, "pt.localhost")).text).toBe("theirs")
    expect(await live("diff", PROXY)).toEqual({ code: 0, stdout: "", stderr: "" })

    await box.ok("release", "cad", "--force")
    expect(await applied()).toBe(`removed the route of d in Caddy at ${ADDRESS}\n`)
    expect(await config()).toEqual(before)
    expect(await applied()).toBe(`unchanged: the route of d in Caddy at ${ADDRESS}\n`)
    expect(await theirs()).toEqual(["blog", "theirs"])
  })

  it("gets one route from two terminals at once, and one from each that comes later", async () => {
    await startProxy("caddy", PROXY, "run", ...caddyWith(SITES, ADMIN))
    const both = await Promise.all([applied(), applied(), applied()])
    expect(both.every((text) => /^(made|unchanged:|changed) the route of d/.test(text))).toBe(true)
    expect(await routes()).toEqual([{ server: "srv0", at: 0, names: BOTH }])
    // Another program adds a route before it.
    await admin("/config/apps/http/servers/srv0/routes/0", "PUT", {
      match: [{ path: ["/x"] }],
      handle: [{ handler: "static_response", body: "x" }]
    })
    await box.ok("release", "pt", "--force")
    await applied()
    expect(await routes()).toEqual([{ server: "srv0", at: 1, names: CAD }])
    expect((await get(PROXY, "example.com", { path: "/x" })).text).toBe("x")
  })

  it("keeps what it serves without HTTPS without HTTPS", async () => {
    // Caddy turns HTTPS on for servers on other ports than 80 whose routes have names.
    await startProxy("caddy", PROXY, "run", ...caddyWith(`:${PROXY} {\n\trespond "theirs"\n}`, ADMIN))
    await applied()
    expect(await get(PROXY, "example.com")).toEqual({ status: 200, text: "theirs" })
  })
})

describe("a Caddy without a server on the port", () => {
  it.each([
    ["without an app", {}],
    ["without an app of HTTP", { apps: { tls: {} } }],
    ["without a server", { apps: { http: { http_port: 18_653 } } }],
    ["with a server on another port", { apps: { http: { servers: { blog: { listen: [`:${OTHER}`] } } } } }]
  ])("%s gets one, for this machine alone, and loses it with the last name", async (_, more) => {
    await startProxy("caddy", ADMIN, "run", ...caddyWith("", ADMIN))
    await admin("/load", "POST", { admin: { listen: ADDRESS }, ...more })
    const others = async () => {
      const { apps, ...rest } = await config()
      const { "d-ports": own, ...servers } = apps?.http?.servers ?? {}
      return { own, rest, servers, tls: apps?.tls, port: apps?.http?.http_port }
    }
    const { own: none, ...before } = await others()
    expect(none).toBeUndefined()
    expect(await applied()).toBe(`made the route of d in Caddy at ${ADDRESS}\n`)
    await startApp(18_601, "127.0.0.1")
    expect(await seenBehind(PROXY, "cad.localhost")).toMatchObject({ port: 18_601 })
    expect(await get(PROXY, "cax.localhost")).toEqual({ status: 404, text: "no app has this name\n" })
    const { own, ...after } = await others()
    expect(own.listen[0]).toBe(`127.0.0.1:${PROXY}`)
    expect(after).toEqual(before)
    await box.ok("release", "cad", "pt", "--force")
    expect(await applied()).toBe(`removed the route of d in Caddy at ${ADDRESS}\n`)
    expect((await others()).own).toBeUndefined()
  })

  it("has the route moved to another port", async () => {
    await startProxy("caddy", OTHER, "run", ...caddyWith(`http://:${OTHER} {\n\trespond "theirs"\n}`, ADMIN))
    await applied(PROXY)
    expect(await routes()).toEqual([{ server: "d-ports", at: 0, names: BOTH }])
    expect((await live("diff", OTHER)).code).toBe(1)
    expect(await applied(OTHER)).toBe(`changed the route of d in Caddy at ${ADDRESS}\n`)
    expect(await routes()).toEqual([{ server: "srv0", at: 0, names: BOTH }])
    await expect(get(PROXY, "cad.localhost")).rejects.toThrow("ECONNREFUSED")
    await applied(18_654)
    expect(await routes()).toEqual([{ server: "d-ports", at: 0, names: BOTH }])
    await applied(PROXY)
    expect((await config()).apps.http.servers["d-ports"].listen[0]).toBe(`127.0.0.1:${PROXY}`)
    expect((await get(OTHER, "cad.localhost")).text).toBe("theirs")
  })

  it("says what Caddy says if it cannot listen, and is as it was", async () => {
    await listen(PROXY, "127.0.0.1")
    await startProxy("caddy", ADMIN, "run", ...caddyWith("", ADMIN))
    const before = await config()
    const { code, stderr, stdout } = await live("apply", PROXY)
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toMatch(
      new RegExp(
        `^error: Caddy at ${ADDRESS} refused the change, and is as it was: .*${PROXY}.*address already in use\\n` +
          "hint: d proxy apply --for caddy writes a file instead\\n$"
      )
    )
    expect(await config()).toEqual(before)
  })
})

/** A program that is no Caddy at the address, and answers a request in this way. */
const serve = async (answer: (write: (text: string) => void) => void): Promise<void> => {
  const server = createServer((socket) => {
    socket.on("error", () => {})
    socket.once("data", () => answer((text) => socket.end(text)))
  })
  await new Promise<void>((done) => server.listen(ADMIN, "127.0.0.1", done))
  onTestFinished(() => void server.close())
}

const response = (status: string, body: string) =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

const NOT_CADDY = {
  code: 3,
  stdout: "",
  stderr: `error: the program at ${ADDRESS} is not the admin API of Caddy\nhint: set CADDY_ADMIN to the address of Caddy's\n`
}

describe("what is no Caddy", () => {
  it("is said if there is nothing, with what to do", async () => {
    expect(await live("apply", PROXY)).toEqual({
      code: 3,
      stdout: "",
      stderr: `error: no Caddy answers at ${ADDRESS}\nhint: start Caddy, or set CADDY_ADMIN to the address of its admin API; without --live, d writes a file\n`
    })
    const { stderr } = await live("diff", PROXY, "--json")
    expect(JSON.parse(stderr).error.code).toBe("unavailable")
  })

  it.each([
    ["another protocol", "220 mail.example.com ESMTP\r\n"],
    ["a page", response("200 OK", "<html>")],
    ["a list", response("200 OK", "[1]")],
    ["a word", response("200 OK", '"caddy"')],
    ["an error", response("500 Oops", "\u001b[2J")],
    ["not what is asked for", response("404 Not Found", "")]
  ])("is said if it answers with %s", async (_, text) => {
    await serve((write) => write(text))
    expect(await live("apply", PROXY)).toEqual(NOT_CADDY)
  })

  it("is said if it answers without an end", async () => {
    const server = createHttpServer((_, sent) => {
      const more = () => {
        while (sent.write(" ".repeat(1_000_000)));
        sent.once("drain", more)
      }
      more()
    })
    await new Promise<void>((done) => server.listen(ADMIN, "127.0.0.1", done))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    expect(await live("apply", PROXY)).toEqual(NOT_CADDY)
  })

  it("is said if its configuration is of another kind, and gets no change that it did not ask for", async () => {
    const asked: Array<string> = []
    const server = createHttpServer((request, sent) => {
      asked.push(`${request.method} ${request.url}`)
      if (request.method === "GET") sent.end('{"apps":{"http":{"servers":[{"routes":"none"}]}}}')
      else sent.writeHead(400).end('{"error":"no \\u001b[2J such path"}')
    })
    await new Promise<void>((done) => server.listen(ADMIN, "127.0.0.1", done))
    onTestFinished(() => void server.close())
    const { code, stderr } = await live("apply", PROXY)
    expect(code).toBe(1)
    expect(stderr).toContain("refused the change, and is as it was: no \\u001b[2J such path\n")
    expect(asked).toEqual(["GET /config/", "GET /config/", "PUT /config/apps/http/servers/d-ports"])
  })

  it("is said if it cuts every connection", async () => {
    let count = 0
    const server = createServer((socket) => {
      count++
      socket.on("error", () => {}).resetAndDestroy()
    })
    await new Promise<void>((done) => server.listen(ADMIN, "127.0.0.1", done))
    onTestFinished(() => void server.close())
    expect(await live("diff", PROXY)).toEqual({
      code: 3,
      stdout: "",
      stderr: `error: Caddy at ${ADDRESS} does not answer: the system says ECONNRESET\nhint: try again\n`
    })
    expect(count).toBe(10)
  })

  it("is said if it never answers", { timeout: 30_000 }, async () => {
    await serve(() => {})
    expect(await live("apply", PROXY)).toMatchObject({
      code: 3,
      stderr: `error: Caddy at ${ADDRESS} has not answered for 15 seconds\nhint: try again\n`
    })
  })

  it.each([
    "192.0.2.1:2019",
    "example.com:2019",
    "unix//run/caddy.sock",
    "localhost",
    "localhost:0",
    "https://localhost:2019",
    "localhost:2019@example.com"
  ])("is said if CADDY_ADMIN is %s", async (address) => {
    box = box.with({ CADDY_ADMIN: address })
    expect(await live("apply", PROXY)).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: CADDY_ADMIN "${address}" is no address on this machine\nhint: write it as localhost:2019; for another machine or a socket, d proxy render --for caddy\n`
    })
  })
})
