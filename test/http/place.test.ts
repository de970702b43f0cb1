import { expect, it } from "vitest"
import { type Machine, startDaemon } from "../support/cli.ts"
import { hold, rangesFrom, until, watched } from "../support/doctor.ts"
import { ask, serves } from "../support/http.ts"
import { listenersOn } from "../support/listening.ts"

const RANGES = rangesFrom(31_900)
const PORT = 32_000

/** A machine whose daemon serves HTTP. */
const serving = (env: Readonly<Record<string, string>> = {}): Machine =>
  watched(RANGES, { AUTOMATELINUX_HTTP: "on", ...env })

it("has no port if HTTP is off", async () => {
  const box = watched(RANGES)
  await startDaemon(box)
  expect(JSON.parse(await box.ok("status", "--json")).http).toBeNull()
  expect(await box.ok("status")).not.toContain("http")
  expect(await listenersOn(PORT)).toEqual([])
  expect(JSON.parse(await box.ok("listPorts", "--json"))).toEqual([])
})

it("says that its port is in use, goes on, and serves once it is free", async () => {
  const box = serving()
  await box.ok("allocate", "--special", "ports-dashboard")
  const other = await hold(PORT)
  const daemon = await startDaemon(box)
  const { http } = await until(
    async () => JSON.parse(await box.ok("status", "--json")),
    (status) => status.http !== null && status.http.problem !== null
  )
  expect(http).toEqual({
    address: null,
    problem: expect.stringContaining(`port ${PORT} of ports-dashboard is in use`)
  })
  expect(await box.ok("status")).toMatch(/^http +port 32000 of ports-dashboard is in use/m)
  expect(daemon.log()).toContain("no HTTP: port 32000")
  expect(await box.ok("allocate", "--app", "cad")).toContain("cad-dev")
  await other.stop()
  await serves(box, PORT)
})

it("is followed where its key goes, and given up with the daemon", async () => {
  const box = serving()
  const daemon = await startDaemon(box)
  await serves(box, PORT)
  const tokenOf = async () => new URL(JSON.parse(await box.ok("dashboard", "--json")).url).hash.slice("#token=".length)
  const change = (port: number, token: string) =>
    ask(port, "/api/allocate", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: '{"special":"x","dryRun":true}'
    })
  const old = await tokenOf()
  expect((await change(PORT, old)).status).toBe(200)
  await box.ok("setPort", "--key", "ports-dashboard", "--value", "32050")
  await serves(box, 32_050)
  expect(await listenersOn(PORT)).toEqual([])
  // Whoever takes the old port may be sent the old token.
  expect((await change(32_050, old)).status).toBe(401)
  expect((await change(32_050, await tokenOf())).status).toBe(200)
  expect(await daemon.stop()).toBe(0)
  expect(await listenersOn(32_050)).toEqual([])
})

it("is no fault while it is off, and no project's", async () => {
  const box = serving()
  const daemon = await startDaemon(box)
  await serves(box, PORT)
  await until(
    async () => JSON.parse(await box.ok("listPorts", "--json"))[0],
    ({ health }) => health.since !== null
  )
  expect(JSON.parse(await box.ok("listPorts", "--json"))[0].owner).toBeNull()
  await daemon.stop()
  const off = box.with({ AUTOMATELINUX_HTTP: "off" })
  await startDaemon(off)
  const { findings } = JSON.parse(
    await until(
      () => off.ok("doctor", "--json", "--all", "--check", "port-unreachable"),
      (text) => text.includes("ports-dashboard")
    )
  )
  expect(findings).toMatchObject([{ severity: "info", fix: "d dashboard" }])
})

it("is refused a wrong setting", async () => {
  const run = await serving({ AUTOMATELINUX_HTTP: "yes" }).d("listPorts")
  expect(run.code).toBe(2)
  expect(run.stderr).toContain('AUTOMATELINUX_HTTP "yes" is neither on nor off')
})
