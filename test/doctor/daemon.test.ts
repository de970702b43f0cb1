import { spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { dirname } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { version } from "../../package.json"
import { endInBackground } from "../support/background.ts"
import { copyOfProgram, type Machine, machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { timeOfDay } from "../support/clock.ts"
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
import { MariaDb } from "../support/mariadb.ts"
import { asNobody, isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"
import { withSqlite } from "../support/sqlite.ts"

const RANGES = rangesFrom(19_000)

const socketOf = (box: Machine) => box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""

/** Types a fix that starts a daemon, which ends with the test. */
const startsBy = async (box: Machine, fix: string): Promise<void> => {
  endInBackground(box)
  expect(await box.sh(fix)).toMatchObject({ code: 0 })
}

it("daemon-running: none was started", async () => {
  const box = inProcess(RANGES)
  const finding = await findingOf(box, "daemon-running")
  expect(finding).toMatchObject({
    severity: "info",
    evidence: `there is no socket at ${socketOf(box)}`,
    fix: "d daemon start"
  })
  expect(await examine(box)).toMatchObject({ code: 0, healthy: true })
  expect(await examine(box, "--strict")).toMatchObject({ code: 1, healthy: false })
  await startsBy(box, fixOf(finding))
  await until(
    () => findingsOf(box, "daemon-running"),
    (findings) => findings.length === 0
  )
  expect((await box.d("doctor")).stdout).toMatch(
    /^all is well: \d+ checks, 0 assignments, \d+ listeners?, in the registry's file \/.*\/ports\.sqlite\n$/
  )
})

it("daemon-running: a dead socket, which is taken away on request", async () => {
  const box = inProcess(RANGES)
  const daemon = await startDaemon(box)
  await daemon.stop("SIGKILL")
  const finding = await findingOf(box, "daemon-running")
  expect(finding).toMatchObject({
    severity: "error",
    message: `the socket ${daemon.socket} is dead: its daemon is gone`,
    evidence: "connecting to it is refused"
  })
  const [none] = await afterMending(box, finding)
  expect(none).toMatchObject({ severity: "info", fix: "d daemon start" })
  expect(existsSync(daemon.socket)).toBe(false)
})

it("daemon-running: --fix takes away nothing that is not a dead socket", async () => {
  const box = inProcess(RANGES)
  mkdirSync(dirname(socketOf(box)))
  writeFileSync(socketOf(box), "a file")
  const finding = await findingOf(box, "daemon-running")
  expect(finding).toMatchObject({
    severity: "error",
    message: `no daemon can be started or reached: ${socketOf(box)} is not a socket`,
    fix: `ls -ld ${socketOf(box)}`,
    advice: "move it away if nothing needs it, then start a daemon: d daemon start"
  })
  expect(await box.typed("bash", fixOf(finding))).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(socketOf(box))
  })
  expect((await examine(box, "--fix")).mended).toEqual([])
  expect(readFileSync(socketOf(box), "utf8")).toBe("a file")
  const served = inProcess(RANGES)
  await startDaemon(served)
  expect((await examine(served, "--fix")).mended).toEqual([])
  expect((await served.d("ping")).stdout).toBe("pong\n")
})

it("daemon-running: a socket that this user may not use", async () => {
  const box = inProcess(RANGES)
  const daemon = await startDaemon(box)
  chmodSync(box.home, 0o755)
  chmodSync(dirname(daemon.socket), 0o755)
  const env = {
    ...RANGES,
    AUTOMATELINUX_DAEMON: "auto",
    AUTOMATELINUX_PORTS_SOCKET: daemon.socket,
    AUTOMATELINUX_DATABASE_URL: `sqlite:${temporary()}/ports.sqlite`
  }
  chmodSync(dirname(env.AUTOMATELINUX_DATABASE_URL.slice("sqlite:".length)), 0o777)
  const ask = async (environment: Record<string, string>) =>
    JSON.parse((await asNobody(environment, "doctor", "--json", "--check", "daemon-running")).stdout).findings
  if (process.getuid?.() !== 0) chmodSync(daemon.socket, 0)
  const [finding] = await ask(env)
  expect(finding).toMatchObject({
    severity: "error",
    message: `you may not use the socket ${daemon.socket}`,
    evidence: `it belongs to uid ${process.getuid?.()}`
  })
  expect(finding.fix).toBe("unset AUTOMATELINUX_PORTS_SOCKET")
  const { AUTOMATELINUX_PORTS_SOCKET, ...unset } = env
  // Another user's runtime directory counts as not set.
  const runtime = temporary()
  expect(await ask({ ...unset, XDG_RUNTIME_DIR: runtime })).toMatchObject([{ severity: "info", fix: "d daemon start" }])
  chmodSync(runtime, 0o755)
  expect(await ask({ ...unset, XDG_RUNTIME_DIR: runtime })).toMatchObject([{ severity: "info", fix: "d daemon start" }])
})

it("daemon-running: one that is stopped does not hold the doctor up", async () => {
  const box = inProcess(RANGES)
  const daemon = await startDaemon(box)
  daemon.signal("SIGSTOP")
  onTestFinished(() => daemon.signal("SIGCONT"))
  const finding = await findingOf(box, "daemon-running")
  expect(finding).toMatchObject({
    severity: "error",
    message: `the daemon at ${daemon.socket} does not answer`,
    evidence: `pid ${daemon.pid} accepts connections but does not reply; it is stopped`,
    fix: `kill -CONT ${daemon.pid}`
  })
  expect(await afterMending(box, finding)).toEqual([])
})

it("daemon-running: a daemon of another version", async () => {
  const box = inProcess(RANGES)
  const old = copyOfProgram((text) => text.replaceAll(`"${version}"`, '"0.0.1"'))
  const child = spawn(process.execPath, [old, "daemon"], { env: box.env, cwd: box.home, stdio: "ignore" })
  onTestFinished(() => void child.kill("SIGKILL"))
  const [finding] = await until(
    () => findingsOf(box, "daemon-running"),
    ([each]) => each?.severity === "warning"
  )
  expect(finding?.message).toBe(`the daemon has version 0.0.1, but d has ${version}`)
  expect(finding?.evidence).toMatch(new RegExp(`^pid ${child.pid}, at ${socketOf(box)}$`))
  await startsBy(box, finding?.fix ?? "")
  await until(
    () => findingsOf(box, "daemon-running"),
    (findings) => findings.length === 0
  )
})

it("daemon-running: a daemon that is too old to know the doctor", async () => {
  const box = inProcess(RANGES)
  const old = copyOfProgram((each) => each.replaceAll(`"${version}"`, '"0.0.1"').replaceAll("doctor", "doktor"))
  const child = spawn(process.execPath, [old, "daemon"], { env: box.env, cwd: box.home, stdio: "ignore" })
  onTestFinished(() => void child.kill("SIGKILL"))
  await until(
    async () => (await box.d("ping")).code,
    (code) => code === 0
  )
  const run = await box.d("doctor")
  expect(run.stderr).toBe("note: the daemon has version 0.0.1 and does not know doctor; running without it\n")
  expect(run.stdout).toContain(`the daemon has version 0.0.1, but d has ${version}`)
})

it("daemon-running: another program at the socket", async () => {
  const box = inProcess(RANGES)
  mkdirSync(dirname(socketOf(box)))
  const other = createServer((client) => client.on("data", () => client.end("Unknown command: status\n")))
  await new Promise<void>((done) => other.listen(socketOf(box), () => done()))
  onTestFinished(() => void other.close())
  const finding = await findingOf(box, "daemon-running")
  expect(finding).toMatchObject({ severity: "info" })
  expect(finding.message).toBe(`the socket ${socketOf(box)} is served by another program; commands run without it`)
})

it("daemon-running: a daemon that serves another registry", async () => {
  const box = inProcess(RANGES)
  await startDaemon(box)
  const elsewhere = box.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${box.home}/other.sqlite` })
  const finding = await findingOf(elsewhere, "daemon-running")
  expect(finding.message).toContain("is served by a daemon that serves another registry")
  expect((await examine(elsewhere)).store).toBe(`the registry's file ${box.home}/other.sqlite`)
})

it("daemon-probing: one that cannot store what it sees", async () => {
  const server = await MariaDb.start()
  onTestFinished(() => server.kill())
  const box = watched(RANGES, {
    AUTOMATELINUX_DATABASE_URL: await server.database(),
    // Shorter than the time between rounds, so that each has a connection of its own, and its rights are the new ones.
    AUTOMATELINUX_DATABASE_TIMEOUT: "500 millis",
    AUTOMATELINUX_PROBE_INTERVAL: "2 seconds"
  })
  await box.ok("allocate", "--app", "cad")
  // Nothing is missing but the right to keep the health.
  const tables = [
    "settings",
    "port_claims",
    "port_keys",
    "port_owners",
    "port_reserved",
    "port_history",
    "port_registry"
  ]
  const all = (table: string) => `GRANT ALL ON ports.${table} TO 'ports'@'%';`
  await server.query(
    `REVOKE ALL ON ports.* FROM 'ports'@'%'; ${tables.map(all).join("")} GRANT SELECT ON ports.port_health TO 'ports'@'%'`
  )
  await startDaemon(box)
  const [finding] = await until(
    () => findingsOf(box, "daemon-probing"),
    (findings) => findings.length > 0
  )
  expect(finding).toMatchObject({ severity: "warning" })
  expect(finding?.message).toMatch(
    /^the daemon has not probed the ports for \d+ seconds; it should probe them every 2 s$/
  )
  expect(finding?.evidence).toMatch(/ it does not allow that: (DELETE|INSERT)(, \w+)? command denied /)
  await box.sh(finding?.fix ?? "")
  // A connection that is asked all the time would be kept, with its old rights.
  await new Promise((done) => setTimeout(done, 6000))
  expect(await findingsOf(box, "daemon-probing")).toEqual([])
})

/** A second daemon of `box`, in a network of its own, as in another container. */
const inAnotherNetwork = (box: Machine): Machine => {
  const other = box.with({ AUTOMATELINUX_PORTS_SOCKET: `${box.home}/run/other.sock` })
  const user = isRoot ? [] : ["--map-root-user"]
  const child = spawn("unshare", [...user, "--net", process.execPath, PROGRAM, "daemon"], {
    env: other.env,
    cwd: box.home,
    stdio: "ignore"
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  return other
}

it("host-shared: two machines of one name, until one gets another", async () => {
  const { AUTOMATELINUX_APP_RANGE, AUTOMATELINUX_SPECIAL_RANGE } = {
    AUTOMATELINUX_APP_RANGE: "27300-27349",
    AUTOMATELINUX_SPECIAL_RANGE: "27350-27399"
  }
  const box = watched(RANGES, { AUTOMATELINUX_APP_RANGE, AUTOMATELINUX_SPECIAL_RANGE, AUTOMATELINUX_HOST: "fedora" })
  await serve(27_350)
  await box.ok("allocate", "--special", "s")
  await box.ok("setPort", "--key", "s", "--value", "27350")
  await startDaemon(box)
  await seenUp(box, "s")
  expect(await findingsOf(box, "host-shared")).toEqual([])
  const other = inAnotherNetwork(box)
  for (const each of [box, other]) {
    const [finding] = await until(
      () => findingsOf(each, "host-shared").catch(() => []),
      (findings) => findings.length > 0
    )
    expect(finding).toMatchObject({
      severity: "error",
      message: "two machines are called fedora, and each overwrites the health that the other one stores",
      evidence: expect.stringMatching(/^a daemon on another machine \([0-9a-f]{16}\) stored health as fedora, /),
      fix: "export AUTOMATELINUX_HOST=fedora-2; d daemon restart"
    })
  }
  // Nothing says that it may be given back, because the other machine serves it.
  expect((await examine(other)).findings.map(({ check }) => check)).toEqual(["host-shared"])
  const finding = await findingOf(other, "host-shared")
  await startsBy(other, fixOf(finding))
  // Here again, where the port is served, as soon as no other overwrites it.
  await seenUp(box, "s")
  const renamed = other.with({ AUTOMATELINUX_HOST: "fedora-2" })
  await until(
    async () => JSON.parse((await renamed.d("status", "--json")).stdout || "{}").lastTick,
    (tick) => tick !== undefined && tick !== null
  )
  expect(await findingsOf(renamed, "host-shared")).toEqual([])
  await seenUp(box, "s")
})

it.each([
  ["back a day", 86_400, 0],
  ["forward a year", 0, 31_536_000]
])("makes a port stale as late as ever if the clock is set %s", async (_, before, after) => {
  const clock = timeOfDay()
  // Processes of their own, because the clock is theirs.
  const box = machine({
    AUTOMATELINUX_APP_RANGE: "27400-27449",
    AUTOMATELINUX_SPECIAL_RANGE: "27450-27499",
    AUTOMATELINUX_PROBE_INTERVAL: "200 millis",
    AUTOMATELINUX_STALE_AFTER: "4 seconds",
    ...clock.env
  })
  clock.set(before)
  await box.ok("allocate", "--special", "s")
  const began = performance.now()
  const daemon = await startDaemon(box)
  const health = async () => JSON.parse(await box.ok("listPorts", "--json"))[0].health
  await until(health, ({ state }) => state === "down")
  clock.set(after)
  const { checkedAt, since } = await until(health, ({ state }) => state === "stale")
  expect(performance.now() - began).toBeGreaterThan(4000)
  const now = Date.now() + after * 1000
  for (const time of [checkedAt, since]) {
    expect(Date.parse(time)).toBeLessThanOrEqual(now)
    expect(Date.parse(time)).toBeGreaterThan(now - 60_000)
  }
  await daemon.stop()
  clock.set(after - 86_400)
  expect((await box.d("listPorts")).stderr).toMatch(
    /^note: the age of the health is unknown: it was stored at \S+, by a clock that was ahead/
  )
})

it("does not reckon with a time that is still to come", async () => {
  const box = inProcess({ AUTOMATELINUX_APP_RANGE: "27400-27449", AUTOMATELINUX_SPECIAL_RANGE: "27450-27499" })
  await box.ok("allocate", "--app", "cad", "--dir", "/opt/dev/cad")
  withSqlite(`${box.home}/.local/state/automatelinux/ports.sqlite`, (database) =>
    database.exec("UPDATE port_owners SET seen = '2999-01-01T00:00:00.000Z'")
  )
  await serve(27_400)
  expect((await findingOf(box, "port-taken")).message).toContain(
    "it belongs to /opt/dev/cad, last seen there at 2999-01-01T00:00:00.000Z, by a clock that was ahead"
  )
})

it("says the same through a daemon, also while its database is down", async () => {
  const server = await MariaDb.start()
  onTestFinished(() => server.kill())
  const box = watched(RANGES, {
    AUTOMATELINUX_DATABASE_URL: await server.database(),
    AUTOMATELINUX_DATABASE_TIMEOUT: "1 second"
  })
  await box.ok("allocate", "--app", "cad")
  await startDaemon(box)
  const alone = box.with({ AUTOMATELINUX_DAEMON: "never" })
  const said = async (each: Machine) => {
    const { checkedAt, code, looked, ...rest } = await examine(each)
    return rest
  }
  await until(
    async () => (await examine(box)).findings,
    (findings) => findings.every(({ severity }) => severity === "info")
  )
  expect(await said(box)).toEqual(await said(alone))
  await server.kill()
  await until(
    async () => (await examine(box)).failed.length,
    (count) => count > 0
  )
  expect(await said(box)).toEqual(await said(alone))
  expect((await said(box)).findings).toMatchObject([{ check: "store-reachable" }])
})

it("answers over the wire, in both forms", async () => {
  const box = watched(RANGES)
  await box.ok("setPort", "--key", "cad-dev", "--value", "19001")
  const { socket } = await startDaemon(box)
  const ask = (request: object) =>
    new Promise<string>((done) => {
      let text = ""
      connect(socket)
        .on("data", (chunk) => {
          text += chunk
          if (text.endsWith("\n")) done(text)
        })
        .end(`${JSON.stringify(request)}\n`)
    })
  expect(JSON.parse(await ask({ command: "doctor", check: "pair-broken", format: "json" }))).toMatchObject({
    ok: true,
    result: { healthy: true, ran: ["pair-broken"], findings: [{ keys: ["cad-dev"] }] }
  })
  expect(await ask({ command: "doctor", check: "pair-broken" })).toMatch(/^info {2}pair-broken\n {2}cad has only dev\n/)
  expect(await ask({ command: "explain", port: "19001" })).toMatch(/^port {8}19001\nkey {9}cad-dev\n/)
  expect(await ask({ command: "explain" })).toBe("Missing required arg: port\n")
})
