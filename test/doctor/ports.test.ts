import { existsSync, symlinkSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { type Machine, startDaemon } from "../support/cli.ts"
import {
  afterMending,
  examine,
  findingOf,
  findingsOf,
  fixOf,
  rangesFrom,
  seenUp,
  serve,
  until,
  watched
} from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { openSqlite } from "../support/sqlite.ts"

const RANGES = rangesFrom(25_000)

/** Writes to the registry's file behind its back. */
const behind = (box: Machine, statement: string) => {
  const db = openSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"))
  db.exec(statement)
  db.close()
}

const ownerSeen = (box: Machine, key: string, directory: string) =>
  until(
    async () => JSON.parse((await box.d("explain", "--key", key, "--json")).stdout),
    (explanation) => explanation.keys[0].owner?.name === directory
  )

it("port-shared: one port under two keys", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  await box.ok("setPort", "--key", "pt", "--value", "25001", "--force", "--description", "it's mine")
  const finding = await findingOf(box, "port-shared")
  expect(finding).toMatchObject({ severity: "error", keys: ["cad-dev", "pt"], ports: [25001] })
  expect(finding.message).toBe("25001 belongs to cad-dev and pt")
  expect(finding.evidence).toMatch(/^cad-dev claimed it at 2\d{3}-.* by .+ on .+/)
  expect(await afterMending(box, finding)).toEqual([])
  expect(await box.ok("listPorts")).toMatch(/^pt +25100 .* it's mine$/m)
  expect(finding.fix).toBe("d setPort --key pt --value 25100")
})

it("port-shared: halves of two apps", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad", "--app", "pt")
  await box.ok("setPort", "--key", "pt-dev", "--value", "25001", "--force")
  expect(await afterMending(box, await findingOf(box, "port-shared"))).toEqual([])
  expect(await box.ok("getPort", "--key", "pt-dev")).toBe("25003\n")
})

it("port-taken: another directory than the one that the key was first seen in", async () => {
  const box = watched(RANGES)
  await box.ok("allocate", "--app", "cad")
  await startDaemon(box)
  const cad = await serve(25_001)
  await ownerSeen(box, "cad-dev", cad.directory)
  await cad.stop()
  const other = await serve(25_001)
  const finding = await findingOf(box, "port-taken")
  expect(finding).toMatchObject({ severity: "error", keys: ["cad-dev"], ports: [25001] })
  expect(finding.message).toMatch(
    new RegExp(
      `^25001 \\(cad-dev\\) is served by node, pid ${other.pid}, in ${other.directory}; it belongs to ${cad.directory}, last seen there \\d+ seconds? ago$`
    )
  )
  expect(finding.evidence).toMatch(/^listens on 127\.0\.0\.1:25001, of .+, running since 2\d{3}-/)
  expect((await box.d("explain", "--port", "25001")).stdout).toContain(finding.message.replace(/, last seen .*/, ""))
  expect(finding).toMatchObject({
    fix: `kill ${other.pid}`,
    advice: "if it is the app of cad-dev: d doctor --accept cad-dev"
  })
  await box.sh(fixOf(finding))
  await until(
    () => findingsOf(box, "port-taken"),
    (findings) => findings.length === 0
  )
  await serve(25_001, { directory: cad.directory })
  expect(await findingsOf(box, "port-taken")).toEqual([])
})

it("port-taken: another directory than the one that was said, and the new one is right", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad", "--dir", "/opt/dev/cad")
  const other = await serve(25_001)
  const finding = await findingOf(box, "port-taken")
  expect(finding.message).toContain("it belongs to /opt/dev/cad, not seen there yet")
  expect(finding.fix).toBe("d doctor --accept cad-dev")
  expect(await afterMending(box, finding)).toEqual([])
  expect((await box.d("explain", "--key", "cad-dev")).stdout).toMatch(
    new RegExp(`^belongs to +${other.directory}`, "m")
  )
  await box.ok("setPort", "--key", "cad-dev", "--dir", "/opt/dev/cad")
  expect(await findingsOf(box, "port-taken")).toHaveLength(1)
  await box.ok("setPort", "--key", "cad-dev", "--dir", other.directory)
  expect(await findingsOf(box, "port-taken")).toEqual([])
})

it("port-taken: another app that came first is not learned", async () => {
  const box = watched(RANGES)
  const cad = await serve(25_001)
  await box.ok("allocate", "--app", "cad", "--app", "shop")
  const holder = JSON.parse(await box.ok("getPort", "--key", "shop-dev", "--json")).port
  await box.ok("setPort", "--key", "cad-dev", "--dir", cad.directory)
  await startDaemon(box)
  const impostor = await serve(holder, { directory: cad.directory })
  await seenUp(box, "shop-dev")
  const finding = await findingOf(box, "port-taken")
  const shown = `is served by node, pid ${impostor.pid}, in ${cad.directory}; ${cad.directory} is the directory of cad`
  expect(finding).toMatchObject({ severity: "error", keys: ["shop-dev"], ports: [holder], fix: `kill ${impostor.pid}` })
  expect(finding.message).toBe(`${holder} (shop-dev) ${shown}`)
  expect(finding.advice).toMatch(
    /^then start cad on the port of cad-dev: \d+; if it is the app of shop-dev: d doctor --accept shop-dev$/
  )
  const owner = async () => JSON.parse(await box.ok("explain", "--key", "shop-dev", "--json")).keys[0].owner
  expect(await owner()).toBeNull()
  expect(await afterMending(box, finding)).toEqual([])
  // The app itself is learned.
  const shop = await serve(holder)
  await ownerSeen(box, "shop-dev", shop.directory)
  expect(await owner()).toMatchObject({ said: false })
  expect(await box.ok("explain", "--key", "shop-dev")).toMatch(/^belongs to .*, learned from what listened first$/m)
  expect(await findingsOf(box, "port-taken")).toEqual([])
})

it("port-taken: what was learned gives way to what is said, until somebody accepts it", async () => {
  const box = watched(RANGES)
  await box.ok("allocate", "--app", "shop")
  await startDaemon(box)
  const { directory } = await serve(25_001)
  await ownerSeen(box, "shop-dev", directory)
  expect(await findingsOf(box, "port-taken")).toEqual([])
  await box.ok("allocate", "--app", "cad", "--dir", directory)
  const finding = await findingOf(box, "port-taken")
  expect(finding.message).toContain(`; ${directory} is the directory of cad`)
  await box.ok("doctor", "--accept", "shop-dev")
  expect(await findingsOf(box, "port-taken")).toEqual([])
  expect(JSON.parse(await box.ok("explain", "--key", "shop-dev", "--json")).keys[0].owner).toMatchObject({ said: true })
})

it("port-taken: accepts nobody where nobody listens", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  const run = await box.d("doctor", "--accept", "cad-dev")
  expect(run).toMatchObject({ code: 1, stdout: "" })
  expect(run.stderr).toMatch(
    /^error: nothing listens on 25001; the owner of cad-dev is unchanged\nhint: start it first/
  )
  expect((await box.d("doctor", "--accept", "nobody")).stderr).toContain("Port not set for nobody")
})

it("port-hung: a process that was stopped", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  const { pid } = await serve(25_001)
  process.kill(pid, "SIGSTOP")
  const finding = await until(
    () => findingsOf(box, "port-hung"),
    (findings) => findings.length > 0
  ).then(([first]) => first)
  expect(finding).toMatchObject({ severity: "error", keys: ["cad-dev"], ports: [25001], fix: `kill -CONT ${pid}` })
  expect(finding?.evidence).toContain("the process is stopped")
  expect(finding && (await afterMending(box, finding))).toEqual([])
})

it("port-hung: a process that never accepts", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  const { pid } = await serve(25_001, { afterwards: "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)" })
  // Nobody has tried yet, so nothing can be said.
  expect(await findingsOf(box, "port-hung")).toEqual([])
  const client = connect(25_001, "127.0.0.1")
  onTestFinished(() => void client.destroy())
  client.on("error", () => {})
  await new Promise((done) => client.once("connect", done))
  const finding = await findingOf(box, "port-hung")
  expect(finding).toMatchObject({ severity: "error", keys: ["cad-dev"], ports: [25001] })
  expect(finding.message).toContain("which does not accept connections")
  expect(finding.evidence).toMatch(/^in 3 probes a second apart, connections were waiting to be accepted; now 1;/)
  expect(finding).toMatchObject({ fix: `kill ${pid}`, advice: "and start it again" })
  expect(await afterMending(box, finding)).toEqual([])
})

it("port-taken: another container than the one that the key was first seen in", async () => {
  const box = watched(RANGES)
  await box.ok("setPort", "--key", "web", "--value", "25130")
  await startDaemon(box)
  /** What a container engine runs for a port that it publishes, by its words. */
  const proxy = (address: string, port: number) =>
    serve(25_130, { words: ["-container-ip", address, "-container-port", String(port)] })
  const first = await proxy("172.17.0.2", 80)
  const { keys } = await until(
    async () => JSON.parse((await box.d("explain", "--key", "web", "--json")).stdout),
    (explanation) => explanation.keys[0].owner !== null
  )
  expect(keys[0].owner).toMatchObject({ kind: "container", name: "80" })
  await first.stop()
  // The same one, started again, at another address.
  const again = await proxy("172.17.0.9", 80)
  expect(await findingsOf(box, "port-taken")).toEqual([])
  await again.stop()
  const other = await proxy("172.17.0.3", 8080)
  const finding = await findingOf(box, "port-taken")
  expect(finding.severity).toBe("error")
  expect(finding.message).toMatch(
    new RegExp(
      `^25130 \\(web\\) is served by node, pid ${other.pid}, for 172\\.17\\.0\\.3:8080 in a container, in .*; it belongs to port 80 of a container, last seen`
    )
  )
  // The engine's proxy is not what to stop.
  expect(finding).toMatchObject({
    fix: "docker ps --filter publish=25130",
    advice: "shows the container; stop it with docker stop NAME; if it is the app of web: d doctor --accept web"
  })
  await box.ok("doctor", "--accept", "web")
  expect(await findingsOf(box, "port-taken")).toEqual([])
  await other.stop()
  // Without a container it may be the same app or not.
  await serve(25_130)
  expect(await findingOf(box, "port-taken")).toMatchObject({ severity: "info", fix: "d doctor --accept web" })
})

it("port-taken: two processes on one port, of which one is the app", async () => {
  const box = inProcess(RANGES)
  const app = await serve(25_001)
  await box.ok("allocate", "--app", "cad")
  await box.ok("setPort", "--key", "cad-dev", "--value", "25001", "--dir", app.directory)
  const other = await serve(25_001, { host: "::1" })
  const finding = await findingOf(box, "port-taken")
  expect(finding.message).toContain(`pid ${other.pid}, `)
  expect(finding).toMatchObject({ fix: `kill ${other.pid}`, advice: "its app also serves the port" })
  expect(await afterMending(box, finding)).toEqual([])
})

it("port-taken: a directory that was named by a link", async () => {
  const box = inProcess(RANGES)
  const { directory } = await serve(25_001)
  symlinkSync(directory, join(box.home, "link"))
  await box.ok("allocate", "--app", "cad", "--dir", "link")
  await box.ok("setPort", "--key", "cad-dev", "--value", "25001", "--dir", join(box.home, "link"))
  expect(await findingsOf(box, "port-taken")).toEqual([])
})

it("port-hung: says nothing of a server that accepts late", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  await serve(25_001, { afterwards: "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500)" })
  const client = connect(25_001, "127.0.0.1")
  onTestFinished(() => void client.destroy())
  await new Promise((done) => client.once("connect", done))
  await new Promise((done) => setTimeout(done, 1200))
  expect(await findingsOf(box, "port-hung")).toEqual([])
})

it("value-invalid: a row that is no port", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  behind(box, "INSERT INTO settings VALUES ('port_pt', '3000abc')")
  const finding = await findingOf(box, "value-invalid")
  expect(finding).toMatchObject({ severity: "error", keys: ["pt"], message: "the row of pt does not contain a port" })
  expect(finding.evidence).toBe('settings has "port_pt" with "3000abc"')
  expect(await afterMending(box, finding)).toEqual([])
})

it("shows what another program has named without obeying it", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  behind(
    box,
    "INSERT INTO settings VALUES ('port_x; touch obeyed #\u001b[2J', '25001'), ('port_y\n; touch obeyed', 'no')"
  )
  const { findings } = await examine(box)
  expect(findings.filter(({ keys }) => keys.some((key) => key.includes("obeyed"))).length).toBeGreaterThan(2)
  for (const finding of findings) {
    if (finding.check === "port-unreachable") await box.sh(/: (d release .*)$/.exec(finding.advice ?? "")?.[1] ?? "")
    else if (finding.check !== "daemon-running") await box.sh(fixOf(finding))
  }
  expect(existsSync(join(box.home, "obeyed"))).toBe(false)
  expect((await examine(box)).findings.filter(({ keys }) => keys.some((key) => key.includes("obeyed")))).toEqual([])
  const { stdout } = await box.d("doctor")
  expect(stdout).not.toContain("\u001b")
  expect((await box.d("explain", "--port", "25001")).stdout).not.toContain("\u001b")
  behind(box, "INSERT INTO settings VALUES ('port_z; touch obeyed #\u001b[2J', '25002')")
  const { stdout: mended } = await box.d("doctor", "--fix")
  expect(mended).toMatch(/^fixed: claimed 25002 for "z; touch obeyed #/)
  expect(mended).not.toContain("\u001b")
})

it("port-unreachable: a warning where a prod or special was up here before, an info otherwise", async () => {
  const box = watched(RANGES, { AUTOMATELINUX_DOWN_AFTER: "1" })
  await box.ok("allocate", "--app", "cad", "--special", "bridge")
  await startDaemon(box)
  const servers = await Promise.all([25_000, 25_001].map((port) => serve(port)))
  await seenUp(box, "cad-prod", "cad-dev")
  const [first] = await findingsOf(box, "port-unreachable")
  expect(first).toMatchObject({ severity: "info", keys: ["bridge"], message: "nothing answers on 25100 (bridge)" })
  expect(first?.evidence).toMatch(/^never up on /)
  await Promise.all(servers.map((each) => each.stop()))
  const findings = await findingsOf(box, "port-unreachable")
  expect(findings.map(({ keys: [key], severity }) => `${severity} ${key}`)).toEqual([
    "warning cad-prod",
    "info cad-dev",
    "info bridge"
  ])
  const [prod] = findings
  expect(prod?.evidence).toMatch(new RegExp(`^last up 2\\d{3}-.*, served by node, pid ${servers[0]?.pid}, in `))
  const directory = servers[0]?.directory ?? ""
  expect(prod).toMatchObject({
    fix: null,
    advice: `start it: cd ${directory} && d run --key cad-prod COMMAND; or release it if it is no longer needed: d release --app cad`
  })
  // The one way to mend it, and the other.
  await serve(25_000, { directory })
  const left = await findingsOf(box, "port-unreachable")
  expect(left.map(({ keys: [key] }) => key)).toEqual(["cad-dev", "bridge"])
  const bridge = left.at(-1)
  expect(bridge).toMatchObject({
    fix: null,
    advice: "start it; or release it if it is no longer needed: d release --special bridge"
  })
  const rest = bridge && (await afterMending(box, { ...bridge, fix: "d release --special bridge" }))
  expect(rest?.map(({ keys: [key] }) => key)).toEqual(["cad-dev"])
})

it("port-stale: quiet for longer than is configured, the whole pair", async () => {
  const box = watched(RANGES, { AUTOMATELINUX_STALE_AFTER: "1 second", AUTOMATELINUX_STALE_AFTER_DEV: "8 seconds" })
  await box.ok("allocate", "--app", "cad", "--special", "bridge")
  await startDaemon(box)
  const stale = (key: string) =>
    until(
      () => box.ok("listPorts", "--health", "stale"),
      (table) => table.includes(key)
    )
  await stale("cad-prod")
  // For as long as one half may be in use there is nothing to give back.
  expect((await findingsOf(box, "port-stale")).map(({ keys }) => keys)).toEqual([["bridge"]])
  expect((await findingsOf(box, "port-unreachable")).map(({ keys: [key] }) => key)).toEqual(["cad-prod", "cad-dev"])
  await stale("cad-dev")
  const findings = await findingsOf(box, "port-stale")
  const [cad, bridge] = findings
  expect(cad).toMatchObject({
    severity: "warning",
    keys: ["cad-prod", "cad-dev"],
    fix: "d release --app cad",
    advice: "or start it"
  })
  expect(cad?.message).toBe(
    "nothing has answered on 25000 and 25001 (cad-prod and cad-dev) for so long that they are stale"
  )
  expect(cad?.evidence).toMatch(/^stale since 2\d{3}-.*, last up never$/)
  // What is told as stale is not told as unreachable too.
  expect(await findingsOf(box, "port-unreachable")).toEqual([])
  expect(cad && (await afterMending(box, cad)).map(({ keys }) => keys)).toEqual([["bridge"]])
  expect(bridge).toMatchObject({ fix: "d release --special bridge", advice: "or start it" })
  await serve(25_100)
  expect(await findingsOf(box, "port-stale")).toEqual([])
})

it.each([
  ["an app of one mode", ["loom-dev=25005"], "info", "loom has only dev", "d allocate --app loom"],
  ["another", ["loom-prod=25004"], "info", "loom has only prod", "d allocate --app loom"],
  [
    "one outside of the range",
    ["shop-dev=5173"],
    "info",
    "shop has only dev",
    "d setPort --key shop-dev --value 25001 && d allocate --app shop"
  ],
  [
    "one on the other's port",
    ["api-dev=8080"],
    "warning",
    "api has half a pair",
    "d setPort --key api-dev --value 25001 && d allocate --app api"
  ],
  [
    "half a pair whose other half is taken",
    ["loom-dev=25005", "pt=25004"],
    "warning",
    "loom has half a pair",
    "d setPort --key loom-dev --value 25001 && d allocate --app loom"
  ],
  [
    "a split pair",
    ["cad-prod=25000", "cad-dev=25007"],
    "warning",
    "cad has a split pair",
    "d setPort --key cad-prod --value 25002 && d setPort --key cad-dev --value 25003"
  ],
  [
    "prod on the odd port",
    ["cad-prod=25001", "cad-dev=25002"],
    "warning",
    "cad has prod on an odd port",
    "d setPort --key cad-prod --value 25004 && d setPort --key cad-dev --value 25005"
  ]
])("pair-broken: %s", async (_, ports, severity, message, fix) => {
  const box = inProcess(RANGES)
  for (const each of ports) {
    const [key = "", port = ""] = each.split("=")
    await box.ok("setPort", "--key", key, "--value", port)
  }
  const finding = await findingOf(box, "pair-broken")
  expect(finding).toMatchObject({ severity, message, fix })
  expect(finding.evidence).toMatch(
    message.endsWith("half a pair")
      ? /has no port; (25004 belongs to pt|8080 is even, and dev ports are odd)$/
      : /has \d+/
  )
  expect(await afterMending(box, finding)).toEqual([])
})

it("pair-broken: keeps what is known of the app when it moves", async () => {
  const box = inProcess(RANGES)
  await box.ok("setPort", "--key", "cad-prod", "--value", "25001", "--description", "CAD's app")
  await box.ok("setPort", "--key", "cad-dev", "--value", "25009", "--dir", "/opt/dev/cad")
  expect(await afterMending(box, await findingOf(box, "pair-broken"))).toEqual([])
  expect(await box.ok("listPorts")).toMatch(/^cad-prod +25002 .* CAD's app$/m)
  expect(await box.ok("explain", "--key", "cad-dev")).toMatch(/^belongs to +\/opt\/dev\/cad,/m)
})

it("pair-broken: takes nothing away where there is no room", async () => {
  const box = inProcess({ AUTOMATELINUX_APP_RANGE: "25000-25003", AUTOMATELINUX_SPECIAL_RANGE: "25100-25100" })
  for (const each of ["ca-prod=25000", "pt-dev=25001", "pt-prod=25002", "ca-dev=25003", "s=25100", "t=9009"]) {
    const [key = "", port = ""] = each.split("=")
    await box.ok("setPort", "--key", key, "--value", port)
  }
  const before = await box.ok("listPorts")
  for (const finding of [...(await findingsOf(box, "pair-broken")), ...(await findingsOf(box, "range-misplaced"))]) {
    expect(finding).toMatchObject({
      fix: null,
      advice: expect.stringMatching(
        /^nothing is free in 25\d{3}-25\d{3}: release what is no longer needed, or enlarge AUTOMATELINUX_(APP|SPECIAL)_RANGE$/
      )
    })
  }
  expect(await box.ok("listPorts")).toBe(before)
})

it.each([
  [
    "a row without a claim",
    "INSERT INTO settings VALUES ('port_pt', '25050')",
    "pt has no claim on its port 25050",
    "claimed 25050 for pt"
  ],
  [
    "a claim without a row",
    "DELETE FROM settings WHERE setting_key = 'port_x'",
    "x has a claim on 25100 but not the port",
    "dropped the claim of x on 25100"
  ],
  [
    "a row that was moved",
    "UPDATE settings SET setting_value = '25060' WHERE setting_key = 'port_x'",
    "x has 25060, but its claim is on 25100",
    "moved the claim of x from 25100 to 25060"
  ]
])("claim-drift: %s", async (_, statement, message, mended) => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--special", "x")
  behind(box, statement)
  const finding = await findingOf(box, "claim-drift")
  expect(finding).toMatchObject({ severity: "warning", message, fix: "d doctor --fix" })
  expect(await examine(box, "--fix", "--check", "claim-drift")).toMatchObject({
    code: 0,
    mended: [mended],
    findings: []
  })
  expect((await examine(box, "--fix")).mended).toEqual([])
  expect((await box.d("doctor", "--fix", "--check", "claim-drift")).stdout).toMatch(/^fixed: nothing\nall is well: /)
})

it("range-reserved: by a built-in reason, and by one that was given", async () => {
  const box = inProcess({ AUTOMATELINUX_APP_RANGE: "25000-25099", AUTOMATELINUX_SPECIAL_RANGE: "25100-25199" })
  await box.ok("allocate", "--app", "cad")
  await box.ok("setPort", "--key", "scanner", "--value", "6566")
  await box.ok("reserve", "--port", "25001", "--reason", "the switch")
  const findings = await findingsOf(box, "range-reserved")
  expect(findings.map(({ evidence, severity }) => [severity, evidence]).sort()).toEqual([
    ["warning", "blocked by browsers (sane-port)"],
    ["warning", "the switch"]
  ])
  for (const finding of findings) {
    const left = await afterMending(box, finding)
    expect(left.map(({ keys }) => keys)).not.toContainEqual(finding.keys)
  }
  expect(await findingsOf(box, "range-reserved")).toEqual([])
})

it("range-full: over nine tenths", async () => {
  const box = inProcess({ AUTOMATELINUX_APP_RANGE: "25000-25019", AUTOMATELINUX_SPECIAL_RANGE: "25020-25029" })
  const apps = (count: number) => Array.from({ length: count }, (_, at) => ["--app", `a${at}`]).flat()
  await box.ok("allocate", ...apps(9))
  expect(await findingsOf(box, "range-full")).toEqual([])
  await box.ok("allocate", ...apps(10))
  const finding = await findingOf(box, "range-full")
  expect(finding).toMatchObject({
    severity: "warning",
    message: "25000-25019 is full: 0 of 10 pairs are left",
    evidence: "claimed 10, reserved 0, stale keys 0"
  })
  expect(finding.fix).toBe("export AUTOMATELINUX_APP_RANGE=24980-25019")
  expect(finding.advice).toMatch(/^permanently: appRange in \//)
  expect(await afterMending(box, finding)).toEqual([])
})

it("port-squatted: a listener that nobody registered, on ::1 alone", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  const { directory, pid } = await serve(25_010, { host: "::1" })
  const finding = await findingOf(box, "port-squatted")
  expect(finding).toMatchObject({ severity: "info", keys: [], ports: [25010] })
  expect(finding.message).toBe(`25010 is in use by node, pid ${pid}, in ${directory}, but not registered`)
  expect(finding.evidence).toMatch(/^listens on \[::1\]:25010, of /)
  expect(await afterMending(box, finding)).toEqual([])
})

it("range-misplaced: keys outside of their range", async () => {
  const box = inProcess(RANGES)
  await box.ok("setPort", "--key", "cad-prod", "--value", "9000")
  await box.ok("setPort", "--key", "cad-dev", "--value", "9001")
  await box.ok("setPort", "--key", "bridge", "--value", "25001")
  const findings = await findingsOf(box, "range-misplaced")
  expect(findings.map(({ keys, message, severity }) => ({ keys, message, severity }))).toEqual([
    {
      keys: ["cad-prod", "cad-dev"],
      message: "cad-prod has 9000, cad-dev has 9001, outside 25000-25099",
      severity: "info"
    },
    { keys: ["bridge"], message: "bridge has 25001, outside 25100-25199", severity: "info" }
  ])
  const [first, second] = findings
  expect(first && (await afterMending(box, first))).toHaveLength(1)
  expect(second && (await afterMending(box, second))).toEqual([])
})

it("range-ephemeral: a range that the kernel takes for outgoing connections", async () => {
  const box = inProcess({ AUTOMATELINUX_APP_RANGE: "40000-40499", AUTOMATELINUX_SPECIAL_RANGE: "41000-41099" })
  const finding = await findingOf(box, "range-ephemeral")
  expect(finding).toMatchObject({
    severity: "info",
    evidence: expect.stringMatching(/^net\.ipv4\.ip_local_port_range is \d+-\d+$/)
  })
  expect(finding.message).toBe(
    "40000-40499 and 41000-41099 overlap the ports that the kernel uses for outgoing connections"
  )
  // In a network of its own, so that the machine's stays as it is.
  const user = process.getuid?.() === 0 ? "" : "--map-root-user"
  const run = await box.sh(
    `export -f d; unshare ${user} --net bash -c '{ ${fixOf(finding).replace("sudo ", "")}\n} >&2; d doctor --json --check range-ephemeral'`
  )
  expect(JSON.parse(run.stdout).findings, run.stderr).toEqual([])
})
