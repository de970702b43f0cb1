import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { describe, expect, it } from "vitest"
import { AppName, PortKey } from "../../src/domain/PortKey.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { Store } from "../../src/store/Store.ts"
import { type SchemaStep, SchemaSteps } from "../../src/store/schema.ts"
import { type Run, startDaemon } from "../support/cli.ts"
import { inProcess } from "../support/inProcess.ts"
import { mariadbLayouts, sqliteLayouts, withLayout } from "../support/layouts.ts"
import { sharedServer } from "../support/mariadb.ts"
import { registryLayer } from "../support/registry.ts"

const ENV = {
  AUTOMATELINUX_APP_RANGE: "27600-27699",
  AUTOMATELINUX_SPECIAL_RANGE: "27700-27799",
  AUTOMATELINUX_HOST: "box",
  AUTOMATELINUX_PROBE_INTERVAL: "1 second"
}

/** What a program of a newer version adds: a table, and a column that an older one leaves out. */
const STEPS: ReadonlyArray<SchemaStep> = [
  {
    version: 2,
    since: "0.2.0",
    statements: ({ name, options }) => [
      `ALTER TABLE port_keys ADD COLUMN team ${name(64)}`,
      `CREATE TABLE port_teams (team ${name(64)} NOT NULL PRIMARY KEY)${options}`,
      "CREATE INDEX port_keys_team ON port_keys (team)"
    ],
    columns: [
      ["port_keys", ["team"]],
      ["port_teams", ["team"]]
    ]
  }
]

/** Other registries, and other tables, that a hint might propose. */
const ELSEWHERE = /another|AUTOMATELINUX_DATABASE_URL|AUTOMATELINUX_SETTINGS_TABLE/

const QUESTIONS = [
  ["getPort", "--key", "cad-dev"],
  ["listPorts"],
  ["explain", "--key", "cad-dev"],
  ["allocate", "--app", "shop", "--dry-run"],
  ["doctor"]
]

const CHANGES = [
  ["allocate", "--app", "shop"],
  ["setPort", "--key", "cad-dev", "--value", "27601"],
  ["setPort", "--key", "cad-dev", "--description", "x"],
  ["release", "--app", "cad"],
  ["deletePort", "--key", "proxy"],
  ["rename", "--key", "proxy", "--to", "tunnel"],
  ["reserve", "--port", "27610", "--reason", "kept"],
  ["unreserve", "--port", "27602"],
  ["allocate", "--app", "shop", "--dry-run"]
]

describe.each([sqliteLayouts, mariadbLayouts])("the tables on $name", (layouts) => {
  const prepared = () => withLayout(layouts, inProcess({ ...ENV, AUTOMATELINUX_DAEMON: "never" }))

  /** A program that knows `steps`, in this process. */
  const program = (env: Readonly<Record<string, string>>, steps = STEPS) => {
    const runtime = ManagedRuntime.make(
      registryLayer({ ...ENV, ...env }).pipe(Layer.provide(Layer.succeed(SchemaSteps, steps)))
    )
    const run = <A, E>(use: (registry: Registry) => Effect.Effect<A, E>) =>
      runtime.runPromise(Effect.either(Effect.flatMap(Registry, use)))
    return {
      allocate: (app: string, dryRun = false) =>
        run((registry) =>
          registry.allocate({
            apps: [AppName.make(app)],
            specials: [],
            description: undefined,
            directory: undefined,
            dryRun
          })
        ),
      get: (key: string) => run((registry) => registry.get(PortKey.make(key))),
      list: () => run((registry) => registry.list({})),
      schemaStatus: () => runtime.runPromise(Effect.flatMap(Store, (store) => store.schemaStatus)),
      makeTables: () => runtime.runPromise(Effect.flatMap(Store, (store) => store.makeTables)),
      end: () => runtime.dispose()
    }
  }

  describe("of 0.1.0", () => {
    it("answer every question and change nothing by it", async () => {
      const { box, dump } = await prepared()
      const before = await dump()
      for (const words of QUESTIONS) {
        const run = await box.d(...words)
        expect(run.code, words.join(" ")).toBe(0)
        expect(run.stdout + run.stderr).not.toMatch(ELSEWHERE)
      }
      expect(await dump()).toBe(before)
      const daemon = await startDaemon(box.with({ AUTOMATELINUX_DAEMON: "auto" }))
      for (const words of QUESTIONS) await box.with({ AUTOMATELINUX_DAEMON: "auto" }).ok(...words)
      await daemon.stop()
    })

    it("take every change, keep what they held, and get the row of their version", async () => {
      const { box, dump } = await prepared()
      expect(await box.ok("allocate", "--app", "cad", "--app", "shop")).toBe(
        "cad-prod 27600\ncad-dev 27601\nshop-prod 27604\nshop-dev 27605\n"
      )
      expect(await dump()).toContain("1 0.1.0")
      await box.ok("setPort", "--key", "cad-dev", "--value", "27611", "--description", "moved", "--dir", "/srv/x")
      await box.ok("rename", "--key", "proxy", "--to", "tunnel")
      await box.ok("reserve", "--port", "27620", "--reason", "kept")
      await box.ok("unreserve", "--port", "27602")
      expect(await box.ok("release", "--app", "shop")).toBe("shop-prod 27604\nshop-dev 27605\n")
      const listed = JSON.parse(await box.ok("listPorts", "--json")) as ReadonlyArray<{ key: string; port: number }>
      expect(listed.map(({ key, port }) => `${key} ${port}`)).toEqual([
        "cad-prod 27600",
        "cad-dev 27611",
        "tunnel 27700"
      ])
      const explained = await box.ok("explain", "--key", "cad-prod")
      expect(explained).toContain("2026-01-01")
      expect(await dump()).toContain("theme")
      expect((await box.d("doctor")).stdout).not.toMatch(ELSEWHERE)
    })
  })

  /** What refuses an older program. */
  const refusal = (known = "version 1") => ({
    code: 3,
    stdout: "",
    stderr: expect.stringMatching(
      new RegExp(
        `^error: cannot use .*: its tables have version 2, from d 0\\.2\\.0; this is d \\d+\\.\\d+\\.\\d+, which supports ${known}\\n` +
          "hint: install d 0\\.2\\.0 or newer, and restart the daemon if there is one\\n$"
      )
    )
  })

  /** A layout that a future program may have made: what this one reads and writes is not there any more. */
  const FUTURE = `
    DELETE FROM port_registry WHERE name = 'schema_version';
    INSERT INTO port_registry VALUES ('schema_version', '2 0.2.0');
    ALTER TABLE port_claims RENAME COLUMN claim_key TO owner_key;
    ALTER TABLE port_keys ADD COLUMN team VARCHAR(64) NOT NULL DEFAULT 'x';
    CREATE TABLE port_teams (team VARCHAR(64) NOT NULL PRIMARY KEY);
    INSERT INTO port_teams VALUES ('x');`

  describe("of a newer version", () => {
    it("are not changed, and are answered from only if they are understood", async () => {
      const { box, dump, sql } = await prepared()
      await sql(FUTURE)
      const before = await dump()
      for (const words of [...CHANGES, ["listPorts"], ["explain", "--key", "cad-dev"]])
        expect(await box.d(...words), words.join(" ")).toEqual(refusal())
      // The port itself is where it has always been.
      expect(await box.ok("getPort", "--key", "cad-dev")).toBe("27601\n")
      for (const words of [["doctor"], ["doctor", "--fix"], ["doctor", "--check", "store-schema"]]) {
        const run = await box.d(...words)
        expect(run.code).toBe(1)
        expect(run.stdout).toMatch(/have version 2, but d \d+\.\d+\.\d+ uses version 1/)
        expect(run.stdout).toContain("note: install d 0.2.0 or newer")
        expect(run.stdout + run.stderr).not.toMatch(ELSEWHERE)
      }
      expect(await dump()).toBe(before)
    })

    it("are not read either if the settings are not understood", async () => {
      const { box, dump, sql } = await prepared()
      await sql(`${FUTURE} ALTER TABLE settings RENAME COLUMN setting_value TO port`)
      const before = await dump()
      for (const words of [...CHANGES, ["getPort", "--key", "cad-dev"]])
        expect(await box.d(...words), words.join(" ")).toEqual(refusal())
      expect(await dump()).toBe(before)
    })

    it("are left alone by a daemon that was there before them, and by one that starts", async () => {
      const { box, dump, sql } = await prepared()
      const served = box.with({ AUTOMATELINUX_DAEMON: "auto" })
      const daemon = await startDaemon(served)
      expect(await served.ok("getPort", "--key", "cad-dev")).toBe("27601\n")
      await served.ok("allocate", "--app", "shop")
      await sql(FUTURE)
      const before = await dump()
      expect(await served.ok("getPort", "--key", "cad-dev")).toBe("27601\n")
      for (const words of [...CHANGES, ["listPorts"]]) expect(await served.d(...words)).toEqual(refusal())
      while (!daemon.log().includes("a tick failed")) await new Promise((done) => setTimeout(done, 50))
      expect(daemon.log()).toContain("its tables have version 2")
      expect(await daemon.stop()).toBe(0)
      await startDaemon(served)
      expect(await served.d("allocate", "--app", "new")).toEqual(refusal())
      expect(await dump()).toBe(before)
    })

    it.each(["2", "2 0.2.0 and more", "two", "", "0", "-1", "1.5", "99999999999999999999"])(
      "are refused if they say %j",
      async (row) => {
        const { box, dump, sql } = await prepared()
        await sql(`INSERT INTO port_registry VALUES ('schema_version', '${row}')`)
        const before = await dump()
        const run = await box.d("allocate", "--app", "shop")
        expect([run.code, run.stdout]).toEqual([3, ""])
        expect(run.stderr).toMatch(/^error: .* its tables have version .*\nhint: install a newer d, .*\n$/)
        expect(await dump()).toBe(before)
      }
    )
  })

  describe("of an older version", () => {
    it("answer questions of a newer program as they are", async () => {
      const { dump, env } = await prepared()
      const newer = program(env)
      const before = await dump()
      expect(Either.getOrThrow(await newer.get("cad-dev")).result.port).toBe(27601)
      expect(Either.getOrThrow(await newer.list()).result).toHaveLength(3)
      expect(Either.getOrThrow(await newer.allocate("shop", true)).result.assignments[0]?.port).toBe(27604)
      expect(await newer.schemaStatus()).toMatchObject({
        missing: [],
        foreign: [],
        stored: { version: 1 },
        known: { version: 2 }
      })
      expect(await dump()).toBe(before)
      await newer.end()
    })

    it("are brought up to date by the first change, of several at once, while an older program goes on", async () => {
      const { box, dump, env } = await prepared()
      const programs = Array.from({ length: 4 }, () => program(env))
      const older = Array.from({ length: 4 }, (_, index) => box.d("allocate", "--app", `old${index}`))
      const questions = Array.from({ length: 4 }, () => box.d("getPort", "--key", "cad-dev"))
      const allocated = await Promise.all(programs.map((each, index) => each.allocate(`new${index}`)))
      const ports = allocated.map((each) => Either.getOrThrow(each).result.assignments[0]?.port)
      const runs: ReadonlyArray<Run> = await Promise.all(older)
      for (const run of runs) {
        if (run.code === 0) ports.push(Number(/prod (\d+)/.exec(run.stdout)?.[1]))
        else expect(run).toEqual(refusal())
      }
      for (const run of await Promise.all(questions)) expect(run.stdout).toBe("27601\n")
      expect(new Set(ports).size).toBe(ports.length)
      const applyChanges = await dump()
      expect(applyChanges).toContain("2 0.2.0")
      expect(await programs[0]?.schemaStatus()).toMatchObject({
        missing: [],
        foreign: [],
        stored: { version: 2, since: "0.2.0" }
      })
      // From then on the older program reads, and changes nothing.
      expect(await box.ok("listPorts")).toContain("new3-dev")
      for (const words of CHANGES) expect(await box.d(...words)).toEqual(refusal())
      const daemon = await startDaemon(box.with({ AUTOMATELINUX_DAEMON: "auto" }))
      while (!daemon.log().includes("a tick failed")) await new Promise((done) => setTimeout(done, 50))
      expect(await daemon.stop()).toBe(0)
      expect(await dump()).toBe(applyChanges)
      await Promise.all(programs.map((each) => each.end()))
    })

    it("are finished by the next program if one has ended in the middle", async () => {
      const { env, sql } = await prepared()
      await sql("ALTER TABLE port_keys ADD COLUMN team VARCHAR(64)")
      const newer = program(env)
      expect(Either.getOrThrow(await newer.allocate("shop")).result.assignments[0]?.port).toBe(27604)
      expect(await newer.schemaStatus()).toMatchObject({ missing: [], foreign: [], stored: { version: 2 } })
      await newer.end()
    })

    it("are brought up to date on request", async () => {
      const { env } = await prepared()
      const newer = program(env)
      await newer.makeTables()
      expect(await newer.schemaStatus()).toMatchObject({ missing: [], foreign: [], stored: { version: 2 } })
      await newer.end()
    })
  })

  it("are of the newest version when they are made by several at once", async () => {
    const box = inProcess(ENV)
    const env =
      layouts.name === "SQLite"
        ? { HOME: box.home }
        : { AUTOMATELINUX_DATABASE_URL: await (await sharedServer()).database("fresh_versions") }
    const programs = Array.from({ length: 4 }, () => program(env))
    const allocated = await Promise.all(programs.map((each, index) => each.allocate(`app${index}`)))
    expect(new Set(allocated.map((each) => Either.getOrThrow(each).result.assignments[0]?.port)).size).toBe(4)
    expect(await programs[0]?.schemaStatus()).toMatchObject({
      missing: [],
      foreign: [],
      stored: { version: 2, since: "0.2.0" }
    })
    await Promise.all(programs.map((each) => each.end()))
  })
})

it("says in one sentence that a server's user may not bring the tables up to date, and changes nothing", async () => {
  const { box, dump, env } = await withLayout(mariadbLayouts, inProcess(ENV))
  const server = await sharedServer()
  const name = /\/(layout\d+)\?/.exec(env["AUTOMATELINUX_DATABASE_URL"] ?? "")?.[1] ?? ""
  await server.query(
    `CREATE USER 'few'@'%' IDENTIFIED BY 'secret'; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON ${name}.* TO 'few'@'%'`
  )
  const limited = { AUTOMATELINUX_DATABASE_URL: (env["AUTOMATELINUX_DATABASE_URL"] ?? "").replace("ports:", "few:") }
  // Without a step the rights suffice, for the row of the version as well.
  expect(await box.with(limited).ok("allocate", "--app", "shop")).toContain("shop-prod 27604")
  const before = await dump()
  const runtime = ManagedRuntime.make(
    registryLayer({ ...ENV, ...limited }).pipe(Layer.provide(Layer.succeed(SchemaSteps, STEPS)))
  )
  const change = Effect.flatMap(Registry, (registry) => registry.reserve([27650], "kept"))
  expect(await runtime.runPromise(Effect.flip(change))).toMatchObject({
    _tag: "Unavailable",
    reason: expect.stringMatching(/^it does not allow that: ALTER command denied/)
  })
  const question = Effect.flatMap(Registry, (registry) => registry.get(PortKey.make("shop-dev")))
  expect((await runtime.runPromise(question)).result.port).toBe(27605)
  expect(await dump()).toBe(before)
  await runtime.dispose()
})
