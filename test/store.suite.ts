import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import * as config from "../src/config.ts"
import { AppName, PortKey, SpecialKey } from "../src/domain/PortKey.ts"
import { Listeners } from "../src/Listeners.ts"
import { Registry } from "../src/Registry.ts"
import { Store } from "../src/Store.ts"
import { databaseLayer } from "../src/store/database.ts"
import type { TestDatabase } from "./support/databases.ts"
import { at, rangesEnv } from "./support/ports.ts"
import { temporary } from "./support/program.ts"

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
    const layerFor = (env: Readonly<Record<string, string>>) => {
      const configured = config.layer(env, "test")
      const base = Layer.provideMerge(Store.Default, databaseLayer)
      return Registry.Default.pipe(
        Layer.provideMerge(Layer.merge(base, Listeners.Default)),
        Layer.provideMerge(configured)
      )
    }
    let runtime: ManagedRuntime.ManagedRuntime<Registry | Store | SqlClient.SqlClient, unknown>
    let env: Readonly<Record<string, string>>

    beforeEach(async () => {
      env = { HOME: temporary(), AUTOMATELINUX_HOST: "box", ...rangesEnv, ...(await database.fresh()) }
      runtime = ManagedRuntime.make(layerFor(env))
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
      (await foreign("SELECT * FROM port_history ORDER BY id")).map((row) => [
        row["what"],
        row["key"],
        row["old_port"],
        row["new_port"]
      ])

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
      await ok((each) => each.release([AppName.make("warm")], []))
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
      await ok((each) => each.reserve(9, "any write will do"))
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
      await ok((each) => each.list({}))
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
      await ok((each) => each.rename(key("pt"), key("pu")))
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
      await ok((each) => each.release([], [SpecialKey.make("none")]))
      await registry((each) => each.set({ key: key("b"), port: 4300, description: "two", force: false }))
      await registry((each) => each.rename(key("a"), key("a")))
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
      await ok((each) => each.list({}))
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

    it("fills a range with whole pairs, past what is reserved, and then says no", async () => {
      const apps = Array.from({ length: 250 }, (_, index) => `app${index}`)
      const wide = { ...env, AUTOMATELINUX_APP_RANGE: "3000-3499", AUTOMATELINUX_SPECIAL_RANGE: "3500-3999" }
      const full = ManagedRuntime.make(layerFor(wide))
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
