import * as HttpApi from "@effect/platform/HttpApi"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { beforeAll, describe, expect, it } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import { Api } from "../../src/http/api.ts"
import { readSockets } from "../../src/machine/procNetTcp.ts"
import { type Machine, startDaemon } from "../support/cli.ts"
import { rangesFrom, until, watched } from "../support/doctor.ts"
import { ask, serves } from "../support/http.ts"

const RANGES = rangesFrom(21_000)
const PORT = 21_100

/** A machine whose daemon serves HTTP; `d` runs in this process. */
const serving = (env: Readonly<Record<string, string>> = {}): Machine =>
  watched(RANGES, { AUTOMATELINUX_HTTP: "on", ...env })

/** What changes from one moment to the next. */
const still = (document: unknown): unknown =>
  JSON.parse(
    JSON.stringify(document, (name, value) =>
      /^(uptimeSeconds|latencyMs|idleSeconds|lastTick|checkedAt|lastUp|since|seen|clock|at|durationMs)$/.test(name) ||
      // How many there are on this machine.
      (name === "listeners" && typeof value === "number")
        ? 0
        : value
    )
  )

describe("with HTTP on", () => {
  let box: Machine
  beforeAll(async () => {
    box = serving()
    await box.ok("allocate", "--app", "cad", "--description", '<b>CAD & "more"</b>\u202e')
    await box.ok("reserve", "21050", "--reason", "a test")
    await startDaemon(box, true)
    await serves(box, PORT)
    // The daemon's own port is shown as up by a probe cycle, and stays so.
    await until(
      async (): Promise<Results["listPorts"]> => JSON.parse(await box.ok("listPorts", "--json")),
      (ports) => ports.some(({ health, key }) => key === "ports-dashboard" && health.since !== null)
    )
  })

  it.each([
    ["/api/ports", "listPorts"],
    ["/api/ports?app=cad", "listPorts --app cad"],
    ["/api/ports?health=stale", "listPorts --health stale"],
    ["/api/ports?stale", "listPorts --stale"],
    ["/api/ports/cad-dev", "getPort --key cad-dev"],
    ["/api/reserved", "listReserved"],
    ["/api/reserved?all=true", "listReserved --all"],
    ["/api/history?limit=2", "history --limit 2"],
    ["/api/history?key=cad-dev&since=1%20day", "history --key cad-dev --since 1day"],
    ["/api/doctor?severity=warning", "doctor --severity warning"],
    ["/api/explain?port=21001", "explain --port 21001"],
    ["/api/explain?key=cad-dev", "explain --key cad-dev"],
    ["/api/status", "status"]
  ])("%s is the document of d %s --json", async (path, words) => {
    const { headers, status, text } = await ask(PORT, path)
    expect({ status, type: headers["content-type"] }).toEqual({ status: 200, type: "application/json" })
    const printed = await box.d(...words.replace("1day", "1 day").split(/ (?!day)/), "--json")
    expect(still(JSON.parse(text))).toEqual(still(JSON.parse(printed.stdout)))
  })

  it.each([
    ["/api/ports/none", 404, "not-set"],
    ["/api/ports/a%20b", 400, "invalid"],
    ["/api/ports/%E0%A4%A", 400, "bad-request"],
    ["/api/ports?health=ill", 400, "invalid"],
    ["/api/explain", 400, "missing-argument"],
    ["/api/explain?port=70000", 400, "invalid"],
    ["/api/explain?port=21001&key=cad-dev", 400, "invalid"],
    ["/api/history?number=99999", 404, "not-found"],
    ["/api/doctor?fix=true", 400, "bad-request"],
    ["/api/ports?helath=up", 400, "bad-request"],
    ["/api/ports?stale=maybe", 400, "bad-request"],
    ["/api/ports?app=a&app=b", 400, "bad-request"],
    ["/api/nothing", 404, "no-such-path"]
  ])("%s is an error: %i, %s", async (path, status, code) => {
    const answer = await ask(PORT, path)
    expect(answer.status).toBe(status)
    const { error } = JSON.parse(answer.text)
    expect(error).toEqual({ code, message: expect.any(String), hint: expect.stringMatching(/./) })
  })

  it("answers a port alone, and no number if there is none", async () => {
    const plain = { headers: { accept: "text/plain" } }
    for (const [path, asked] of [
      ["/api/ports/cad-dev?plain", {}],
      ["/api/ports/cad-dev", plain]
    ] as const) {
      const { headers, status, text } = await ask(PORT, path, asked)
      expect({ status, text }).toEqual({ status: 200, text: "21001\n" })
      expect(headers["content-type"]).toBe("text/plain; charset=utf-8")
    }
    const none = await ask(PORT, "/api/ports/none?plain")
    expect(none.status).toBe(404)
    expect(none.text).toMatch(/^error: Port not set for none\nhint: .+\n$/)
    expect((await ask(PORT, "/api/ports/%E0%A4%A?plain")).status).toBe(400)
    expect(await ask(PORT, "/api/ports/cad-dev?plain", { method: "HEAD" })).toMatchObject({ status: 200, text: "" })
  })

  it("has no other methods", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const { headers, status } = await ask(PORT, "/api/ports", { method })
      expect({ method, status, allow: headers["allow"] }).toEqual({ method, status: 405, allow: "GET" })
    }
    expect((await ask(PORT, "/api/ports", { method: "HEAD" })).status).toBe(200)
  })

  it("describes itself, and what it describes is so", async () => {
    const { text } = await ask(PORT, "/openapi.json")
    const { openapi, paths } = JSON.parse(text)
    expect(openapi).toBe("3.1.0")
    const answers = { "/api/ports/:key": "/api/ports/cad-dev", "/api/explain": "/api/explain?port=21001" }
    const checked: Array<string> = []
    const pending: Array<Promise<unknown>> = []
    HttpApi.reflect(Api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint, successes }) => {
        expect(Object.keys(paths)).toContain(endpoint.path.replace(/:(\w+)/g, "{$1}"))
        const path = new Map(Object.entries(answers)).get(endpoint.path) ?? endpoint.path
        const ast = Option.getOrThrow(successes.get(200)?.ast ?? Option.none())
        const decode = Schema.decodeUnknownSync(Schema.make(ast))
        if (endpoint.method === "GET" && endpoint.name !== "events")
          pending.push(
            ask(PORT, path)
              .then((answer) => decode(JSON.parse(answer.text)))
              .then(() => checked.push(path))
          )
      }
    })
    await Promise.all(pending)
    expect(checked).toHaveLength(7)
  })

  it("is at both loopback addresses and at no other, and the status says where", async () => {
    expect((await ask(PORT, "/api/ports/cad-dev?plain", { address: "::1" })).text).toBe("21001\n")
    const addresses =
      readSockets()
        ?.filter(({ port }) => port === PORT)
        .map(({ address }) => address) ?? []
    expect([...addresses].sort()).toEqual(["127.0.0.1", "::1"])
    expect(await box.ok("status")).toMatch(/^http +http:\/\/localhost:21100$/m)
    expect(await box.ok("getPort", "--key", "ports-dashboard")).toBe(`${PORT}\n`)
  })

  it("shows markup as text", async () => {
    const { headers, text } = await ask(PORT, "/api/ports?app=cad")
    expect(headers["content-type"]).toBe("application/json")
    expect(headers["x-content-type-options"]).toBe("nosniff")
    expect(JSON.parse(text)[0].description).toBe('<b>CAD & "more"</b>\u202e')
    expect(text).toContain("\\u202e")
  })
})
