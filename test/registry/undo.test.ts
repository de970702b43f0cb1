import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { ChangedSince, TakenSince } from "../../src/domain/errors.ts"
import { AppName, PortKey, SpecialKey } from "../../src/domain/PortKey.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { Store } from "../../src/store/Store.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

/** Runs to make on each database. `RUNS=1000 npx vitest run test/registry/undo.test.ts` makes more. */
const RUNS = Number(process.env["RUNS"] ?? 12)

const APPS = { first: 19_800, last: 19_809 }
const SPECIALS = { first: 19_820, last: 19_823 }
const RANGES = {
  AUTOMATELINUX_APP_RANGE: "19800-19809",
  AUTOMATELINUX_SPECIAL_RANGE: "19820-19823"
}

interface Services {
  readonly registry: Registry
  readonly store: Store
}

type Change = (services: Services) => Effect.Effect<unknown, unknown>

/** A change by one of two hosts. */
interface Call {
  readonly host: "one" | "two"
  readonly text: string
  readonly change: Change
  readonly toString: () => string
}

const app = fc.constantFrom("a", "b", "c")
const special = fc.constantFrom("s", "t", "u")
const key = fc.oneof(
  special,
  fc.tuple(app, fc.constantFrom("prod", "dev")).map((parts) => parts.join("-"))
)
const port = fc.oneof(
  fc.integer({ min: APPS.first, max: APPS.last }),
  fc.integer({ min: SPECIALS.first, max: SPECIALS.last })
)
const description = fc.constantFrom(undefined, undefined, "", "one", "two ✓")
const directory = fc.constantFrom(undefined, undefined, "/opt/one", "/opt/two")
const check = fc.constantFrom("port-stale", "port-taken" as const)

const changes: fc.Arbitrary<Pick<Call, "text" | "change">> = fc.oneof(
  fc
    .record({
      apps: fc.array(app, { maxLength: 2 }),
      specials: fc.array(special, { maxLength: 2 }),
      description,
      directory
    })
    .map((call) => ({
      text: `allocate ${JSON.stringify(call)}`,
      change: ({ registry }: Services) =>
        registry.allocate({
          ...call,
          apps: call.apps.map((name) => AppName.make(name)),
          specials: call.specials.map((name) => SpecialKey.make(name)),
          dryRun: false
        })
    })),
  fc
    .record({ key, port: fc.option(port, { nil: undefined }), description, directory, force: fc.boolean() })
    .map((call) => ({
      text: `set ${JSON.stringify(call)}`,
      change: ({ registry }: Services) => registry.set({ ...call, key: PortKey.make(call.key) })
    })),
  key.map((name) => ({
    text: `remove ${name}`,
    change: ({ registry }: Services) => registry.remove(PortKey.make(name))
  })),
  app.map((name) => ({
    text: `release ${name}`,
    change: ({ registry }: Services) => registry.release({ apps: [AppName.make(name)], specials: [], force: true })
  })),
  fc.tuple(key, key).map(([from, to]) => ({
    text: `rename ${from} ${to}`,
    change: ({ registry }: Services) => registry.rename({ key: PortKey.make(from) }, PortKey.make(to))
  })),
  fc.tuple(app, fc.constantFrom("a", "b", "c", "d")).map(([from, to]) => ({
    text: `rename app ${from} ${to}`,
    change: ({ registry }: Services) => registry.rename({ app: AppName.make(from) }, PortKey.make(to))
  })),
  fc.tuple(key, fc.constantFrom("", "three")).map(([name, text]) => ({
    text: `describe ${name} ${text}`,
    change: ({ registry }: Services) => registry.describe({ key: PortKey.make(name) }, text)
  })),
  fc
    .tuple(fc.uniqueArray(port, { minLength: 1, maxLength: 4 }), fc.constantFrom("why", "because"))
    .map(([some, reason]) => ({
      text: `reserve ${some} ${reason}`,
      change: ({ registry }: Services) => registry.reserve(some.sort(), reason)
    })),
  fc.uniqueArray(port, { minLength: 1, maxLength: 4 }).map((some) => ({
    text: `unreserve ${some}`,
    change: ({ registry }: Services) => registry.unreserve(some.sort())
  })),
  fc.tuple(check, fc.option(key), fc.constantFrom("known", "wanted")).map(([which, about, reason]) => {
    const target = { check: which, key: about, port: null } as const
    return {
      text: `ignore ${which} ${about} ${reason}`,
      change: ({ store }: Services) =>
        store.write(() => Effect.succeed({ answer: undefined, changes: [{ _tag: "Ignore", target, reason }] }))
    }
  }),
  fc.tuple(key, fc.constantFrom("pin", "unpin" as const)).map(([name, what]) => ({
    text: `${what} ${name}`,
    change: ({ registry }: Services) => registry[what]([{ key: PortKey.make(name) }])
  })),
  fc.tuple(check, fc.option(key)).map(([which, about]) => {
    const target = { check: which, key: about, port: null } as const
    return {
      text: `unignore ${which} ${about}`,
      change: ({ store }: Services) =>
        store.write((state) =>
          Effect.succeed({
            answer: undefined,
            changes: [...state.ignored.values()].some((rule) => rule?.check === which && rule.key === about)
              ? [{ _tag: "Unignore", target } as const]
              : []
          })
        )
    }
  })
)

const calls: fc.Arbitrary<ReadonlyArray<Call>> = fc.array(
  fc.tuple(fc.constantFrom("one" as const, "two" as const), changes).map(
    ([host, rest]): Call => ({
      host,
      ...rest,
      toString: () => `${host}: ${rest.text}`
    })
  ),
  { minLength: 1, maxLength: 14 }
)

const TABLES = ["settings", "port_claims", "port_keys", "port_owners", "port_reserved"]

describe.each([sqlite, mariadb])("undo on $name", (database) => {
  const setUp = async () => {
    const home = temporary()
    const where = await database.fresh()
    const runtimes = Object.fromEntries(
      ["one", "two"].map((host) => [
        host,
        ManagedRuntime.make(registryLayer({ HOME: home, AUTOMATELINUX_HOST: host, ...RANGES, ...where }))
      ])
    )
    const on = (host: string) => {
      const runtime = runtimes[host]
      if (runtime === undefined) throw new Error(host)
      return runtime
    }
    const run = (host: string, change: Change) =>
      on(host).runPromise(
        Effect.either(
          Effect.gen(function* () {
            return yield* change({ registry: yield* Registry, store: yield* Store })
          })
        )
      )
    const sql = (text: string) =>
      on("one").runPromise(
        Effect.flatMap(SqlClient.SqlClient, (client) => client.unsafe<Record<string, unknown>>(text))
      )
    /** Everything that a registry is, but for its history, to the byte. */
    const dump = async () => {
      const tables = await Promise.all(TABLES.map((table) => sql(`SELECT * FROM ${table}`)))
      const rules = await sql("SELECT * FROM port_registry WHERE name LIKE 'ignored:%' OR name LIKE 'pin:%'")
      return [...tables, rules].map((rows) => rows.map((row) => JSON.stringify(row)).sort())
    }
    const takeBack = (what: "undo" | "redo", asked?: number, force = false) =>
      run("one", ({ registry }) => registry.takeBack({ asked, what, force, dryRun: false }))
    const newest = async () => {
      const [row] = await sql("SELECT MAX(id) AS id FROM port_history WHERE what NOT LIKE 'undo:%'")
      return Number(row?.["id"] ?? 0)
    }
    const numbers = () => on("one").runPromise(Effect.flatMap(Registry, (registry) => registry.history({ limit: 100 })))
    const empty = async () => {
      for (const table of [...TABLES, "port_history"]) await sql(`DELETE FROM ${table}`)
      await sql("DELETE FROM port_registry WHERE name LIKE 'ignored:%' OR name LIKE 'pin:%'")
    }
    const end = () => Promise.all(Object.values(runtimes).map((runtime) => runtime.dispose()))
    await run("one", ({ registry }) => registry.reserve([1], "makes the tables"))
    return { run, dump, takeBack, newest, numbers, empty, end, sql }
  }

  it("gives back the registry of before, to the byte, however many operations are undone, and redone", {
    timeout: 600_000
  }, async () => {
    const { dump, empty, end, newest, numbers, run, takeBack } = await setUp()
    try {
      await fc.assert(
        fc.asyncProperty(calls, async (some) => {
          await empty()
          const dumps: Array<unknown> = [await dump()]
          for (const { change, host } of some) {
            const before = await newest()
            await run(host, change)
            if ((await newest()) !== before) dumps.push(await dump())
          }
          const { result: operations } = await numbers()
          expect(operations.length).toBe(dumps.length - 1)
          for (const [at, { number }] of operations.entries()) {
            const after = dumps.length - 1 - at
            expect(await takeBack("undo", number, true)).toMatchObject({ _tag: "Right" })
            expect(await dump()).toEqual(dumps[after - 1])
            // The undo of an undo is the operation again.
            expect(await takeBack("redo")).toMatchObject({ _tag: "Right" })
            expect(await dump()).toEqual(dumps[after])
            expect(await takeBack("undo", number, true)).toMatchObject({ _tag: "Right" })
            expect(await dump()).toEqual(dumps[after - 1])
          }
        }),
        { numRuns: RUNS }
      )
    } finally {
      await end()
    }
  })

  it("refuses what has changed since, names what changed it, and changes nothing", { timeout: 600_000 }, async () => {
    const { dump, empty, end, newest, numbers, run, takeBack } = await setUp()
    const met = new Map<string, number>()
    try {
      await fc.assert(
        fc.asyncProperty(calls, fc.nat(), async (some, which) => {
          await empty()
          for (const { change, host } of some) await run(host, change)
          const { result: operations } = await numbers()
          const chosen = operations[which % Math.max(1, operations.length)]
          if (chosen === undefined) return
          const before = [await dump(), await newest()]
          const outcome = await takeBack("undo", chosen.number)
          if (outcome._tag === "Right") {
            met.set("done", (met.get("done") ?? 0) + 1)
            return
          }
          const refusal = outcome.left as ChangedSince | TakenSince
          met.set(refusal._tag, (met.get(refusal._tag) ?? 0) + 1)
          expect(["ChangedSince", "TakenSince"]).toContain(refusal._tag)
          expect([await dump(), await newest()]).toEqual(before)
          // Rules about no key and no port are not found by one.
          if ("about" in refusal && "target" in refusal.about) return
          const later = operations.find(({ number }) => number === refusal.by?.number)
          expect(later?.number).toBeGreaterThan(chosen.number)
          expect(later).toMatchObject({ ...refusal.by })
        }),
        { numRuns: 6 * RUNS }
      )
      // A generator that meets only one of them shows nothing of the other.
      expect([...met.keys()]).toEqual(expect.arrayContaining(["done", "ChangedSince"]))
    } finally {
      await end()
    }
  })

  it("names a rename that is in the way of what was said of the key", async () => {
    const { end, numbers, run, takeBack } = await setUp()
    try {
      await run("one", ({ registry }) =>
        registry.set({ key: PortKey.make("plain"), port: 19_832, description: undefined, force: false })
      )
      await run("one", ({ registry }) => registry.describe({ key: PortKey.make("plain") }, "text"))
      const [described] = (await numbers()).result
      await run("two", ({ registry }) => registry.rename({ key: PortKey.make("plain") }, PortKey.make("other")))
      expect(await takeBack("undo", described?.number)).toMatchObject({
        left: { _tag: "ChangedSince", about: { key: "plain" }, by: { what: "rename", host: "two" } }
      })
    } finally {
      await end()
    }
  })

  it("names what is in effect, and not an undo that would only bring back what was in the way", async () => {
    const { end, numbers, run, takeBack } = await setUp()
    const set =
      (value: number): Change =>
      ({ registry }) =>
        registry.set({ key: PortKey.make("plain"), port: value, description: undefined, force: false })
    try {
      await run("one", set(19_832))
      await run("one", set(19_833))
      const [second, first] = (await numbers()).result
      await run("one", ({ registry }) => registry.rename({ key: PortKey.make("plain") }, PortKey.make("other")))
      expect(await takeBack("undo")).toMatchObject({ _tag: "Right" })
      expect(await takeBack("undo", first?.number)).toMatchObject({
        left: { _tag: "ChangedSince", by: { what: "set", number: second?.number } }
      })
      expect(await takeBack("undo", second?.number)).toMatchObject({ _tag: "Right" })
      expect(await takeBack("undo", first?.number)).toMatchObject({ _tag: "Right" })
    } finally {
      await end()
    }
  })

  it("shares a port that others have by now only by force", async () => {
    const { end, run, takeBack } = await setUp()
    const set =
      (name: string, value: number): Change =>
      ({ registry }) =>
        registry.set({ key: PortKey.make(name), port: value, description: undefined, force: false })
    try {
      await run("one", set("first", 19_830))
      await run("one", ({ registry }) => registry.remove(PortKey.make("first")))
      await run("two", set("second", 19_830))
      const refused = await takeBack("undo")
      expect(refused).toMatchObject({
        left: { _tag: "TakenSince", key: "first", port: 19_830, holders: ["second"], by: { what: "set", host: "two" } }
      })
      expect(await takeBack("undo", undefined, true)).toMatchObject({
        right: { notes: expect.arrayContaining([{ _tag: "Shared", port: 19_830, holders: ["second"] }]) }
      })
      expect(await takeBack("redo")).toMatchObject({ _tag: "Right" })
      // What was shared before is no reason to refuse.
      await run("one", ({ registry }) =>
        registry.set({ key: PortKey.make("third"), port: 19_830, description: undefined, force: true })
      )
      await run("one", ({ registry }) => registry.remove(PortKey.make("third")))
      expect(await takeBack("undo")).toMatchObject({ _tag: "Right" })
    } finally {
      await end()
    }
  })

  it("takes back the newest of this user on this host, one after the other, and redoes them", async () => {
    const { end, numbers, run, takeBack } = await setUp()
    const allocate =
      (name: string): Change =>
      ({ registry }) =>
        registry.allocate({
          apps: [],
          specials: [SpecialKey.make(name)],
          description: undefined,
          directory: undefined,
          dryRun: false
        })
    const keys = (outcome: unknown) =>
      (outcome as { right: { result: { changes: ReadonlyArray<{ key: string }> } } }).right.result.changes.map(
        ({ key: each }) => each
      )
    try {
      for (const name of ["a", "b"]) await run("one", allocate(name))
      await run("two", allocate("c"))
      expect(keys(await takeBack("undo"))).toEqual(["b"])
      expect(keys(await takeBack("undo"))).toEqual(["a"])
      expect(keys(await takeBack("redo"))).toEqual(["a"])
      expect(keys(await takeBack("redo"))).toEqual(["b"])
      expect(keys(await takeBack("undo"))).toEqual(["b"])
      await run("one", allocate("d"))
      expect(await takeBack("redo")).toMatchObject({ left: { _tag: "NothingToTakeBack", what: "redo" } })
      expect(keys(await takeBack("undo"))).toEqual(["d"])
      expect(keys(await takeBack("undo"))).toEqual(["a"])
      // The reservation that made the tables.
      expect(await takeBack("undo")).toMatchObject({ _tag: "Right" })
      expect(await takeBack("undo")).toMatchObject({ left: { _tag: "NothingToTakeBack", host: "one" } })
      const { result } = await numbers()
      const undone = result.find(({ takenBackBy }) => takenBackBy !== null)
      expect(await takeBack("undo", undone?.number)).toMatchObject({ left: { by: { takesBack: undone?.number } } })
    } finally {
      await end()
    }
  })

  it("says so if an older d made the operation, or another program", async () => {
    const { end, numbers, run, sql, takeBack } = await setUp()
    try {
      await run("one", ({ registry }) =>
        registry.set({ key: PortKey.make("old"), port: 19_831, description: undefined, force: false })
      )
      await sql("DELETE FROM port_history WHERE what = 'undo:image'")
      expect(await takeBack("undo")).toMatchObject({ left: { _tag: "NotUndoable", isForeign: false } })
      await sql("INSERT INTO settings (setting_key, setting_value) VALUES ('port_theirs', '19832')")
      await run("one", ({ registry }) => registry.reserve([19_833], "any write will do"))
      const adopted = (await numbers()).result.find(({ what }) => what === "adopt")
      expect(adopted).toMatchObject({ undoable: false })
      expect(await takeBack("undo", adopted?.number)).toMatchObject({ left: { _tag: "NotUndoable", isForeign: true } })
    } finally {
      await end()
    }
  })

  it("finds what to undo behind operations of thousands of rows", { timeout: 60_000 }, async () => {
    const { dump, end, run, takeBack } = await setUp()
    try {
      const before = await dump()
      for (const first of [10_000, 20_000])
        await run("one", ({ registry }) =>
          registry.reserve(
            Array.from({ length: 4000 }, (_, at) => first + at),
            "many"
          )
        )
      const after = await dump()
      expect(await takeBack("undo")).toMatchObject({ _tag: "Right" })
      expect(await takeBack("undo")).toMatchObject({ _tag: "Right" })
      expect(await dump()).toEqual(before)
      expect(await takeBack("redo")).toMatchObject({ _tag: "Right" })
      expect(await takeBack("redo")).toMatchObject({ _tag: "Right" })
      expect(await dump()).toEqual(after)
    } finally {
      await end()
    }
  })

  it("trims whole operations, and keeps the newest", async () => {
    const { end, newest, numbers, run, sql } = await setUp()
    try {
      const many = Array.from({ length: 450 }, (_, index) => 10_000 + index)
      await run("one", ({ registry }) => registry.reserve(many, "many"))
      await run("one", ({ registry }) => registry.reserve([19_834], "young"))
      expect((await numbers()).result.map(({ changes: all }) => all.length)).toEqual([1, 450, 1])
      await sql(`UPDATE port_history SET at = '2020-01-02T00:00:00.000Z' WHERE id < ${await newest()}`)
      await sql(`UPDATE port_history SET at = '2020-01-01T00:00:00.000Z' WHERE id <= 2`)
      expect(await run("one", ({ registry }) => registry.trimHistory)).toMatchObject({ _tag: "Right" })
      expect((await numbers()).result.map(({ changes: all }) => all.length)).toEqual([1])
      await sql("UPDATE port_history SET at = '2020-01-03T00:00:00.000Z'")
      expect(await run("one", ({ registry }) => registry.trimHistory)).toMatchObject({ right: 0 })
    } finally {
      await end()
    }
  })
})
