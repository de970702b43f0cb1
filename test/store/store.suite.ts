import { userInfo } from "node:os"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { applyChanges } from "../../src/domain/applyChanges.ts"
import { AppName, PortKey, SpecialKey } from "../../src/domain/PortKey.ts"
import type { Change } from "../../src/domain/RegistryState.ts"
import { RequestDeadline } from "../../src/domain/RequestDeadline.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { Store } from "../../src/store/Store.ts"
import { clockOf } from "../support/clock.ts"
import type { TestDatabase } from "../support/databases.ts"
import { at, rangesEnv } from "../support/ports.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

const key = (name: string) => PortKey.make(name)
const pair = (...apps: ReadonlyArray<string>) => ({
  apps: apps.map((app) => AppName.make(app)),
  specials: [],
  description: undefined,
  directory: undefined,
  dryRun: false
})

/** The registry on a real database, with another program's SQL beside it. */
export const storeSuite = (database: TestDatabase) =>
  describe(`the store on ${database.name}`, () => {
    let runtime: ManagedRuntime.ManagedRuntime<Registry | Store | SqlClient.SqlClient, unknown>
    let env: Readonly<Record<string, string>>

    beforeEach(async () => {
      env = { HOME: temporary(), AUTOMATELINUX_HOST: "box", ...rangesEnv, ...(await database.fresh()) }
      runtime = ManagedRuntime.make(registryLayer(env))
    })
    afterEach(() => runtime.dispose())

    const registry = <A, E>(use: (registry: Registry) => Effect.Effect<A, E>) =>
      runtime.runPromise(Effect.flatMap(Registry, (each) => Effect.either(use(each))))
    const ok = async <A, E>(use: (registry: Registry) => Effect.Effect<A, E>) =>
      Either.getOrThrowWith(await registry(use), (error) => new Error(JSON.stringify(error)))

    /** What another program does, in SQL of its own. */
    const foreign = (
      text: string,
      ...values: ReadonlyArray<unknown>
    ): Promise<ReadonlyArray<Record<string, unknown>>> =>
      runtime.runPromise(Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(text, values)))
    const write = (name: string, value: string) =>
      foreign("INSERT INTO settings (setting_key, setting_value) VALUES (?, ?)", name, value)

    const claims = async () =>
      Object.fromEntries(
        (await foreign("SELECT port, claim_key FROM port_claims")).map((row) => [row["port"], row["claim_key"]])
      )
    const settings = async () =>
      Object.fromEntries(
        (await foreign("SELECT setting_key, setting_value FROM settings")).map((row) => [
          row["setting_key"],
          row["setting_value"]
        ])
      )
    const history = async () =>
      (await foreign("SELECT * FROM port_history WHERE what NOT LIKE 'undo:%' ORDER BY id")).map((row) => [
        row["what"],
        row["key"],
        row["old_port"],
        row["new_port"]
      ])

    /** What the first change does. */
    const makeTables = () => runtime.runPromise(Effect.flatMap(Store, (store) => store.makeTables))

    it("stores an assignment as the plain row that other programs read", async () => {
      await ok((each) => each.allocate(pair("cad")))
      expect(await settings()).toEqual({ "port_cad-prod": String(at(3000)), "port_cad-dev": String(at(3001)) })
      expect(await claims()).toEqual({ [at(3000)]: "cad-prod", [at(3001)]: "cad-dev" })
    })

    it("never touches the rows of others, not even what looks like ours to LIKE", async () => {
      await ok((each) => each.allocate(pair("warm")))
      for (const [name, value] of [
        ["portX3000", "3000"],
        ["PORT_big", "1"],
        ["theme", "dark"],
        ["portal_x", "y"]
      ] as const)
        await write(name, value)
      await ok((each) => each.release({ apps: [AppName.make("warm")], specials: [], force: false }))
      await ok((each) => each.set({ key: key("a"), port: 4000, description: undefined, force: false }))
      expect(await settings()).toEqual({
        portX3000: "3000",
        PORT_big: "1",
        theme: "dark",
        portal_x: "y",
        port_a: "4000"
      })
    })

    it("adopts, follows and drops what other programs wrote, and tells it in the history", async () => {
      await ok((each) => each.allocate(pair("cad")))
      await write("port_tool", String(at(3010)))
      await foreign("UPDATE settings SET setting_value = ? WHERE setting_key = ?", String(at(3100)), "port_cad-dev")
      await foreign("DELETE FROM settings WHERE setting_key = ?", "port_cad-prod")
      await ok((each) => each.reserve([9], "any write will do"))
      expect(await claims()).toEqual({ [at(3010)]: "tool", [at(3100)]: "cad-dev" })
      expect((await history()).slice(2)).toEqual([
        ["drop", "cad-prod", at(3000), null],
        ["follow", "cad-dev", at(3001), at(3100)],
        ["adopt", "tool", null, at(3010)],
        ["reserve", null, null, 9]
      ])
    })

    it("never gives out what a foreign row holds, even under a name that is no key", async () => {
      await ok((each) => each.allocate(pair("warm")))
      await write("port_some name", String(at(3002)))
      const { result } = await ok((each) => each.allocate(pair("a")))
      expect(result.assignments[0]?.port).toBe(at(3004))
    })

    it("answers no number for a row that holds none, and takes its place", async () => {
      await makeTables()
      for (const [index, value] of ["abc", "", " 3000", "03000", "70000", "3000.0"].entries()) {
        const name = key(`bad${index}`)
        await write(`port_${name}`, value)
        expect(await registry((each) => each.get(name))).toMatchObject({
          left: { _tag: "NotSet", key: name, stored: value }
        })
      }
      expect((await ok((each) => each.list({}))).notes).toHaveLength(6)
      await ok((each) => each.set({ key: key("bad0"), port: 5000, description: undefined, force: false }))
      expect((await ok((each) => each.get(key("bad0")))).result.port).toBe(5000)
      expect((await ok((each) => each.remove(key("bad1")))).result.released).toEqual([{ key: "bad1", port: null }])
    })

    it("tells keys apart by case and by every byte", async () => {
      for (const [index, name] of ["cad", "CAD", "Cad", "ca", "cad."].entries()) {
        await ok((each) => each.set({ key: key(name), port: 4100 + index, description: name, force: false }))
      }
      expect((await ok((each) => each.get(key("CAD")))).result.port).toBe(4101)
      await ok((each) => each.remove(key("CAD")))
      expect(await registry((each) => each.get(key("CAD")))).toMatchObject({ left: { _tag: "NotSet" } })
      expect((await ok((each) => each.get(key("cad")))).result.port).toBe(4100)
    })

    it("passes a shared port's claim to the lowest remaining name", async () => {
      const set = (name: string, port: number, force = false) =>
        ok((each) => each.set({ key: key(name), port, description: undefined, force }))
      await set("holder", 4200)
      await set("zed", 4200, true)
      await set("pt", 4200, true)
      expect(await claims()).toEqual({ 4200: "holder" })
      await set("holder", 4201)
      expect(await claims()).toEqual({ 4200: "pt", 4201: "holder" })
      await ok((each) => each.rename({ key: key("pt") }, key("pu")))
      expect(await claims()).toEqual({ 4200: "pu", 4201: "holder" })
      await ok((each) => each.remove(key("pu")))
      expect(await claims()).toEqual({ 4200: "zed", 4201: "holder" })
    })

    it("writes history in the same transaction, and nothing where nothing changes", async () => {
      const set = () => ok((each) => each.set({ key: key("a"), port: 4300, description: "one", force: false }))
      await set()
      const before = await history()
      expect(before).toEqual([
        ["set", "a", null, 4300],
        ["describe", "a", null, null]
      ])
      await set()
      await ok((each) => each.release({ apps: [], specials: [SpecialKey.make("none")], force: false }))
      await registry((each) => each.set({ key: key("b"), port: 4300, description: "two", force: false }))
      await registry((each) => each.rename({ key: key("a") }, key("a")))
      expect(await history()).toEqual(before)
      const [row] = await foreign("SELECT * FROM port_history")
      expect(row).toMatchObject({ host: "box", program: "test", at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) })
    })

    it("leaves nothing of a call that fails in the middle", async () => {
      await ok((each) => each.set({ key: key("half-prod"), port: 9000, description: undefined, force: false }))
      const before = [await settings(), await claims(), await history()]
      const failed = await registry((each) => each.allocate(pair("fine", "half")))
      expect(failed).toMatchObject({ left: { _tag: "PairBlocked" } })
      expect([await settings(), await claims(), await history()]).toEqual(before)
    })

    it("keeps the constraint: a claim written past the queue is never overwritten", async () => {
      await makeTables()
      await write("port_squatter", String(at(3000)))
      await foreign(
        `INSERT INTO port_claims (port, claim_key, claimed_at, host, ${env["AUTOMATELINUX_DATABASE_URL"]?.startsWith("mysql") ? "`by`" : '"by"'}) VALUES (?, ?, ?, ?, ?)`,
        at(3000),
        "squatter",
        "2020-01-01T00:00:00.000Z",
        "elsewhere",
        "them"
      )
      const refused = await registry((each) =>
        each.set({ key: key("me"), port: at(3000), description: undefined, force: false })
      )
      expect(refused).toMatchObject({ left: { _tag: "PortHeld", holders: ["squatter"] } })
      expect((await ok((each) => each.allocate(pair("next")))).result.assignments[0]?.port).toBe(at(3002))
    })

    it("knows what a change leaves without reading it again", async () => {
      const now = "2026-01-01T00:00:00.000Z"
      const clock = clockOf(() => Date.parse(now))
      const right = { claimedAt: now, host: "box", by: userInfo().username }
      await makeTables()
      await write("port_foreign", String(at(3020)))
      const plans: ReadonlyArray<ReadonlyArray<Change>> = [
        [],
        [
          { _tag: "Assign", what: "allocate", key: "a", port: at(3000) },
          { _tag: "Assign", what: "allocate", key: "b", port: at(3001) },
          { _tag: "Describe", key: "b", description: "one" },
          { _tag: "Bind", key: "b", owner: { kind: "directory", name: "/x" }, seen: true }
        ],
        [{ _tag: "Assign", what: "set", key: "zed", port: at(3001) }],
        [{ _tag: "Assign", what: "set", key: "c", port: at(3001) }],
        [{ _tag: "Rename", key: "b", to: "bee" }],
        [{ _tag: "Describe", key: "bee", description: null }],
        [{ _tag: "Bind", key: "bee", owner: { kind: "unit", name: "x.service" }, seen: false }],
        [{ _tag: "Assign", what: "set", key: "foreign", port: at(3021) }],
        [{ _tag: "Assign", what: "set", key: "bee", port: at(3030) }],
        [
          { _tag: "Reserve", ports: [at(3040), at(3042)], reason: "kept" },
          { _tag: "Reserve", ports: [at(3041)], reason: "kept" }
        ],
        [{ _tag: "Unreserve", ports: [at(3040), at(3042)] }],
        [{ _tag: "Ignore", target: { check: "port-shared", key: "bee", port: null }, reason: "meant to be so" }],
        [{ _tag: "Ignore", target: { check: "port-squatted", key: null, port: at(3050) }, reason: "a test" }],
        [{ _tag: "Ignore", target: { check: "port-shared", key: "bee", port: null }, reason: "still meant to be so" }],
        [{ _tag: "Ignore", target: { check: "port-stale", key: "a", port: null }, reason: "starts in summer" }],
        [{ _tag: "Unignore", target: { check: "port-squatted", key: null, port: at(3050) } }],
        [{ _tag: "Rename", key: "bee", to: "bumble" }],
        [{ _tag: "Rename", key: "bumble", to: "bee" }],
        [
          { _tag: "Remove", what: "release", key: "a" },
          { _tag: "Remove", what: "release", key: "bee" }
        ],
        [{ _tag: "Assign", what: "allocate", key: "a", port: at(3030) }]
      ]
      for (const changes of plans) {
        const [expected, there] = await runtime.runPromise(
          Effect.gen(function* () {
            const store = yield* Store
            const expected = yield* store.write((state) =>
              Effect.succeed({ answer: applyChanges(state, changes, right), changes })
            )
            return [expected, (yield* store.readEverything).state] as const
          }).pipe(Effect.withClock(clock))
        )
        expect({ ...there, facts: undefined }, JSON.stringify(changes)).toEqual({
          ...expected,
          facts: undefined
        })
      }
    })

    it("writes what comes at the same time in one transaction, each on what the one before left", async () => {
      await ok((each) => each.reserve([9], "makes the tables"))
      const set = (name: string, port: number) =>
        registry((each) => each.set({ key: key(name), port, description: undefined, force: false }))
      await ok((each) => each.set({ key: key("old"), port: 4400, description: "old", force: false }))
      const [freed, taken, first, second, ...pairs] = await Promise.all([
        registry((each) => each.remove(key("old"))),
        set("new", 4400),
        set("one", 4401),
        set("two", 4401),
        registry((each) => each.remove(key("one"))),
        set("one", 4402),
        ...Array.from({ length: 20 }, (_, index) => registry((each) => each.allocate(pair(`app${index}`))))
      ])
      expect([freed, taken, first].map(({ _tag }) => _tag)).toEqual(["Right", "Right", "Right"])
      expect(second).toMatchObject({ left: { _tag: "PortHeld", holders: ["one"] } })
      expect(pairs.map(({ _tag }) => _tag)).toEqual(pairs.map(() => "Right"))
      const stored = await settings()
      expect(stored).toMatchObject({ port_new: "4400", port_one: "4402" })
      expect(Object.keys(stored)).toHaveLength(42)
      expect(Object.keys(await claims())).toHaveLength(42)
      // What is written together is written at one time, each change under its own number. On a busy machine the changes
      // come apart, but not one by one.
      expect((await foreign("SELECT DISTINCT at FROM port_history")).length).toBeLessThan(20)
      expect((await foreign("SELECT DISTINCT batch FROM port_history")).length).toBeGreaterThan(20)
      const done = (await history()).filter(([, name]) => name === "one" || name === "old")
      expect(done).toEqual([
        ["set", "old", null, 4400],
        ["describe", "old", null, null],
        ["delete", "old", 4400, null],
        ["set", "one", null, 4401],
        ["delete", "one", 4401, null],
        ["set", "one", null, 4402]
      ])
    })

    it("begins nothing for whom it has become too late, and does not let others wait for it", async () => {
      const set = (name: string, port: number, deadline: number) =>
        registry((each) =>
          Effect.provideService(
            each.set({ key: key(name), port, description: undefined, force: false }),
            RequestDeadline,
            deadline
          )
        )
      const [late, soon] = await Promise.all([
        set("late", 4600, performance.now() - 1),
        set("soon", 4600, performance.now() + 60_000)
      ])
      expect(late).toMatchObject({ left: { _tag: "TooLate" } })
      expect(soon).toMatchObject({ right: { result: { key: "soon", port: 4600 } } })
      expect(await settings()).toEqual({ port_soon: "4600" })
    })

    it("sees at its next look what anybody has written since the last one", async () => {
      const watch = Effect.flatMap(Store, (store) => store.readForTick)
      expect(await runtime.runPromise(watch)).toBeUndefined()
      await makeTables()
      const looked = () => runtime.runPromise(Effect.flatMap(watch, Effect.fromNullable))
      expect([...(await looked()).rows]).toEqual([])
      await write("port_theirs", "4500")
      expect([...(await looked()).rows]).toEqual([["theirs", "4500"]])
      await ok((each) => each.set({ key: key("ours"), port: 4501, description: undefined, force: false }))
      expect((await looked()).claims.get(4501)?.key).toBe("ours")
      await foreign("DELETE FROM settings WHERE setting_key = ?", "port_theirs")
      expect([...(await looked()).rows]).toEqual([["ours", "4501"]])
      expect(await looked()).toEqual(await looked())
    })

    it("refuses a second table of settings on the same claims, for questions too, and makes no table", async () => {
      await ok((each) => each.allocate(pair("cad")))
      const settings = { ...env, AUTOMATELINUX_SETTINGS_TABLE: "other_settings" }
      const other = ManagedRuntime.make(registryLayer(settings))
      const refused = <A, E>(use: (registry: Registry) => Effect.Effect<A, E>) =>
        other.runPromise(Effect.flip(Effect.flatMap(Registry, use)))
      for (const use of [
        (each: Registry) => each.allocate(pair("shop")),
        (each: Registry) => each.get(key("cad-dev")),
        (each: Registry) => each.getSome([key("cad-dev")]),
        (each: Registry) => each.list({ app: undefined, health: undefined }),
        (each: Registry) => each.set({ key: key("x"), port: 9000, description: undefined, force: true }),
        (each: Registry) => each.remove(key("cad-dev"))
      ]) {
        expect(await refused(use as (each: Registry) => Effect.Effect<unknown, unknown>)).toMatchObject({
          _tag: "Unavailable",
          reason: expect.stringContaining('its settings table is "settings", not "other_settings"'),
          hint: "set AUTOMATELINUX_SETTINGS_TABLE=settings, or name another database"
        })
      }
      await other.dispose()
      await expect(foreign("SELECT * FROM other_settings")).rejects.toThrow()
      const { result } = await ok((each) => each.allocate(pair("shop")))
      expect(result.assignments.map(({ port }) => port)).toEqual([at(3002), at(3003)])
      expect(Object.keys(await claims())).toHaveLength(4)
    })

    it("belongs to the table that was first, of two that are used at the same moment", async () => {
      await ok((each) => each.getSome([key("nothing")]))
      const other = ManagedRuntime.make(registryLayer({ ...env, AUTOMATELINUX_SETTINGS_TABLE: "other_settings" }))
      const allocated = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? runtime : other).runPromise(
            Effect.either(Effect.flatMap(Registry, (each) => each.allocate(pair(`a${index}`))))
          )
        )
      )
      await other.dispose()
      const ports = allocated.flatMap((each) =>
        Either.isRight(each) ? each.right.result.assignments.map(({ port }) => port) : []
      )
      expect(ports.length).toBe(20)
      expect(new Set(ports).size).toBe(20)
    })

    it("fills a range with whole pairs, past what is reserved, and then says no", async () => {
      const apps = Array.from({ length: 250 }, (_, index) => `app${index}`)
      const wide = { ...env, AUTOMATELINUX_APP_RANGE: "3000-3499", AUTOMATELINUX_SPECIAL_RANGE: "3500-3999" }
      const full = ManagedRuntime.make(registryLayer(wide))
      try {
        const exit = await full.runPromise(
          Effect.flatMap(Registry, (each) => Effect.either(each.allocate(pair(...apps))))
        )
        expect(exit).toMatchObject({ left: { _tag: "RangeFull", figures: { slots: 250, reserved: 2 } } })
        expect(await settings()).toEqual({})
      } finally {
        await full.dispose()
      }
    })
  })
