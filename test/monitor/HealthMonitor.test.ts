import { type ChildProcess, spawn } from "node:child_process"
import { networkInterfaces } from "node:os"
import * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { onTestFinished } from "vitest"
import { HOST_MAX } from "../../src/config/hostName.ts"
import { AppName, PortKey } from "../../src/domain/PortKey.ts"
import { knownOf } from "../../src/domain/portHealth.ts"
import { portsOf } from "../../src/domain/RegistryState.ts"
import { MachineIdentity } from "../../src/machine/identity.ts"
import { HealthMonitor } from "../../src/monitor/HealthMonitor.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { Store } from "../../src/store/Store.ts"
import { clockOf } from "../support/clock.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

const PORT = 27_000

type Parts = Registry | HealthMonitor | Store | SqlClient.SqlClient

/** The parts of a daemon of `machine` by the name of `host`, on the database of `env`. */
const daemonOn = (env: Readonly<Record<string, string>>, host = "box", machine = "1") => {
  const layer = HealthMonitor.Default.pipe(
    Layer.provideMerge(registryLayer({ ...env, AUTOMATELINUX_HOST: host })),
    Layer.provide(Layer.succeed(MachineIdentity, machine))
  )
  return <A, E>(effect: Effect.Effect<A, E, Parts>) => Effect.provide(effect, layer)
}

const set = (key: string, port: number) =>
  Effect.clockWith((clock) =>
    Effect.flatMap(
      Registry,
      (registry) => registry.set({ key: PortKey.make(key), port, description: undefined, force: false })
      // A listener is looked at twice, a moment apart, and that takes real time.
    ).pipe(Effect.withClock(clockOf(() => clock.unsafeCurrentTimeMillis())))
  )
const tick = Effect.flatMap(HealthMonitor, (monitor) => monitor.tick())
const later = (duration: Duration.DurationInput) => TestClock.adjust(duration)
/** Retries and sleeps of the store pass in real time. */
const healthOf = (key: string) =>
  Effect.map(
    Effect.flatMap(Registry, (registry) => registry.list({})),
    ({ result }) => result.find((each) => each.key === key)
  )
/** The state that is stored for this host, whatever listens now. */
const stateOf = (key: string) =>
  Effect.gen(function* () {
    const { claims, health, rows } = yield* Effect.flatMap(Store, (store) => store.list)
    const now = DateTime.formatIso(yield* DateTime.now)
    return knownOf(health, { claims, ports: portsOf(rows) }, Number(rows.get(key)), now)?.state ?? "unknown"
  })

/** A real process that listens, in a directory of its own. */
const server = (port: number, host: string): Promise<ChildProcess & { directory: string }> =>
  new Promise((done) => {
    const directory = temporary()
    const script = `require("node:net").createServer().listen(${port}, ${JSON.stringify(host)}, () => console.log("up"))`
    const child = spawn(process.execPath, ["-e", script], { cwd: directory, stdio: ["ignore", "pipe", "inherit"] })
    onTestFinished(() => void child.kill("SIGKILL"))
    child.stdout.once("data", () => done(Object.assign(child, { directory })))
  })

const gone = (child: ChildProcess) =>
  new Promise((done) => {
    child.once("exit", done)
    child.kill("SIGKILL")
  })

describe.each([sqlite, mariadb])("ticks on $name", (database) => {
  const fresh = async () => ({ HOME: temporary(), ...(await database.fresh()) })

  it.effect("see a process come up, with pid, command and directory, and go down after three looks", () =>
    Effect.gen(function* () {
      const daemon = daemonOn(yield* Effect.promise(() => fresh()))
      const child = yield* Effect.promise(() => server(PORT, "127.0.0.1"))
      yield* daemon(
        Effect.gen(function* () {
          yield* set("app", PORT)
          expect(yield* stateOf("app")).toBe("unknown")
          expect((yield* healthOf("app"))?.health).toMatchObject({ state: "up", since: null })
          yield* tick
          const up = yield* healthOf("app")
          expect(up?.health.state).toBe("up")
          expect(up?.listener).toMatchObject({
            pid: child.pid,
            command: expect.stringContaining("node"),
            directory: child.directory
          })
          yield* Effect.promise(() => gone(child))
          for (const state of ["up", "up", "down", "down"]) {
            yield* later("30 seconds")
            yield* tick
            expect(yield* stateOf("app")).toBe(state)
            // The list does not wait for that.
            expect((yield* healthOf("app"))?.health.state).toBe("down")
          }
        })
      )
    })
  )

  it.effect("follow what other programs write, forget what is gone, and write nothing where nothing changed", () =>
    Effect.gen(function* () {
      const daemon = daemonOn(yield* Effect.promise(() => fresh()))
      yield* daemon(
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* set("old", PORT)
          yield* tick
          yield* sql`INSERT INTO settings ${sql.insert({ setting_key: "port_foreign", setting_value: String(PORT + 1) })}`
          yield* sql`DELETE FROM settings WHERE setting_key = ${"port_old"}`
          yield* later("30 seconds")
          yield* tick
          expect(yield* sql`SELECT port, claim_key FROM port_claims`).toEqual([
            { port: PORT + 1, claim_key: "foreign" }
          ])
          expect(yield* sql`SELECT port, state FROM port_health`).toEqual([{ port: PORT + 1, state: "down" }])
          const everything = Effect.all([
            sql`SELECT * FROM port_health`,
            sql`SELECT * FROM port_history`,
            sql`SELECT * FROM port_registry`
          ])
          yield* later("31 seconds")
          yield* tick
          const before = yield* everything
          for (let index = 0; index < 3; index++) {
            yield* later("15 seconds")
            yield* tick
          }
          expect(yield* everything).toEqual(before)
        })
      )
    })
  )

  it.effect("leave out a row that the database refuses, whatever for, and try it again every minute", () =>
    Effect.gen(function* () {
      const daemon = daemonOn(yield* Effect.promise(() => fresh()))
      yield* daemon(
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const monitor = yield* HealthMonitor
          const states = Effect.map(sql<{ key: string }>`SELECT ${sql("key")} FROM port_health ORDER BY port`, (rows) =>
            rows.map(({ key }) => key)
          )
          for (const [at, key] of ["a", "bad", "c", "worse", "e"].entries()) yield* set(key, PORT + at)
          yield* sql.onDialectOrElse({
            mysql: () =>
              sql`CREATE TRIGGER no BEFORE INSERT ON port_health FOR EACH ROW
                BEGIN IF NEW.${sql("key")} IN ('bad', 'worse') THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not that'; END IF; END`
                .raw,
            orElse: () =>
              sql`CREATE TRIGGER no BEFORE INSERT ON port_health WHEN NEW.${sql("key")} IN ('bad', 'worse')
                BEGIN SELECT RAISE(ABORT, 'not that'); END`.raw
          })
          yield* tick
          expect(yield* states).toEqual(["a", "c", "e"])
          expect(yield* monitor.unstored).toMatchObject([
            { what: "health", key: "bad", port: PORT + 1, reason: expect.stringContaining("not that") },
            { what: "health", key: "worse", port: PORT + 3 }
          ])
          yield* sql`DROP TRIGGER no`.raw
          yield* later("30 seconds")
          yield* tick
          expect(yield* states).toEqual(["a", "c", "e"])
          yield* later("31 seconds")
          yield* tick
          expect(yield* states).toEqual(["a", "bad", "c", "worse", "e"])
          expect(yield* monitor.unstored).toEqual([])
        })
      )
    })
  )

  it.effect("fail as a whole if the database refuses everything", () =>
    Effect.gen(function* () {
      const daemon = daemonOn(yield* Effect.promise(() => fresh()))
      yield* daemon(
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* set("a", PORT)
          yield* sql`DROP TABLE port_registry`.raw
          yield* sql`CREATE TABLE port_registry (name VARCHAR(255) NOT NULL PRIMARY KEY, value VARCHAR(255) NOT NULL CHECK (name = 'mutex'))`
            .raw
          yield* sql`INSERT INTO port_registry VALUES ('mutex', '')`.raw
          const failed = yield* Effect.flip(tick)
          expect(failed._tag).toBe("Unavailable")
        })
      )
    })
  )
})

describe("a port", () => {
  const lan = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === "IPv4" && !address.internal)?.address

  it.effect.each(["::1", "0.0.0.0", ...(lan === undefined ? [] : [lan])])(
    "is up where something listens on %s alone",
    (host) =>
      Effect.gen(function* () {
        const daemon = daemonOn({ HOME: temporary() })
        yield* Effect.promise(() => server(PORT, host))
        yield* daemon(
          Effect.gen(function* () {
            yield* set("app", PORT)
            yield* tick
            expect(yield* stateOf("app")).toBe("up")
          })
        )
      })
  )
})

describe("watched time", () => {
  const hours = (count: number) =>
    Effect.gen(function* () {
      // A tick an hour would count two intervals; so the interval is an hour.
      for (let index = 0; index < count; index++) {
        yield* tick
        yield* later("1 hour")
      }
    })
  const env = () => ({ HOME: temporary(), AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })

  it.effect("makes nothing stale on a machine that was off for a month", () =>
    Effect.gen(function* () {
      const daemon = daemonOn(env())
      yield* daemon(
        Effect.gen(function* () {
          yield* set("app-prod", PORT)
          yield* hours(24)
          yield* later("31 days")
          yield* tick
          expect(yield* stateOf("app-prod")).toBe("down")
          yield* hours(24 * 13 - 2)
          expect(yield* stateOf("app-prod")).toBe("down")
          yield* hours(24)
          expect(yield* stateOf("app-prod")).toBe("stale")
        })
      )
    })
  )

  it.effect("counts a laptop's two hours a day, also over restarts of the daemon", () =>
    Effect.gen(function* () {
      const shared = env()
      yield* daemonOn(shared)(set("app-prod", PORT))
      for (let day = 1; day <= 60; day++) {
        const state = yield* daemonOn(shared)(
          Effect.gen(function* () {
            yield* hours(3)
            yield* Effect.flatMap(HealthMonitor, (monitor) => monitor.flush)
            return yield* stateOf("app-prod")
          })
        )
        expect(state).toBe("down")
        yield* later("21 hours")
      }
    })
  )

  it.effect("is stale later for dev, and the flag goes at the first success", () =>
    Effect.gen(function* () {
      const daemon = daemonOn(env())
      yield* daemon(
        Effect.gen(function* () {
          yield* set("app-prod", PORT)
          yield* set("app-dev", PORT + 1)
          yield* hours(24 * 14 + 1)
          expect(yield* Effect.all([stateOf("app-prod"), stateOf("app-dev")])).toEqual(["stale", "down"])
          yield* hours(24 * 16)
          expect(yield* stateOf("app-dev")).toBe("stale")
          yield* Effect.promise(() => server(PORT + 1, "127.0.0.1"))
          yield* tick
          expect(yield* stateOf("app-dev")).toBe("up")
        })
      )
    })
  )

  it.effect("counts stale pairs among the figures of a full range", () =>
    Effect.gen(function* () {
      const daemon = daemonOn({
        ...env(),
        AUTOMATELINUX_APP_RANGE: `${PORT}-${PORT + 5}`,
        AUTOMATELINUX_STALE_AFTER_DEV: "14 days"
      })
      yield* Effect.promise(() => server(PORT + 3, "127.0.0.1"))
      const allocate = (...apps: ReadonlyArray<string>) =>
        Effect.flatMap(Registry, (registry) =>
          registry.allocate({
            apps: apps.map((app) => AppName.make(app)),
            specials: [],
            description: undefined,
            directory: undefined,
            dryRun: false
          })
        )
      yield* daemon(
        Effect.gen(function* () {
          yield* set("b-prod", PORT + 2)
          yield* set("b-dev", PORT + 3)
          yield* set("a-prod", PORT)
          yield* set("c-dev", PORT + 5)
          yield* hours(24 * 14 + 1)
          // What is bound is looked at a moment later, by a clock that runs.
          const full = yield* Effect.withClock(Effect.flip(allocate("d")), Clock.make())
          expect(full).toMatchObject({ _tag: "RangeFull", figures: { slots: 3, claimed: 3, stale: 2 } })
        })
      )
    })
  )

  it.effect("remembers over a restart that a port was up until the daemon stopped", () =>
    Effect.gen(function* () {
      const shared = env()
      const child = yield* Effect.promise(() => server(PORT, "127.0.0.1"))
      yield* daemonOn(shared)(
        Effect.gen(function* () {
          yield* set("app-prod", PORT)
          yield* hours(24 * 20)
          yield* Effect.flatMap(HealthMonitor, (monitor) => monitor.flush)
        })
      )
      yield* Effect.promise(() => gone(child))
      const state = yield* daemonOn(shared)(Effect.zipRight(hours(5), stateOf("app-prod")))
      expect(state).toBe("down")
    })
  )
})

describe("a clock that is set", () => {
  const start = Date.parse("2026-11-20T12:00:00.000Z")
  const env = () => ({
    HOME: temporary(),
    AUTOMATELINUX_PROBE_INTERVAL: "1 second",
    AUTOMATELINUX_STALE_AFTER: "8 seconds"
  })

  /** What a daemon sees, and what is stored, after each second; `shows` is how far the clock is set then, in seconds. */
  const seconds = async (
    count: number,
    shows: (second: number) => number,
    between = () => tick as Effect.Effect<unknown, unknown, Parts>
  ) => {
    let second = 0
    const clock = clockOf(
      () => start + 1000 * (second + shows(second)),
      () => 1000 * second
    )
    const seen: Array<{ state: string | undefined; checked: number; since: number; watched: number; ahead: boolean }> =
      []
    await Effect.runPromise(
      daemonOn(env())(
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* Effect.flatMap(Registry, (each) =>
            each.set({ key: PortKey.make("app"), port: PORT, description: undefined, force: false })
          )
          for (; second < count; second++) {
            yield* between()
            const { notes, result } = yield* Effect.flatMap(Registry, (registry) => registry.list({}))
            const [row] = yield* sql<{ value: string }>`SELECT value FROM port_registry WHERE name = 'watched:box'`
            const now = start + 1000 * (second + shows(second))
            const health = result[0]?.health
            seen.push({
              state: health?.state,
              checked: Math.round((now - Date.parse(health?.checkedAt ?? "")) / 1000),
              since: Math.round((now - Date.parse(health?.since ?? "")) / 1000),
              watched: Number(row?.value.split(" ")[0]),
              ahead: notes.some(({ _tag }) => _tag === "HealthAhead")
            })
          }
        })
      ).pipe(Effect.withClock(clock))
    )
    return seen
  }

  it.each([
    ["never", () => 0],
    ["back a day after 4 s", (second: number) => (second < 4 ? 86_400 : 0)],
    ["back an hour, twice", (second: number) => (second < 3 ? 7200 : second < 6 ? 3600 : 0)],
    ["forward by days", (second: number) => (second < 4 ? 0 : 5 * 86_400)],
    ["back ten days right after the boot", (second: number) => (second < 1 ? 864_000 : 0)],
    ["to and fro each second", (second: number) => (second % 2) * 100_000]
  ])("changes nothing of what is watched: %s", async (_, shows) => {
    const seen = await seconds(12, shows)
    expect(seen.map(({ state }) => state)).toEqual([
      ...Array.from({ length: 8 }, () => "down"),
      ...Array.from({ length: 4 }, () => "stale")
    ])
    for (const [second, { ahead, checked, since, watched }] of seen.entries()) {
      expect(watched).toBeGreaterThanOrEqual(0)
      expect(watched).toBeLessThanOrEqual(second)
      // Stored at once when the clock was set, and otherwise once a minute.
      expect(checked).toBeGreaterThanOrEqual(0)
      expect(checked).toBeLessThan(60)
      expect(since).toBeGreaterThanOrEqual(0)
      expect(ahead).toBe(false)
    }
  })

  it("that was ahead when a daemon ended leaves no health of today", async () => {
    const shared = env()
    const at = (now: number) =>
      clockOf(
        () => now,
        () => 0
      )
    const ahead = daemonOn(shared)(Effect.zipRight(Effect.orDie(set("app", PORT)), tick))
    await Effect.runPromise(Effect.withClock(ahead, at(start + 864_000_000)))
    const listed = await Effect.runPromise(
      Effect.withClock(daemonOn(shared)(Effect.flatMap(Registry, (registry) => registry.list({}))), at(start))
    )
    expect(listed.result[0]?.health).toMatchObject({
      state: "down",
      checkedAt: null,
      since: "2026-11-20T12:00:00.000Z"
    })
    expect(listed.notes).toEqual([{ _tag: "HealthAhead", at: "2026-11-30T12:00:00.000Z" }])
    // The next daemon sets the times right.
    const mended = daemonOn(shared)(Effect.zipRight(tick, healthOf("app")))
    expect((await Effect.runPromise(Effect.withClock(mended, at(start))))?.health).toMatchObject({
      state: "down",
      checkedAt: "2026-11-20T12:00:00.000Z"
    })
  })

  it("of the host that claimed a port makes it down and stale no later", async () => {
    const shared = { ...env(), ...(await mariadb.fresh()) }
    let second = 0
    const clock = (ahead: number) =>
      clockOf(
        () => start + 1000 * (second + ahead),
        () => 1000 * second
      )
    const claim = daemonOn(shared, "there")(Effect.orDie(set("app", PORT)))
    await Effect.runPromise(Effect.withClock(claim, clock(3600)))
    const states: Array<string | undefined> = []
    await Effect.runPromise(
      daemonOn(
        shared,
        "here"
      )(
        Effect.gen(function* () {
          for (; second < 10; second++) {
            yield* tick
            states.push(yield* stateOf("app"))
          }
          // Its time has come, and what was seen before that is as true as it was.
          second = 4000
          states.push(yield* stateOf("app"))
        })
      ).pipe(Effect.withClock(clock(0)))
    )
    expect(states).toEqual([...Array.from({ length: 8 }, () => "down"), "stale", "stale", "stale"])
  })

  it("of the host that claims a port anew lets it begin anew, although it is behind", async () => {
    const shared = { ...env(), ...(await mariadb.fresh()) }
    let second = 0
    const clock = (ahead: number) =>
      clockOf(
        () => start + 1000 * (second + ahead),
        () => 1000 * second
      )
    const there = <A, E>(use: (registry: Registry) => Effect.Effect<A, E>) =>
      Effect.withClock(daemonOn(shared, "there")(Effect.flatMap(Registry, use)), clock(-3600))
    await Effect.runPromise(
      daemonOn(
        shared,
        "here"
      )(
        Effect.gen(function* () {
          yield* Effect.orDie(set("app", PORT))
          for (; second < 10; second++) yield* tick
          expect(yield* stateOf("app")).toBe("stale")
          yield* there((each) => each.remove(PortKey.make("app")))
          yield* there((each) =>
            each.set({ key: PortKey.make("app"), port: PORT, description: undefined, force: false })
          )
          yield* tick
          expect(yield* stateOf("app")).toBe("down")
        })
      ).pipe(Effect.withClock(clock(0)))
    )
  })

  it("that was ahead does not keep the time at which an owner was last seen", async () => {
    const shared = env()
    const child = await server(PORT, "127.0.0.1")
    const on = (now: number) =>
      daemonOn(shared)(
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* Effect.orDie(set("app", PORT))
          yield* tick
          yield* Effect.flatMap(HealthMonitor, (monitor) => monitor.flush)
          return yield* sql`SELECT name, seen FROM port_owners`
        })
      ).pipe(
        Effect.withClock(
          clockOf(
            () => now,
            () => 0
          )
        ),
        Effect.runPromise
      )
    await on(start + 864_000_000)
    expect(await on(start)).toEqual([{ name: child.directory, seen: "2026-11-20T12:00:00.000Z" }])
  })
})

describe("two machines of one name", () => {
  /** The monitors of two daemons of `box` on the machines 1 and `other`, on one database. */
  const both = <A, E>(
    env: Readonly<Record<string, string>>,
    other: string,
    use: (one: HealthMonitor, two: HealthMonitor) => Effect.Effect<A, E, Parts>
  ) =>
    daemonOn(env)(
      Effect.flatMap(HealthMonitor, (one) =>
        daemonOn(
          env,
          "box",
          other
        )(Effect.flatMap(HealthMonitor, (two) => Effect.zipRight(set("app", PORT), use(one, two))))
      )
    )
  const states = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT state FROM port_health`)
  /** What the other machine would have written, on which the port is up. */
  const overwrite = Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`UPDATE port_health SET state = ${"up"}, since = ${"1970-01-01T00:00:01.000Z"}`
  )

  it.effect.each([sqlite, mariadb])("are noticed by both on $name, and forgotten when one ends", (database) =>
    Effect.gen(function* () {
      yield* both({ HOME: temporary(), ...(yield* Effect.promise(() => database.fresh())) }, "2", (one, two) =>
        Effect.gen(function* () {
          for (const round of [1, 2, 3]) {
            for (const each of [one, two]) {
              yield* later("15 seconds")
              // From what a daemon finds when it starts it goes on.
              if (round > 1) yield* overwrite
              yield* each.tick()
              expect(yield* states).toEqual([{ state: "down" }])
            }
            expect((yield* one.rival)?.machine).toBe(round < 3 ? undefined : "2")
            expect((yield* two.rival)?.machine).toBe(round < 3 ? undefined : "1")
          }
          yield* two.flush
          for (let index = 0; index < 8; index++) {
            yield* later("30 seconds")
            yield* one.tick()
          }
          expect(yield* one.rival).toBeUndefined()
        })
      )
    })
  )

  it.effect("are not made of one whose record is seen again because nothing could be stored", () =>
    Effect.gen(function* () {
      const env = { HOME: temporary(), ...(yield* Effect.promise(() => mariadb.fresh())) }
      yield* both(env, "2", (one, two) =>
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* one.tick()
          yield* later("15 seconds")
          yield* two.tick()
          for (const what of ["INSERT", "UPDATE"])
            yield* sql.unsafe(
              `CREATE TRIGGER no_${what} BEFORE ${what} ON port_registry FOR EACH ROW SIGNAL SQLSTATE '45000'`
            ).raw
          for (let count = 0; count < 4; count++) {
            yield* later("15 seconds")
            yield* Effect.flip(one.tick())
          }
          expect(yield* one.rival).toBeUndefined()
        })
      )
    })
  )

  it.effect("are none if one replaces the other, or both are one", () =>
    Effect.gen(function* () {
      const env = { HOME: temporary(), ...(yield* Effect.promise(() => mariadb.fresh())) }
      yield* both(env, "2", (one, two) =>
        Effect.gen(function* () {
          yield* one.tick()
          // As when a container is replaced, or a machine starts again.
          yield* two.tick()
          yield* one.flush
          for (let index = 0; index < 5; index++) {
            yield* later("30 seconds")
            yield* two.tick()
            expect(yield* two.rival).toBeUndefined()
          }
        })
      )
      yield* both(env, "1", (one, two) =>
        Effect.gen(function* () {
          for (let index = 0; index < 5; index++) {
            yield* later("30 seconds")
            yield* one.tick()
            yield* two.tick()
            expect(yield* Effect.all([one.rival, two.rival])).toEqual([undefined, undefined])
          }
        })
      )
    })
  )
})

it.effect("stores the health of a host with the longest name that there may be", () =>
  Effect.gen(function* () {
    const daemon = daemonOn(
      { HOME: temporary(), ...(yield* Effect.promise(() => mariadb.fresh())) },
      "h".repeat(HOST_MAX)
    )
    yield* daemon(
      Effect.gen(function* () {
        yield* set("app", PORT)
        yield* tick
        expect(yield* stateOf("app")).toBe("down")
      })
    )
  })
)

it.effect("keeps each host's own health of one registry, and shows an allocation at once", () =>
  Effect.gen(function* () {
    const env = { HOME: temporary(), ...(yield* Effect.promise(() => mariadb.fresh())) }
    const [here, there] = [daemonOn(env, "here"), daemonOn(env, "there")]
    const child = yield* Effect.promise(() => server(PORT, "127.0.0.1"))
    yield* here(Effect.zipRight(set("app", PORT), tick))
    yield* Effect.promise(() => gone(child))
    yield* there(
      Effect.gen(function* () {
        expect((yield* healthOf("app"))?.port).toBe(PORT)
        expect(yield* stateOf("app")).toBe("unknown")
        yield* tick
        expect(yield* stateOf("app")).toBe("down")
      })
    )
    yield* here(
      Effect.gen(function* () {
        expect(yield* stateOf("app")).toBe("up")
      })
    )
  })
)
