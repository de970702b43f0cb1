import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { beforeAll, describe, expect, it } from "vitest"
import { commandList } from "../../src/commands/commands.ts"
import { changes, fieldsOf } from "../../src/http/changes.ts"
import { type Daemon, type Machine, startDaemon } from "../support/cli.ts"
import { rangesFrom, until, watched } from "../support/doctor.ts"
import { randomFrom, upTo } from "../support/garbage.ts"
import { ask, memoryOf, type Response, raw, serves } from "../support/http.ts"

const RANGES = rangesFrom(22_100)
const PORT = 22_200

let box: Machine
let daemon: Daemon
let token = ""
beforeAll(async () => {
  box = watched(RANGES, { AUTOMATELINUX_HTTP: "on" })
  await box.ok("allocate", "--app", "cad")
  daemon = await startDaemon(box, true)
  await serves(box, PORT)
  token = await tokenOf()
})

const tokenOf = async (on = box): Promise<string> =>
  /#token=([\w-]{43})$/.exec(JSON.parse(await on.ok("dashboard", "--json")).url)?.[1] ?? ""

const JSON_TYPE = { "content-type": "application/json" }

const withToken = (given = token) => ({ ...JSON_TYPE, authorization: `Bearer ${given}` })

/** Has a command run with this payload. */
const post = (command: string, payload: unknown, headers: Readonly<Record<string, string>> = withToken()) =>
  ask(PORT, `/api/${command}`, { method: "POST", headers, body: JSON.stringify(payload) })

const codeOf = ({ status, text }: Response) => ({ status, code: JSON.parse(text).error?.code })

const document = async (command: string, payload: unknown) => {
  const { status, text } = await post(command, payload)
  expect({ status, text }).toMatchObject({ status: 200 })
  return JSON.parse(text)
}

/** Everything that is stored, but when and by which operation. */
const rows = async (): Promise<unknown> => JSON.parse(await box.ok("export"))

describe("a change", () => {
  it("is the command of the same name, and undo gives the rows of before", async () => {
    const before = await rows()
    expect(await document("allocate", { app: ["shop"], description: "a shop" })).toEqual({
      assignments: [
        { key: "shop-prod", port: 22_102, created: true },
        { key: "shop-dev", port: 22_103, created: true }
      ],
      skipped: []
    })
    expect(await box.ok("getPort", "--key", "shop-dev")).toBe("22103\n")
    const { operations } = JSON.parse(await box.ok("history", "--limit", "1", "--json"))
    expect(operations[0]).toMatchObject({ what: "allocate", program: "daemon", user: expect.stringMatching(/./) })
    expect(await document("undo", {})).toMatchObject({ operation: { what: "allocate" }, dryRun: false })
    expect(await rows()).toEqual(before)
  })

  it.each([
    ["setPort", { key: "cad-dev", value: 22_111 }, { key: "cad-dev", port: 22_111 }],
    ["describe", { app: "cad", description: "CAD" }, { described: [{ description: "CAD" }, { description: "CAD" }] }],
    ["rename", { app: "cad", to: "draw" }, { renamed: [{ from: "cad-prod" }, { from: "cad-dev" }] }],
    ["reserve", { port: "22190-22191", reason: "a test" }, { ports: [22_190, 22_191], reason: "a test" }],
    ["pin", { key: ["cad-dev"] }, { pinned: [{ key: "cad-dev" }] }],
    ["deletePort", { key: "cad-dev" }, { released: [{ key: "cad-dev", port: 22_101 }] }],
    ["release", { app: "cad" }, { released: [{ key: "cad-prod" }, { key: "cad-dev" }] }],
    [
      "doctor",
      { ignore: "port-unreachable", key: "cad-prod", reason: "in the cloud" },
      { ignored: [{ check: "port-unreachable" }] }
    ]
  ])("%s is one, and undo takes it back", async (command, payload, result) => {
    const before = await rows()
    expect(await document(command, payload)).toMatchObject(result)
    expect(await rows()).not.toEqual(before)
    await document("undo", {})
    expect(await rows()).toEqual(before)
  })

  it.each([
    ["pin", { key: "cad-dev" }, "unpin", { key: "cad-dev" }],
    ["reserve", { port: 22_190, reason: "a test" }, "unreserve", { port: [22_190] }],
    ["doctor", { ignore: "port-stale", reason: "a test" }, "doctor", { unignore: "port-stale" }]
  ])("%s is taken back by its opposite, too", async (command, payload, opposite, other) => {
    const before = await rows()
    await document(command, payload)
    await document(opposite, other)
    expect(await rows()).toEqual(before)
  })

  it("tells the notes, and errors as --json does", async () => {
    expect(await document("release", { app: "none" })).toEqual({ released: [], notes: [expect.stringMatching(/none/)] })
    expect(codeOf(await post("deletePort", { key: "none" }))).toEqual({ status: 404, code: "not-found" })
    expect(codeOf(await post("deletePort", {}))).toEqual({ status: 400, code: "missing-argument" })
    expect(codeOf(await post("setPort", { key: "cad-dev", value: 22_100 }))).toEqual({ status: 409, code: "conflict" })
    expect(codeOf(await post("undo", { number: 99_999 }))).toEqual({ status: 404, code: "not-found" })
  })
})

/** A value of each field that another one needs. */
const NEEDED = { key: "cad-dev", to: "x-dev", reason: "a test", description: "", port: 22_190 }

it("every field of every command is one that the command reads", async () => {
  for (const [path, command] of changes) {
    const fields = fieldsOf(command)
    for (const { field } of fields) {
      const others = fields.flatMap(({ field: name, required }) =>
        required ? [[name, new Map(Object.entries(NEEDED)).get(name)]] : []
      )
      const { status, text } = await post(path.slice(5), { ...Object.fromEntries(others), [field]: { no: "value" } })
      expect({ path, field, status, text }).toMatchObject({ status: 400, text: expect.stringContaining(`"invalid"`) })
      expect(text).toContain("an object or a list")
    }
  }
})

it("is each command that undo takes back", () => {
  const undoable = commandList.filter((command) => command.undoable)
  expect(undoable).toHaveLength(10)
  for (const { name } of undoable) expect([...changes.keys()]).toContain(`/api/${name}`)
})

it("is described by /openapi.json, with the fields of each", async () => {
  const { components, paths } = JSON.parse((await ask(PORT, "/openapi.json")).text)
  const described = Object.keys(paths).filter((path) => "post" in paths[path])
  expect(described.sort()).toEqual([...changes.keys()].sort())
  const wanted =
    "allocate setPort deletePort release rename describe reserve unreserve pin unpin doctor undo redo prune"
  for (const name of wanted.split(" ")) expect(described).toContain(`/api/${name}`)
  for (const name of ["import", "claim", "dashboard", "backup", "daemon", "probe"])
    expect(described).not.toContain(`/api/${name}`)
  expect(components.securitySchemes.token.scheme).toBe("bearer")
  expect(paths["/api/reserve"].post).toMatchObject({
    security: [{ token: [] }],
    requestBody: {
      content: {
        "application/json": {
          schema: {
            required: ["port", "reason"],
            additionalProperties: false,
            properties: {
              port: { type: "array", items: { type: ["integer", "string"] } },
              reason: { type: "string", description: "say why" }
            }
          }
        }
      }
    }
  })
})

describe("nothing is changed", () => {
  /** The files that would change. */
  const evil = { app: "evil" }
  const refused = async (answer: Promise<Response>, status: number, code: string) => {
    expect(codeOf(await answer)).toEqual({ status, code })
    expect(await box.ok("listPorts")).not.toContain("evil")
  }

  it.each([
    ["no token", JSON_TYPE],
    ["another one", withToken("x".repeat(43))],
    ["an empty one", withToken("")],
    ["another scheme", { ...JSON_TYPE, authorization: `Basic ${token}` }]
  ])("with %s", async (_, headers) => {
    await refused(post("allocate", evil, headers), 401, "unauthorized")
    const { headers: answered, text } = await post("allocate", evil, headers)
    expect(answered["www-authenticate"]).toBe("Bearer")
    expect(JSON.parse(text).error.hint).toBe(
      "d dashboard opens the page with it; d dashboard --url prints it, for Authorization: Bearer TOKEN"
    )
  })

  it("with part of the token, or the token in the address", async () => {
    await refused(post("allocate", evil, withToken(token.slice(0, -1))), 401, "unauthorized")
    await refused(post("allocate", evil, withToken(`${token}x`)), 401, "unauthorized")
    const asked = { method: "POST", headers: JSON_TYPE, body: JSON.stringify(evil) }
    await refused(ask(PORT, `/api/allocate?token=${token}`, asked), 401, "unauthorized")
    await refused(ask(PORT, "/api/allocate?dryRun", { ...asked, headers: withToken() }), 400, "bad-request")
  })

  it.each([
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/plain; application/json"
  ])("by a form: %s", async (type) => {
    const headers = { ...withToken(), "content-type": type }
    await refused(post("allocate", evil, headers), 415, "wrong-type")
    await refused(post("allocate", evil, { ...headers, origin: "http://evil.example" }), 403, "forbidden")
  })

  it("by a page of another site, even with the token", async () => {
    for (const headers of [
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: `http://localhost:${PORT + 1}` },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
      // Its name resolves to 127.0.0.1 by now.
      { host: `evil.example:${PORT}`, origin: `http://evil.example:${PORT}` }
    ])
      await refused(post("allocate", evil, { ...withToken(), ...headers }), 403, "forbidden")
    const origin = `http://localhost:${PORT}`
    const allowed = await post("allocate", { app: "own", dryRun: true }, { ...withToken(), origin })
    expect(allowed.status).toBe(200)
  })

  it("by what is no payload", async () => {
    for (const body of [
      "",
      "evil",
      "[]",
      "null",
      '"evil"',
      '{"app":"evil"',
      '{"app":"evil","command":"release"}',
      '{"app":"evil","__proto__x":1}'
    ]) {
      const asked = { method: "POST", headers: withToken(), body }
      await refused(ask(PORT, "/api/allocate", asked), 400, "bad-request")
    }
    await refused(post("allocate", { ...evil, constructor: 1 }), 400, "bad-request")
    await refused(post("allocate", { ...evil, operation: "0123456789abcdef" }), 400, "bad-request")
  })

  it("by a body that is too large, declared or not", async () => {
    const body = JSON.stringify({ app: "evil", description: "x".repeat(70_000) })
    const headers = withToken()
    await refused(ask(PORT, "/api/allocate", { method: "POST", headers, body }), 413, "too-large")
    const head = `POST /api/allocate HTTP/1.1\r\nHost: localhost:${PORT}\r\nContent-Type: application/json\r\nAuthorization: Bearer ${token}\r\n`
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${"ffff\r\n".concat("x".repeat(65_535), "\r\n").repeat(2)}0\r\n\r\n`
    expect(await raw(PORT, chunked)).toMatch(/^HTTP\/1\.1 413/)
    const declared = `${head}Content-Length: 99999999999\r\n\r\n`
    expect(await raw(PORT, declared)).toMatch(/^HTTP\/1\.1 413/)
  })

  it("by paths that are none", async () => {
    const asked = { method: "POST", headers: withToken(), body: JSON.stringify(evil) }
    await refused(ask(PORT, "/api/../api/allocate", asked), 400, "bad-request")
    await refused(ask(PORT, "/api/allocate/", asked), 404, "no-such-path")
    for (const name of ["import", "claim", "dashboard", "daemon", "backup", "export", "ping", "__proto__"])
      await refused(ask(PORT, `/api/${name}`, asked), 404, "no-such-path")
    await refused(ask(PORT, "/api/allocate", { headers: withToken() }), 405, "wrong-method")
    await refused(ask(PORT, "/api/ports", asked), 405, "wrong-method")
  })
})

it("a token is worth nothing once the daemon has been started again", async () => {
  const other = watched(RANGES, { AUTOMATELINUX_HTTP: "on", AUTOMATELINUX_SPECIAL_RANGE: "22290-22299" })
  const first = await startDaemon(other)
  await serves(other, 22_290)
  const old = await tokenOf(other)
  const attempt = (given: string) =>
    ask(22_290, "/api/allocate", { method: "POST", headers: withToken(given), body: '{"special":"x"}' })
  expect((await attempt(old)).status).toBe(200)
  expect(await first.stop()).toBe(0)
  await startDaemon(other)
  await serves(other, 22_290)
  const { status, text } = await attempt(old)
  expect(status).toBe(401)
  expect(JSON.parse(text).error).toEqual({
    code: "unauthorized",
    message: "the token is not valid: each start of the daemon makes a new one",
    hint: "d dashboard opens the page with it; d dashboard --url prints it, for Authorization: Bearer TOKEN"
  })
  const now = await tokenOf(other)
  expect(now).not.toBe(old)
  expect((await attempt(now)).status).toBe(200)
  expect(`${first.log()}${await other.ok("status")}`).not.toContain(old)
})

it("the lines of the document work as they are", async () => {
  const blocks = [...readFileSync("docs/http.md", "utf8").matchAll(/^```sh\n(.*?)^```$/gms)]
    .map(([, lines = ""]) => lines.replaceAll("localhost:3500", `localhost:${PORT}`))
    .filter((lines) => lines.includes("curl"))
  expect(blocks).toHaveLength(4)
  for (const lines of blocks.filter((each) => !each.includes("events"))) {
    const { code, stderr } = await box.sh(`set -eo pipefail; ${lines}`)
    expect({ lines, code, stderr }).toEqual({ lines, code: 0, stderr: "" })
  }
  expect(await box.ok("listPorts", "--app", "cad")).toContain("CAD")
  const events = await box.sh(`timeout 2 ${blocks.find((each) => each.includes("events"))}`)
  expect(events.stdout).toMatch(/^event: list\ndata: \{"assignments":\[\{"key":"cad-prod"/m)
})

it("garbage with the token changes nothing and is not kept", { timeout: 120_000 }, async () => {
  const before = await rows()
  const random = randomFrom(Date.now() % 1_000_000)
  const paths = [...changes.keys()]
  const bodies = [
    "{",
    "[]",
    '{"app":[[[[]]]]}',
    '{"key":"\\u0000"}',
    `{"key":"${"x".repeat(10_000)}"}`,
    '{"number":-1,"dryRun":true}'
  ]
  const send = async (count: number) => {
    for (let left = count; left > 0; left--) {
      const path = paths[upTo(random, paths.length)] ?? ""
      const body = bodies[upTo(random, bodies.length)] ?? ""
      const answer = await ask(PORT, path, { method: "POST", headers: withToken(), body })
      expect({ path, body, status: answer.status < 500 }).toEqual({ path, body, status: true })
    }
  }
  await send(1000)
  const memory = memoryOf(daemon.pid)
  await send(1500)
  expect(memoryOf(daemon.pid) - memory).toBeLessThan(40)
  expect(await rows()).toEqual(before)
})

it("500 clients that send a byte a second do not keep others waiting", { timeout: 60_000 }, async () => {
  const head = `POST /api/allocate HTTP/1.1\r\nHost: localhost:${PORT}\r\nContent-Type: application/json\r\nAuthorization: Bearer ${token}\r\nContent-Length: 60000\r\n\r\n`
  const slow = Array.from({ length: 500 }, (_, at) => {
    const socket = connect(PORT, "127.0.0.1").on("error", () => {})
    socket.resume()
    const text = at % 2 === 0 ? head : "GET /api/ports HTTP/1.1\r\nHost"
    if (at % 2 === 0) socket.write(text)
    let sent = 0
    const timer = setInterval(() => socket.write(at % 2 === 0 ? " " : (text[sent++] ?? " ")), 1000)
    return new Promise<void>((done) =>
      socket.once("close", () => {
        clearInterval(timer)
        done()
      })
    )
  })
  const ended = Promise.all(slow)
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  let longest = 0
  await until(
    async () => {
      const before = performance.now()
      expect(await box.ok("getPort", "--key", "cad-prod")).toBe("22100\n")
      longest = Math.max(longest, performance.now() - before)
      return isOver
    },
    (over) => over,
    40
  )
  expect(longest).toBeLessThan(2000)
  expect((await ask(PORT, "/api/ports/cad-prod?plain")).text).toBe("22100\n")
})
