import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import fc from "fast-check"
import { describe, expect, it, onTestFinished } from "vitest"
import type { IncomingRegistry, OnConflict } from "../../src/domain/Exchange.ts"
import { documentOf, readDocument } from "../../src/exchange/document.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { exportedJson } from "../../src/text/exchangeText.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

/** Runs to make on each database. `RUNS=200 npx vitest run test/exchange/registry.test.ts` makes more. */
const RUNS = Number(process.env["RUNS"] ?? 10)
const RANGES = { AUTOMATELINUX_APP_RANGE: "30800-30899", AUTOMATELINUX_SPECIAL_RANGE: "30900-30949" }

const name = fc.constantFrom("one", "two", "Ünïx", "a b")
const stamp = fc.record({
  at: fc.integer({ min: 0, max: 1e12 }).map((time) => new Date(time).toISOString()),
  host: name,
  by: name
})
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom(
    "=1+1",
    "'=x",
    "a | b",
    "\u202eevil",
    "👩‍👩‍👧 family",
    " both ends ",
    "שלום | عالم",
    "C:\\x",
    "`code`",
    '"quoted"'
  )
)
const KEYS = ["föö", "a b", "-x", "-".repeat(250), "port_", "Ω", "a%b"]

/** A whole registry: every third key is odd in some way, as other programs or --force make them. */
const registries = (max: number) =>
  fc
    .record({
      size: fc.integer({ min: 1, max }),
      first: fc.integer({ min: 1, max: 40_000 }),
      stamps: fc.array(stamp, { minLength: 3, maxLength: 8 }),
      texts: fc.array(text, { minLength: 3, maxLength: 12 }),
      odd: fc.array(fc.constantFrom("plain", "shared", "stored", "unknown", "invalid"), {
        minLength: 5,
        maxLength: 30
      }),
      owners: fc.array(fc.record({ host: name, said: fc.boolean(), seen: fc.option(stamp) }), { maxLength: 5 }),
      reserved: fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 9 })
    })
    .map(({ first, odd, owners, reserved, size, stamps, texts }): IncomingRegistry => {
      const pick = <A>(all: ReadonlyArray<A>, at: number): A => {
        const found = all[at % all.length]
        if (found === undefined) throw new Error("nothing to pick")
        return found
      }
      const assignments = Array.from({ length: size }, (_, at): IncomingRegistry["assignments"][number] => {
        const kind = pick(odd, at)
        const invalid = kind === "invalid" ? KEYS[at] : undefined
        const key = invalid ?? `key-${at}${pick(["", "-dev", "-prod", ".x"], at)}`
        const before = at > 0 && pick(odd, at - 1) === "plain"
        const shared = kind === "shared" && before
        const port = first + (shared ? at - 1 : at)
        const isPlain = pick(odd, at + 1) === "shared" && kind === "plain"
        if (kind === "stored")
          return {
            key,
            port: null,
            stored: pick(["abc", "03001", " 7", ""], at),
            description: null,
            claimed: null,
            created: null
          }
        return {
          key,
          port,
          shared: shared || isPlain,
          stored: invalid === undefined ? null : String(port),
          description: kind === "unknown" || invalid !== undefined ? null : pick([null, ...texts], at) || null,
          // A key that is not ASCII, or too long, gets no claim.
          // A row that is not valid may have been pinned before it was overwritten, but not here.
          pinned: invalid === undefined && at % 3 === 0 ? pick(stamps, at + 2) : null,
          claimed: shared || /[^\0-\x7f]/.test(key) ? null : pick(stamps, at),
          created: kind === "unknown" || invalid !== undefined ? null : pick(stamps, at + 1)
        }
      })
      const keys = assignments.map(({ key }) => key).filter((key) => key.startsWith("key-"))
      return {
        assignments,
        owners: owners.flatMap(({ host, said, seen }, at) =>
          keys
            .filter((_, index) => index % (at + 2) === 0 && index < 200)
            .map((key) => ({
              key,
              host: `${host}${at}`,
              kind: pick(["directory", "unit", "container"], at),
              name: `/opt/${pick(texts, at)}`,
              said,
              since: pick(stamps, at).at,
              seen: seen?.at ?? null
            }))
        ),
        reservations: reserved.map((port, at) => ({ port, reason: pick(texts, at) || "x", ...pick(stamps, at) })),
        ignored: texts.map((reason, at) => ({
          check: pick(["port-stale", "port-taken", "pair-broken"] as const, at),
          key: at % 2 === 0 ? (keys[at] ?? null) : null,
          port: at % 2 === 0 ? null : at + 1,
          reason: reason || "x",
          ...pick(stamps, at)
        }))
      }
    })

describe.each([sqlite, mariadb])("a registry on $name", (database) => {
  const registry = async () => {
    // A server that other tests keep busy may take longer than usual over thousands of rows.
    const patient = { HOME: temporary(), AUTOMATELINUX_HOST: "here", AUTOMATELINUX_DATABASE_TIMEOUT: "60 seconds" }
    const env = { ...patient, ...RANGES, ...(await database.fresh()) }
    const runtime = ManagedRuntime.make(registryLayer(env))
    onTestFinished(() => runtime.dispose())
    const exported = async () =>
      String(exportedJson((await runtime.runPromise(Effect.flatMap(Registry, ({ exportAll }) => exportAll))).result))
    const imported = async (incoming: IncomingRegistry, onConflict: OnConflict = "fail", dryRun = false) =>
      (
        await runtime.runPromise(
          Effect.flatMap(Registry, ({ importAll }) => importAll({ incoming, onConflict, dryRun }))
        )
      ).result
    const undo = (what: "undo" | "redo" = "undo") =>
      runtime.runPromise(
        Effect.flatMap(Registry, ({ takeBack }) => takeBack({ what, asked: undefined, force: true, dryRun: false }))
      )
    const sql = (statement: string) =>
      runtime.runPromise(Effect.flatMap(SqlClient.SqlClient, (client) => client.unsafe(statement)))
    return { exported, imported, undo, sql }
  }
  const read = (exported: string) => readDocument(JSON.parse(exported))

  const roundTrip = async (whole: IncomingRegistry) => {
    const one = await registry()
    const empty = await one.exported()
    const result = await one.imported(read(documentOf(whole)))
    expect(result.refused).toEqual([])
    expect(result.imported).toHaveLength(whole.assignments.length)
    const first = await one.exported()
    expect(read(first).assignments).toHaveLength(whole.assignments.length)
    const two = await registry()
    expect(await two.imported(read(first), "fail", true)).toMatchObject({ changed: true, dryRun: true })
    expect(await two.exported()).toBe(empty)
    await two.imported(read(first))
    expect(await two.exported()).toBe(first)
    expect(await two.imported(read(first))).toMatchObject({
      changed: false,
      imported: [],
      present: whole.assignments.length
    })
    expect(await two.exported()).toBe(first)
    await two.undo()
    expect(await two.exported()).toBe(empty)
    await two.undo("redo")
    expect(await two.exported()).toBe(first)
  }

  it("exports the same bytes after an import of its export, and those of before after an undo", {
    timeout: 300_000
  }, async () => {
    await fc.assert(fc.asyncProperty(registries(60), roundTrip), { numRuns: RUNS })
  })

  it("does so with 5,000 keys", { timeout: 300_000 }, async () => {
    const [whole] = fc.sample(
      registries(1).filter(({ assignments }) => assignments.length === 1),
      { numRuns: 1, seed: 1 }
    )
    const assignments = Array.from({ length: 5000 }, (_, at) => ({
      key: `key-${at}-dev`,
      port: 20_000 + at,
      description: `Number ${at} of many`
    }))
    await roundTrip({ ...(whole ?? { owners: [], reservations: [], ignored: [] }), assignments })
  })

  it("gets back everything that was there when an import into it is undone", { timeout: 300_000 }, async () => {
    const pairs = fc.tuple(registries(30), registries(30))
    await fc.assert(
      fc.asyncProperty(pairs, fc.constantFrom("skip", "force" as const), async ([some, others], mode) => {
        const one = await registry()
        await one.imported(some)
        const before = await one.exported()
        const { changed } = await one.imported(others, mode)
        const after = await one.exported()
        if (!changed) return expect(after).toBe(before)
        await one.undo()
        expect(await one.exported()).toBe(before)
        await one.undo("redo")
        expect(await one.exported()).toBe(after)
      }),
      { numRuns: RUNS }
    )
  })

  it("exports what other programs wrote, and takes it back in", async () => {
    const one = await registry()
    await one.imported({
      assignments: [{ key: "cad-dev", port: 30_801, description: "CAD" }],
      owners: [{ key: "cad-dev", kind: "directory", name: "/opt/cad" }],
      reservations: [],
      ignored: []
    })
    await one.sql(
      "INSERT INTO settings VALUES ('port_other', '30901'), ('port_bad', 'x1'), ('port_a b', '30802'), ('else', '1')"
    )
    // A change notices them.
    await one.imported({ assignments: [{ key: "pt-dev", port: 30_803 }], owners: [], reservations: [], ignored: [] })
    const exported = await one.exported()
    expect(JSON.parse(exported).assignments).toMatchObject([
      { key: "cad-dev", port: 30_801, description: "CAD", stored: null, shared: false },
      { key: "a b", port: 30_802, stored: "30802", created: null, claimed: { host: "here" } },
      { key: "pt-dev", port: 30_803 },
      { key: "other", port: 30_901, stored: null, created: null },
      { key: "bad", port: null, stored: "x1", claimed: null }
    ])
    const two = await registry()
    await two.imported(read(exported))
    expect(await two.exported()).toBe(exported)
  })
})
