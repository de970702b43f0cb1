import { chmodSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import { Doctor } from "../../src/doctor/Doctor.ts"
import { PortKey } from "../../src/domain/PortKey.ts"
import { ContainerEngines } from "../../src/machine/ContainerEngines.ts"
import { Listeners } from "../../src/machine/Listeners.ts"
import { makeNaming } from "../../src/machine/naming.ts"
import { userName } from "../../src/machine/user.ts"
import { HealthMonitor } from "../../src/monitor/HealthMonitor.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { asProgram, type Machine, startDaemon } from "../support/cli.ts"
import { ACTING } from "../support/controlCharacters.ts"
import { examine, findingOf, serve, until } from "../support/doctor.ts"
import { composed, describedAt, engine, engineAt } from "../support/engine.ts"
import { inProcess } from "../support/inProcess.ts"
import { asNobody, isRoot } from "../support/otherUser.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "23900-23949", AUTOMATELINUX_SPECIAL_RANGE: "23950-23999" }
const PORT = 23_950

/** A user whose engine of containers has its socket at `path`. */
const userOf = (path: string): Machine => inProcess({ ...RANGES, DOCKER_HOST: `unix://${path}` })

/** The program that a container engine runs to listen for a container. */
const proxy = (port: number) =>
  serve(port, { directory: "/", words: ["-container-ip", "172.17.0.2", "-container-port", "5432"] })

const listed = async (box: Machine): Promise<Results["listPorts"]> => JSON.parse(await box.ok("listPorts", "--json"))

describe.each([false, true])("a port that a container publishes, with a daemon: %s", (daemon) => {
  /** An engine shares a busy process with the test here, and may answer too late once. */
  const named = (box: Machine) =>
    until(
      () => listed(box),
      ([first]) => first?.listener?.containerDetails != null
    )

  it("is named in documents, texts, findings and fixes", async () => {
    let ofWeb = "/opt/dev/web"
    const { path } = await engine(() => [
      composed(PORT),
      composed(23_901, { id: "f".repeat(64), name: "web", directory: ofWeb })
    ])
    const box = userOf(path)
    if (daemon) await startDaemon(box)
    await box.ok("setPort", "--key", "shop-db", "--value", String(PORT))
    const { pid } = await proxy(PORT)
    const words = "container shop-db-1, image postgres:16, compose project shop in /opt/dev/shop"

    const [assignment] = await named(box)
    expect(assignment?.listener).toEqual({
      address: "127.0.0.1",
      user: userName(),
      pid,
      command: "node",
      directory: "/opt/dev/shop",
      unit: null,
      container: "shop-db-1",
      containerDetails: describedAt(path)
    })
    const explained = await until(
      () => box.ok("explain", String(PORT)),
      (text) => text.includes("shop-db-1")
    )
    expect(explained).toContain(`127.0.0.1, ${words}, node, pid ${pid}, of ${userName()}, since 2`)
    expect((await box.d("setPort", "--key", "again", "--value", String(PORT), "--force")).stderr).toContain(
      `warning: ${PORT} is in use by ${words}\n`
    )
    await box.ok("deletePort", "--key", "again")
    expect((await box.d("release", "--special", "shop-db")).stderr).toContain(`${PORT} is served by ${words}`)

    await box.ok("release", "--special", "shop-db", "--force")
    const squatted = await findingOf(box, "port-squatted")
    expect(squatted).toMatchObject({
      message: `${PORT} is in use by ${words}, but not registered`,
      fix: `d reserve --port ${PORT} --reason='container shop-db-1 in /opt/dev/shop'`
    })
    const { stderr, stdout } = await box.d("allocate", "--special", "new")
    expect([stdout, stderr]).toEqual([`new ${PORT + 1}\n`, `skipped ${PORT}: ${words}\n`])

    await box.ok("setPort", "--key", "cad-dev", "--value", "23901")
    await proxy(23_901)
    // It holds a lock until its process ends.
    const refused = () =>
      until(
        () => box.by(asProgram).d("run", "--key", "cad-dev", "true"),
        ({ stderr }) => stderr.includes("web")
      )
    expect((await refused()).stderr).toContain("hint: do not stop it unless it is yours")
    ofWeb = box.home
    expect((await refused()).stderr).toContain(
      `hint: a container listens; to stop it: docker --host unix://${path} stop web\n`
    )
  })

  it("is the last one that an engine names, and not another one's of the same port", async () => {
    let name = "shop-db-1"
    const { path } = await engine(() => [composed(PORT, { name })])
    const box = userOf(path)
    if (daemon) await startDaemon(box)
    await box.ok("setPort", "--key", "shop-db", "--value", String(PORT))
    await proxy(PORT)
    await named(box)
    name = "shop-db-2"
    expect(
      (
        await until(
          () => listed(box),
          ([first]) => first?.listener?.container === name
        )
      ).length
    ).toBe(1)
  })

  it("shows nothing that acts on a terminal, and types nothing that a shell would read", async () => {
    const { path } = await engine(() => [
      { ...composed(PORT, { name: "\u001b[31mred; rm -rf /", directory: "/tmp/\u202e\n$(id)" }), Image: "a\u0007'b" }
    ])
    const box = userOf(path)
    if (daemon) await startDaemon(box)
    await box.ok("setPort", "--key", "shop-db", "--value", String(PORT), "--dir", temporary())
    await proxy(PORT)
    await named(box)
    const finding = await until(
      () => examine(box, "--check", "port-taken"),
      ({ findings }) => findings[0]?.severity === "error"
    )
    expect(finding.findings[0]?.fix).toBe(`docker --host unix://${path} stop 0123456789ab`)
    for (const words of [
      ["listPorts", "--json"],
      ["explain", String(PORT)],
      ["explain", String(PORT), "--json"],
      ["doctor"]
    ]) {
      const { stderr, stdout } = await box.d(...words)
      expect(stdout).toContain("red; rm -rf /")
      expect(stdout + stderr).not.toMatch(ACTING)
    }
  })

  it("asks no engine for getPort, nor if the process is known to be none of a container", async () => {
    const { asked, path } = await engine(() => [composed(PORT)])
    const box = userOf(path)
    if (daemon) await startDaemon(box)
    await box.ok("setPort", "--key", "shop-db", "--value", String(PORT))
    const server = await serve(PORT)
    expect((await listed(box))[0]?.listener).toMatchObject({ pid: server.pid, container: null, containerDetails: null })
    await server.stop()
    await proxy(PORT)
    await box.ok("getPort", "--key", "shop-db")
    expect(asked()).toBe(0)
  })
})

it("waits at most 200 ms for an engine that does not answer", async () => {
  const { path } = await engineAt(join(temporary(), "engine.sock"), () => {})
  const box = userOf(path)
  await box.ok("setPort", "--key", "shop-db", "--value", String(PORT))
  await proxy(PORT)
  /** The shortest of some: others may use this machine, too. */
  const shortest = async (user: Machine): Promise<number> => {
    const times: Array<number> = []
    for (let time = 0; time < 5; time++) {
      const began = performance.now()
      expect((await listed(user))[0]?.listener?.container).toBe("172.17.0.2:5432")
      times.push(performance.now() - began)
    }
    return Math.min(...times)
  }
  const without = await shortest(box.with({ DOCKER_HOST: "" }))
  const waited = (await shortest(box)) - without
  expect(waited).toBeGreaterThan(100)
  expect(waited).toBeLessThan(200)
})

it("is asked by a daemon when listeners change, and not in each probe cycle", async () => {
  const { asked, path } = await engine(() => [composed(PORT)])
  const box = userOf(path).with({ AUTOMATELINUX_PROBE_INTERVAL: "100 millis" })
  await box.ok("setPort", "--key", "shop-db", "--value", String(PORT))
  await proxy(PORT)
  await startDaemon(box)
  const status = async (): Promise<Results["status"]> => JSON.parse(await box.ok("status", "--json"))
  const after = (time: string | undefined) => until(status, ({ lastTick }) => lastTick !== null && lastTick.at !== time)
  let at: string | undefined
  for (let cycle = 0; cycle < 5; cycle++) at = (await after(at)).lastTick?.at
  expect(asked()).toBe(1)
  // It has learned whose it is.
  expect((await listed(box))[0]?.owner).toMatchObject({ kind: "directory", name: "/opt/dev/shop", said: false })
})

// Only root can be two users.
it.runIf(isRoot)("is asked with the rights of the user, and not with others", async () => {
  const directory = temporary()
  chmodSync(directory, 0o777)
  const { asked, path } = await engine(() => [composed(PORT)], join(directory, "engine.sock"))
  const database = `sqlite:${directory}/ports.sqlite`
  const env = { ...RANGES, DOCKER_HOST: `unix://${path}`, AUTOMATELINUX_DATABASE_URL: database }
  await asNobody(env, "setPort", "--key", "shop-db", "--value", String(PORT))
  await proxy(PORT)
  const shown = async () => JSON.parse((await asNobody(env, "listPorts", "--json")).stdout)[0].listener
  chmodSync(path, 0o700)
  expect(await shown()).toMatchObject({ user: "root", pid: null, container: null, containerDetails: null })
  expect(asked()).toBe(0)
  chmodSync(path, 0o777)
  expect(await until(shown, ({ container }) => container !== null)).toMatchObject({
    user: "root",
    pid: null,
    command: null,
    directory: "/opt/dev/shop",
    container: "shop-db-1"
  })
  const finding = JSON.parse((await asNobody(env, "doctor", "--check", "port-hung", "--json")).stdout)
  expect(finding.findings).toEqual([])
  expect((await asNobody(env, "explain", String(PORT))).stdout).toContain(
    "127.0.0.1, container shop-db-1, image postgres:16, compose project shop in /opt/dev/shop, of root\n"
  )
})

describe("a port that is published without a listener to be seen", () => {
  /** This machine, if it did not show what listens, as macOS, and connecting succeeded. */
  const invisible = Layer.effect(
    Listeners,
    Effect.map(Listeners, (real) => ({
      ...real,
      ports: Effect.succeed(undefined),
      all: Effect.succeed([]),
      where: () => Effect.succeed([]),
      on: () => Effect.succeed([]),
      answers: () => Effect.succeed(true)
    }))
  ) as Layer.Layer<Listeners, never, Listeners>

  it("is named in the list if it is up, by check and by the doctor", async () => {
    const { path } = await engine(() => [composed(PORT, { address: "0.0.0.0" })])
    const environment = { ...RANGES, HOME: temporary(), DOCKER_HOST: `unix://${path}` }
    const layer = HealthMonitor.Default.pipe(
      Layer.provideMerge(registryLayer(environment, invisible.pipe(Layer.provide(Listeners.Default))))
    )
    const run = Effect.gen(function* () {
      const registry = yield* Registry
      const monitor = yield* HealthMonitor
      const key = PortKey.make("shop-db")
      yield* registry.set({ key, port: PORT, description: undefined, force: false })
      const filter = { app: undefined, health: undefined, host: undefined, stale: false, project: undefined }
      const before = yield* registry.list(filter)
      expect(before.result[0]?.listener).toBeNull()
      yield* monitor.probe
      const { result } = yield* registry.list(filter)
      expect(result[0]?.listener).toMatchObject({
        address: "0.0.0.0",
        user: userName(),
        pid: null,
        container: "shop-db-1"
      })
      const checked = (directory: string) =>
        registry.check({ key, app: undefined, directory, mode: "dev", suggested: [], formerly: [] }, directory)
      expect((yield* checked("/opt/dev/shop")).result.verdict).toBe("own")
      expect((yield* checked("/opt/dev/blog")).result.verdict).toBe("other")
      yield* registry.set({ key, port: PORT, description: undefined, directory: temporary(), force: false })
      const explain = Effect.flatMap(Doctor, (doctor) => doctor.explain({ key }, environment, "0.1.0"))
      const { findings, listeners } = yield* Effect.provide(explain, Doctor.Default)
      expect(listeners).toMatchObject([{ address: "0.0.0.0", pid: null, container: "shop-db-1" }])
      expect(findings.find(({ check }) => check === "port-taken")).toMatchObject({
        severity: "error",
        fix: `docker --host unix://${path} stop shop-db-1`
      })
    })
    await Effect.runPromise(
      run.pipe(Effect.provide(layer), Effect.provideService(ContainerEngines, makeNaming(environment)))
    )
  })
})
