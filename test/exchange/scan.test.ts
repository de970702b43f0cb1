import { spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import type { Listener } from "../../src/domain/Listener.ts"
import { unitIn } from "../../src/machine/processes.ts"
import { findUnregistered } from "../../src/registry/scan.ts"
import { asProgram, machine, startDaemon } from "../support/cli.ts"
import { serve, started, until } from "../support/doctor.ts"
import { composed, engine } from "../support/engine.ts"
import { inProcess } from "../support/inProcess.ts"
import { listenerOf, someProcess } from "../support/listener.ts"
import { temporary } from "../support/root.ts"
import { openTerminal } from "../support/terminal.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "31700-31749", AUTOMATELINUX_SPECIAL_RANGE: "31750-31799" }

const project = (name: string): string => {
  const directory = join(temporary(), name)
  mkdirSync(directory)
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: `@me/${name}` }))
  return directory
}

const python = (port: number, directory: string) =>
  started(
    spawn("python3", ["-u", "-m", "http.server", String(port), "--bind", "127.0.0.1"], {
      cwd: directory,
      stdio: ["ignore", "pipe", "ignore"]
    }),
    directory
  )

describe.each([false, true])("d import --scan, with a daemon: %s", (daemon) => {
  it("proposes a key for each listener without one, and registers all with --yes, in one operation", async () => {
    const box = inProcess(RANGES)
    if (daemon) await startDaemon(box)
    const [shop, blog, taken] = [project("shop"), project("blog"), project("taken")]
    await box.ok("setPort", "--key", "taken-dev", "--value", "31741")
    const dev = await serve(31_701, { directory: shop })
    const prod = await serve(31_702, { directory: shop })
    const bridge = await python(31_750, blog)
    const held = await serve(31_743, { directory: taken })
    await serve(31_741, { directory: taken })
    const before = await box.ok("export")

    const shown = await box.d("import", "--scan")
    expect(shown.code).toBe(0)
    expect(shown.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      [" PORT", "KEY", "PROCESS", "DIRECTORY"],
      ["31701", "me-shop-dev", `node ${dev.pid}`, shop],
      ["31702", "me-shop-prod", `node ${prod.pid}`, shop],
      ["31743", "me-taken-dev", `node ${held.pid}`, taken],
      ["31750", "me-blog", `python3 ${bridge.pid}`, blog],
      [""]
    ])
    expect(shown.stderr).toBe("note: d import --scan --yes registers the 4 proposed keys\n")
    const { found, ...rest } = JSON.parse(await box.ok("import", "--scan", "--json"))
    expect(rest).toMatchObject({ changed: false, imported: [] })
    expect(found[0]).toMatchObject({
      port: 31_701,
      key: "me-shop-dev",
      because: "the directory",
      command: "node",
      pid: dev.pid,
      directory: shop,
      owner: { kind: "directory", name: shop }
    })
    expect(await box.ok("import", "--scan", "--yes", "--dry-run")).toContain("me-shop-dev 31701\n")
    expect(await box.ok("export")).toBe(before)

    const run = await box.d("import", "--scan", "--yes")
    expect(run).toMatchObject({
      code: 0,
      stdout: "me-shop-dev 31701\nme-shop-prod 31702\nme-taken-dev 31743\nme-blog 31750\n"
    })
    expect(run.stderr).toBe("note: imported 4 ports, 4 owners\n")
    expect(JSON.parse(await box.ok("export")).owners).toContainEqual(
      expect.objectContaining({ key: "me-blog", kind: "directory", name: blog, said: true })
    )
    expect((await box.d("check", "--dir", shop, "--key", "me-shop-dev")).code).toBe(0)
    expect(await box.d("import", "--scan")).toEqual({
      code: 0,
      stdout: "",
      stderr: "note: nothing without a key listens there\n"
    })
    await box.ok("undo", "--force")
    expect(await box.ok("export")).toBe(before)
  })
})

it("looks at the ports that are named instead of the managed ones", async () => {
  const box = inProcess({ AUTOMATELINUX_APP_RANGE: "31710-31719", AUTOMATELINUX_SPECIAL_RANGE: "31720-31729" })
  const server = await serve(31_731, { directory: project("aside") })
  expect((await box.d("import", "--scan")).stdout).toBe("")
  const shown = await box.d("import", "--scan", "--range", "31730-31739")
  expect(shown.stdout).toContain(`31731  me-aside  node ${server.pid}`)
})

it("names what an engine publishes by its compose service", async () => {
  const home = temporary()
  const box = inProcess({ ...RANGES, DOCKER_HOST: `unix://${join(home, "engine.sock")}` })
  await engine(() => [composed(31_760, { directory: "/home/me/src/shop" })], join(home, "engine.sock"))
  await serve(31_760, { directory: "/", words: ["-container-ip", "172.17.0.2", "-container-port", "5432"] })
  // An engine that does not answer at once is left out, and this one shares a busy process.
  const shown = await until(
    () => box.d("import", "--scan"),
    ({ stdout }) => stdout.includes("shop-db")
  )
  expect(shown.stdout).toContain("31760  shop-db  postgres:16 (shop-db-1)  /home/me/src/shop\n")
  const registered = await until(
    () => box.d("import", "--scan", "--yes", "--dry-run"),
    ({ stdout }) => stdout !== ""
  )
  expect(registered.stdout).toBe("shop-db 31760\n")
  await until(
    () => box.d("import", "--scan", "--yes"),
    ({ stdout }) => stdout !== ""
  )
  expect(JSON.parse(await box.ok("export")).owners).toMatchObject([
    { key: "shop-db", kind: "directory", name: "/home/me/src/shop" }
  ])
})

it("says what it cannot name, and does not register it", async () => {
  const found = await scanned([{ ...listenerOf(null), port: 31_770 }])
  expect(found).toMatchObject([{ port: 31_770, key: null, owner: null }])
})

/** What a scan makes of listeners that a test cannot have. */
const scanned = async (listeners: ReadonlyArray<Listener>, keys: Readonly<Record<string, number>> = {}) => {
  const ports = new Map(Object.entries(keys))
  const rows = new Map([...ports].map(([key, port]) => [key, String(port)]))
  const state = {
    rows,
    ports,
    claims: new Map(),
    keys: new Map(),
    owners: new Map(),
    reserved: new Map(),
    ignored: new Map(),
    pinned: new Map()
  }
  const range = { first: 31_700, last: 31_799 }
  const { result } = await Effect.runPromise(
    findUnregistered(
      state,
      { ranges: [range], appRange: { first: 31_700, last: 31_749 }, reserved: new Map([[31_799, "kept"]]) },
      {
        on: (wanted) => Effect.succeed(listeners.filter(({ port }) => wanted.has(port))),
        ports: Effect.succeed(new Map(listeners.map(({ port }) => [port, "1"])))
      }
    )
  )
  return result
}

it("names services by their units, and projects that are services by their directories", async () => {
  const unit = unitIn("0::/system.slice/grafana-server.service\n")
  const shop = project("shop")
  const found = await scanned([
    { ...listenerOf(someProcess({ directory: "/", unit, command: "grafana" })), port: 31_771 },
    { ...listenerOf(someProcess({ directory: temporary(), unit: "data.service" })), port: 31_772 },
    { ...listenerOf(someProcess({ directory: shop, unit: "shop.service" })), port: 31_703 },
    { ...listenerOf(someProcess({ directory: shop })), port: 31_799 }
  ])
  expect(found.map(({ because, key, owner, port }) => [port, key, because, owner?.kind])).toEqual([
    [31_703, "me-shop-dev", "the directory", "directory"],
    [31_771, "grafana-server", "the unit", "unit"],
    [31_772, "data", "the unit", "directory"]
  ])
})

it("proposes no key that another one has, or that it has just proposed", async () => {
  const shop = project("shop")
  const at = (port: number) => ({ ...listenerOf(someProcess({ directory: shop })), port })
  const found = await scanned([at(31_703), at(31_705), at(31_707), at(31_704)], { "me-shop-prod": 1 })
  expect(found.map(({ key, port }) => [port, key])).toEqual([
    [31_703, "me-shop-dev"],
    [31_704, "me-shop-node"],
    [31_705, "me-shop-dev-31705"],
    [31_707, "me-shop-dev-31707"]
  ])
})

it("sees one process on several addresses once", async () => {
  const process = someProcess({ directory: project("shop") })
  const found = await scanned([
    { ...listenerOf(null), port: 31_703 },
    { ...listenerOf(process), port: 31_703, address: "::1" }
  ])
  expect(found.map(({ key }) => key)).toEqual(["me-shop-dev"])
})

it("lets a person choose at a terminal, and registers what is left", async () => {
  const box = machine(RANGES)
  await serve(31_709, { directory: project("one") })
  await serve(31_711, { directory: project("two") })
  const terminal = await openTerminal(box, box.home, "bash")
  await terminal.enter("stty rows 20 columns 100; d import --scan")
  await terminal.sees(/☒ 31709 me-one-dev[\s\S]*☒ 31711 me-two-dev/)
  terminal.type("jj ")
  await terminal.sees(/☐ 31709 me-one-dev - node \d+, in/)
  terminal.type("\r")
  await terminal.sees(/note: imported 1 port, 1 owner\nme-two-dev 31711\n/)
  expect(JSON.parse(await box.ok("export")).assignments).toMatchObject([{ key: "me-two-dev", port: 31_711 }])
  await terminal.enter("d import --scan")
  await terminal.sees(/☒ 31709 me-one-dev/)
  terminal.type("\x03")
  await terminal.sees(/note: nothing was registered\n/)
  expect(JSON.parse(await box.ok("export")).assignments).toHaveLength(1)
})

it("asks nobody if no person is there", async () => {
  const box = inProcess(RANGES).by(asProgram)
  const server = await serve(31_709, { directory: project("pipe") })
  const run = await box.d("import", "--scan")
  expect(run.stdout).toContain(`31709  me-pipe-dev  node ${server.pid}`)
  expect(JSON.parse(await box.ok("export")).assignments).toEqual([])
})
