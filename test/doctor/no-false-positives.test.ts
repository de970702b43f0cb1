import { spawn } from "node:child_process"
import { chmodSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { type Machine, startDaemon } from "../support/cli.ts"
import { mariadb } from "../support/databases.ts"
import { examine, findingsOf, rangesFrom, serve, started, until, watched } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { sharedServer } from "../support/mariadb.ts"
import { asNobody, isRoot } from "../support/otherUser.ts"
import { NINE_ROWS, rangesEnv } from "../support/ports.ts"
import { temporary } from "../support/root.ts"

const RANGES = rangesFrom(19_400)

/** Nothing but infos. */
const calm = async (box: Machine) => {
  const all = await examine(box)
  expect(all.findings.filter(({ severity }) => severity !== "info")).toEqual([])
  expect(all).toMatchObject({ code: 0, healthy: true, failed: [] })
  return all.findings
}

const learned = (box: Machine, key: string) =>
  until(
    async () => JSON.parse((await box.d("explain", "--key", key, "--json")).stdout).keys[0].owner,
    (owner) => owner !== null
  )

it("has nothing to say of a registry where all is well", async () => {
  const box = watched(RANGES)
  await box.ok("allocate", "--app", "cad", "--special", "bridge")
  for (const port of [19_400, 19_401, 19_500]) await serve(port)
  await startDaemon(box)
  await until(
    async () => (await examine(box, "--strict")).code,
    (code) => code === 0
  )
  const run = await box.d("doctor", "--strict")
  expect(run).toMatchObject({ code: 0, stderr: "" })
  expect(run.stdout).toMatch(/^all is well: \d+ checks, 3 assignments, \d+ listeners, in the registry's file \/\S+\n$/)
})

it("takes a restart in the same directory, its parent or its child for no conflict", async () => {
  const box = watched(RANGES)
  await box.ok("allocate", "--app", "cad")
  await startDaemon(box)
  const home = temporary()
  const app = join(home, "cad")
  const inner = join(app, "packages/web")
  mkdirSync(inner, { recursive: true })
  const first = await serve(19_401, { directory: app })
  expect(await learned(box, "cad-dev")).toMatchObject({ kind: "directory", name: app })
  await first.stop()
  for (const directory of [app, inner, home]) {
    const next = await serve(19_401, { directory })
    expect(await findingsOf(box, "port-taken"), directory).toEqual([])
    await next.stop()
  }
  await serve(19_401, { directory: `${temporary()}` })
  expect(await findingsOf(box, "port-taken")).toHaveLength(1)
})

it("knows a server that npm forked in a directory of the app", async () => {
  const box = inProcess(RANGES)
  const app = temporary()
  const inner = join(app, "web")
  mkdirSync(inner)
  await box.ok("allocate", "--app", "cad", "--dir", app)
  const script = `cd web && exec ${process.execPath} -e 'require("net").createServer().listen(19401, () => console.log("up"))'`
  const child = spawn("sh", ["-c", `sh -c ${JSON.stringify(script)} & wait`], {
    cwd: app,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true
  })
  onTestFinished(() => void process.kill(-(child.pid ?? 0), "SIGKILL"))
  await started(child, app)
  expect(await calm(box)).not.toContainEqual(expect.objectContaining({ check: "port-taken" }))
})

it("knows a program of the app's directory that works elsewhere", async () => {
  const box = inProcess(RANGES)
  const app = temporary()
  await box.ok("allocate", "--app", "cad", "--dir", app)
  const script = `require("net").createServer().listen(19401, () => console.log("up"))`
  const child = spawn(process.execPath, ["-e", script, join(app, "server.js")], {
    cwd: temporary(),
    stdio: ["ignore", "pipe", "inherit"]
  })
  await started(child, app)
  await calm(box)
})

it("keeps the owner with a key that is renamed, and forgets it with one that is released", async () => {
  const box = inProcess(RANGES)
  const owner = async (key: string) => JSON.parse(await box.ok("explain", "--key", key, "--json")).keys[0].owner
  await box.ok("allocate", "--special", "bridge", "--dir", "/opt/dev/bridge")
  await box.ok("rename", "--key", "bridge", "--to", "proxy")
  expect(await owner("proxy")).toMatchObject({ kind: "directory", name: "/opt/dev/bridge", seen: null })
  await box.ok("release", "--special", "proxy")
  await box.ok("allocate", "--special", "proxy")
  expect(await owner("proxy")).toBeNull()
})

it("says nothing of whose a socket of pid 1 is", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad", "--dir", "/opt/dev/cad")
  // In a world of processes of its own, whose first one listens, and asks.
  const script = `
    mount -t proc proc /proc
    exec ${process.execPath} -e '
      const { spawn } = require("node:child_process")
      require("net").createServer().listen(19401, "127.0.0.1", () => {
        const child = spawn(process.execPath, [process.env.PROGRAM, "doctor", "--json"], { stdio: ["ignore", "inherit", "inherit"] })
        child.on("close", () => process.exit())
      })'`
  const user = isRoot ? [] : ["--map-root-user"]
  const words = [...user, "--mount", "--pid", "--fork", "bash", "-c", script]
  const program = join(process.cwd(), "dist/d.cjs")
  const child = spawn("unshare", words, {
    env: { ...box.env, PROGRAM: program },
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"]
  })
  let text = ""
  let wrong = ""
  child.stdout.on("data", (chunk) => (text += chunk))
  child.stderr.on("data", (chunk) => (wrong += chunk))
  await new Promise((done) => child.once("close", done))
  const { findings, looked } = JSON.parse(text || `{"wrong":${JSON.stringify(wrong)}}`)
  expect(looked.listeners).toBeGreaterThan(0)
  const about = findings.filter(({ ports }: { ports: ReadonlyArray<number> }) => ports.includes(19_401))
  expect(about).toEqual([])
})

it("finds a port up that listens on IPv6 alone", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  await serve(19_401, { host: "::1" })
  const findings = await calm(box)
  expect(findings.filter(({ ports }) => ports.includes(19_401))).toEqual([])
})

it("names the impostor among a dozen apps of which three run, and nothing else", async () => {
  const box = watched(RANGES)
  const apps = Array.from({ length: 12 }, (_, index) => `app${index + 1}`)
  await box.ok("allocate", ...apps.flatMap((app) => ["--app", app]))
  const places = apps.slice(0, 3).map((app) => ({ app, directory: temporary() }))
  for (const { app, directory } of places) await box.ok("allocate", "--app", app, "--dir", directory)
  await startDaemon(box)
  await serve(19_401, { directory: places[0]?.directory ?? "" })
  await serve(19_403, { directory: places[1]?.directory ?? "" })
  const impostor = await serve(19_405)
  await until(
    async () => (await findingsOf(box, "port-taken")).length,
    (count) => count === 1
  )
  const { code, stdout } = await box.d("doctor")
  expect(code).toBe(1)
  const lines = stdout.trimEnd().split("\n")
  expect(lines).toHaveLength(8)
  expect(lines.slice(0, 2).join("\n")).toMatch(
    new RegExp(`^error  port-taken\\n  19405 \\(app3-dev\\) is served by node, pid ${impostor.pid}, in `)
  )
  expect(lines.slice(2, 5).map((line) => line.trim().split(":")[0])).toEqual(["evidence", "fix", "note"])
  expect(lines.slice(5)).toEqual([
    "",
    expect.stringMatching(/^1 error, 0 warnings, \d+ infos; \d+ checks, 24 assignments, /),
    expect.stringMatching(/^\d+ infos not shown: d doctor --all$/)
  ])
})

describe("a registry that several hosts share", () => {
  it("calls nothing stale that another host serves", async () => {
    const here = watched(RANGES, {
      ...(await mariadb.fresh()),
      AUTOMATELINUX_HOST: "here",
      AUTOMATELINUX_STALE_AFTER: "1 second",
      AUTOMATELINUX_STALE_AFTER_DEV: "1 second"
    })
    await here.ok("allocate", "--special", "shared")
    await startDaemon(here)
    await until(
      () => findingsOf(here, "port-stale"),
      (findings) => findings.length === 1
    )
    // As the daemon of another host stores it.
    const at = new Date().toISOString()
    const database = new URL(here.env["AUTOMATELINUX_DATABASE_URL"] ?? "").pathname.slice(1)
    const store = async (statement: string, ...values: ReadonlyArray<string>) =>
      (await sharedServer()).query(statement, values, database)
    await store(
      "INSERT INTO port_health SELECT 'there', port, `key`, 'up', ?, ?, 0, 0, NULL FROM port_health WHERE host = 'here'",
      at,
      at
    )
    await store("INSERT INTO port_registry VALUES ('watched:there', ?)", `60 ${at} machine`)
    expect(await findingsOf(here, "port-stale")).toEqual([])
    const refused = await here.d("release", "--special", "shared")
    expect(refused.stderr).toContain("error: shared is up on there; nothing was released")
    // A host whose daemon has stopped says nothing.
    await store("UPDATE port_registry SET value = '60 2026-01-01T00:00:00.000Z machine' WHERE name = 'watched:there'")
    expect(await findingsOf(here, "port-stale")).toHaveLength(1)
    expect(await here.ok("release", "--special", "shared")).toBe("shared 19500\n")
  })

  it("says nothing of what another host has claimed and this one never saw", async () => {
    const here = watched(RANGES, {
      ...(await mariadb.fresh()),
      AUTOMATELINUX_HOST: "here",
      AUTOMATELINUX_STALE_AFTER: "1 second",
      AUTOMATELINUX_STALE_AFTER_DEV: "1 second"
    })
    const there = here.with({ AUTOMATELINUX_HOST: "there", AUTOMATELINUX_DAEMON: "never" })
    await there.ok("allocate", "--app", "cad", "--dir", "/opt/dev/cad")
    await startDaemon(here)
    await until(
      () => here.ok("listPorts", "--health", "stale"),
      (table) => table.includes("cad-dev")
    )
    expect(await calm(here)).toEqual([])
    // Where it lives there says nothing of where it lives here.
    await serve(19_401)
    expect(await calm(here)).toEqual([])
    expect(await findingsOf(there, "port-taken")).toHaveLength(1)
  })
})

it("says of prod apps that were never started here no more than that", async () => {
  const box = watched(RANGES, { AUTOMATELINUX_STALE_AFTER: "1 hour" })
  await box.ok("allocate", ..."abcdef".split("").flatMap((app) => ["--app", app]))
  await startDaemon(box)
  const findings = await calm(box)
  expect(findings.map(({ check }) => check)).toEqual(Array.from({ length: 12 }, () => "port-unreachable"))
  expect(await box.ok("doctor")).toMatch(/^all is well: \d+ checks, .*\n12 infos not shown: d doctor --all\n$/)
})

it("calls the registry that there was before d healthy, and says so in a line or two", async () => {
  const box = inProcess({ ...rangesEnv, AUTOMATELINUX_DAEMON: "never" })
  for (const [key, port, description] of NINE_ROWS)
    await box.ok("setPort", "--key", key, "--value", String(port), "--description", description)
  const told = await box.ok("doctor")
  expect(told).toMatch(/^all is well: .* 9 assignments, .*\n11 infos not shown: d doctor --all\n$/)
  const all = await box.ok("doctor", "--all")
  expect(all).toContain("\n  loom has only dev\n")
  expect(all).toMatch(/\n0 errors, 0 warnings, 11 infos; /)
  // Whoever asks for a check, or calls infos bad, is shown them.
  expect(await box.ok("doctor", "--check", "pair-broken")).toContain("\n  loom has only dev\n")
  const strict = await box.d("doctor", "--strict")
  expect(strict.code).toBe(1)
  expect(strict.stdout).toContain("\n  loom has only dev\n")
})

// Only root can be two users.
it.runIf(isRoot)("says what a user who may not look into a process can know, and what not", async () => {
  const directory = temporary()
  chmodSync(directory, 0o777)
  const env = { ...RANGES, AUTOMATELINUX_DATABASE_URL: `sqlite:${directory}/ports.sqlite` }
  await asNobody(env, "allocate", "--app", "cad", "--dir", "/opt/dev/cad")
  await serve(19_401)
  const run = await asNobody(env, "doctor", "--json")
  const finding = JSON.parse(run.stdout).findings.find(({ check }: { check: string }) => check === "port-taken")
  expect(run.code).toBe(0)
  expect(finding).toMatchObject({ severity: "info", keys: ["cad-dev"], ports: [19401] })
  expect(finding.message).toBe(
    "19401 (cad-dev) is served by a process of root (details not visible to you), which may or may not be its app; it belongs to /opt/dev/cad, not seen there yet"
  )
  expect(finding.evidence).toBe("listens on 127.0.0.1:19401, of root")
  expect(finding.fix).toBe("sudo ss -ltnp 'sport = :19401'")
  const explained = await asNobody(env, "explain", "--port", "19401")
  expect(explained.stdout).toMatch(/^listens +127\.0\.0\.1, a process that you may not see, of root$/m)
})
