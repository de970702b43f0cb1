import * as Effect from "effect/Effect"
import fc from "fast-check"
import { expect } from "vitest"
import { AppName, PortKey, SpecialKey } from "../../src/domain/PortKey.ts"
import type { Named } from "../../src/registry/named.ts"
import type { Registry } from "../../src/registry/Registry.ts"
import type { Model } from "./Model.ts"
import type { Facts } from "./ModelState.ts"

/** Small, so that they are full again and again; nobody listens there. */
export const APPS = { first: 30_500, last: 30_509 }
export const SPECIALS = { first: 31_000, last: 31_003 }
export const HELD_BACK = 30_506
/** Rows of other programs, which look like ours to a LIKE or to a lax eye. */
export const OTHERS = { theme: "dark", portX3000: "3000", PORT_a: "1", "port-b": "2" }

export const EPOCH = Date.UTC(2026, 0, 1)
const stamp = (step: number) => new Date(EPOCH + step * 1000).toISOString()

export type Expected = { readonly answer: unknown } | { readonly refused: Facts }

export interface Real {
  /** What the call came to, in the words of the model. */
  readonly call: (use: (registry: Registry) => Effect.Effect<unknown, unknown>) => Promise<Expected>
  readonly sql: (text: string, ...values: ReadonlyArray<unknown>) => Promise<ReadonlyArray<Record<string, unknown>>>
}

export const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const sorted = (rows: Iterable<unknown>): ReadonlyArray<string> => [...rows].map((row) => JSON.stringify(row)).sort()

/** Everything that is stored, and what has to be. */
const compare = async (model: Model, real: Real, told: number): Promise<number> => {
  const rows = await real.sql("SELECT setting_key, setting_value FROM settings")
  expect(Object.fromEntries(rows.map((row) => [row["setting_key"], row["setting_value"]]))).toEqual({
    ...OTHERS,
    ...Object.fromEntries([...model.rows].map(([key, value]) => [`port_${key}`, value]))
  })
  const claims = await real.sql("SELECT port, claim_key, claimed_at FROM port_claims")
  expect(sorted(claims.map((row) => [row["port"], row["claim_key"], row["claimed_at"]]))).toEqual(
    sorted([...model.claims].map(([port, { key, since }]) => [port, key, stamp(since)]))
  )
  const known = await real.sql(
    "SELECT k.*, o.name AS directory FROM port_keys AS k LEFT JOIN port_owners AS o ON o.host = 'box' AND o.`key` = k.`key`"
  )
  expect(sorted(known.map((row) => [row["key"], row["description"], row["directory"]]))).toEqual(
    sorted([...model.known].map(([key, { description, directory }]) => [key, description, directory]))
  )
  const reserved = await real.sql("SELECT port, reason FROM port_reserved")
  expect(sorted(reserved.map((row) => [row["port"], row["reason"]]))).toEqual(sorted(model.reserved))
  const history = await real.sql("SELECT * FROM port_history WHERE id > ? AND what NOT LIKE 'undo:%' ORDER BY id", told)
  expect(
    sorted(history.map((row) => [row["what"], row["key"], row["old_port"], row["new_port"], row["detail"]]))
  ).toEqual(sorted(model.history))
  return Number(history.at(-1)?.["id"] ?? told)
}

/** After a change that was made, every port that has keys is claimed, once, by one of them, and no other is. */
const agrees = (model: Model) => {
  const taken = new Set([...model.rows.keys()].flatMap((key) => model.portOf(key) ?? []))
  expect(new Set(model.claims.keys())).toEqual(taken)
  for (const [port, { key }] of model.claims) expect(model.holders(port)).toContain(key)
}

/** How often each command came to what. */
export const outcomes = new Map<string, number>()

/** One thing that somebody does, on both sides. `text` is how it reads in a counterexample. */
export class Step implements fc.AsyncCommand<Model, Real> {
  /** The last row of the history that was compared. */
  static told = 0
  static taken = 0
  private readonly text: string
  private readonly act: (model: Model, real: Real) => Promise<boolean>

  constructor(text: string, act: (model: Model, real: Real) => Promise<boolean>) {
    this.text = text
    this.act = act
  }

  check(): boolean {
    return true
  }

  async run(model: Model, real: Real): Promise<void> {
    Step.taken++
    model.step++
    model.history = []
    const changed = await this.act(model, real)
    Step.told = await compare(model, real, Step.told)
    if (changed) agrees(model)
  }

  toString(): string {
    return this.text
  }
}

/** A call of the registry. `writes` says that it leaves the claims in agreement where it is not refused. */
const calling = (
  text: string,
  expected: (model: Model) => Expected,
  use: (registry: Registry) => Effect.Effect<unknown, unknown>,
  writes = true
) =>
  new Step(text, async (model, real) => {
    const wanted = expected(model)
    const name = text.split(" ")[0]
    const outcome = `${name} ${"refused" in wanted ? wanted.refused["_tag"] : "done"}`
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    expect(await real.call(use)).toEqual(plain(wanted))
    return writes && "answer" in wanted
  })

const foreignly = (text: string, values: ReadonlyArray<string>, follow: (model: Model) => boolean) =>
  new Step(`SQL: ${text} ${JSON.stringify(values)}`, async (model, real) => {
    if (follow(model)) await real.sql(text, ...values)
    return false
  })

const app = fc.constantFrom("a", "b", "c", "d", "e", "f")
const special = fc.constantFrom("s", "S", "t", "u", "v", "w")
const half = fc.tuple(app, fc.constantFrom("prod", "dev")).map((parts) => parts.join("-"))
/** One of them has the name of an app. */
const key = fc.oneof(special, fc.constant("a"), half)
const port = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: APPS.first, max: APPS.last }) },
  { weight: 3, arbitrary: fc.integer({ min: SPECIALS.first, max: SPECIALS.last }) },
  { weight: 1, arbitrary: fc.constantFrom(1, 31_500, 65_535) }
)
const stored = fc.oneof(
  { weight: 4, arbitrary: port.map(String) },
  { weight: 1, arbitrary: fc.constantFrom("", "none", "03000", "70000", " 30500") }
)
const description = fc.constantFrom(undefined, undefined, "", "one", "two ✓")
const directory = fc.constantFrom(undefined, undefined, "/opt/one", "/opt/two")

const allocations = fc
  .record({
    apps: fc.array(app, { maxLength: 3 }),
    specials: fc.array(special, { maxLength: 2 }),
    description,
    directory,
    dryRun: fc.constantFrom(false, false, false, true)
  })
  .map((call) =>
    calling(
      `allocate ${JSON.stringify(call)}`,
      (model) => model.allocate(call),
      (registry) =>
        registry.allocate({
          ...call,
          apps: call.apps.map((name) => AppName.make(name)),
          specials: call.specials.map((name) => SpecialKey.make(name))
        }),
      !call.dryRun
    )
  )
const sets = fc
  .record({ key, port: fc.option(port, { nil: undefined }), description, directory, force: fc.boolean() })
  .map((call) =>
    calling(
      `set ${JSON.stringify(call)}`,
      (model) => model.set(call),
      (registry) => registry.set({ ...call, key: PortKey.make(call.key) })
    )
  )
const gets = key.map((name) =>
  calling(
    `get ${name}`,
    (model) => model.get(name),
    (registry) => registry.get(PortKey.make(name)),
    false
  )
)
const lists = fc.option(app, { nil: undefined }).map((name) =>
  calling(
    `list ${name ?? ""}`,
    (model) => model.list(name),
    (registry) =>
      Effect.map(registry.list(name === undefined ? {} : { app: AppName.make(name) }), ({ notes, result }) => ({
        result: result.map(({ health, listener, owner, ...each }) => each),
        notes
      })),
    false
  )
)
const removals = key.map((name) =>
  calling(
    `remove ${name}`,
    (model) => model.remove(name),
    (registry) => registry.remove(PortKey.make(name))
  )
)
const releases = fc
  .record({ apps: fc.array(app, { maxLength: 2 }), specials: fc.array(special, { maxLength: 2 }) })
  .map(({ apps, specials }) =>
    calling(
      `release ${JSON.stringify([...apps, ...specials])}`,
      (model) => model.release(apps, specials),
      (registry) =>
        registry.release({
          apps: apps.map((name) => AppName.make(name)),
          specials: specials.map((name) => SpecialKey.make(name)),
          force: false
        })
    )
  )
const named = fc.oneof(
  fc.record({ as: fc.constantFrom("key", "name"), name: fc.oneof(key, app) }),
  fc.record({ as: fc.constantFrom("app", "name"), name: fc.constantFrom("a", "a", "b") })
)
const namedFor = ({ as, name }: { readonly as: "key" | "app" | "name"; readonly name: string }): Named =>
  as === "app" ? { app: AppName.make(name) } : as === "key" ? { key: PortKey.make(name) } : { name: PortKey.make(name) }
const renames = fc.tuple(named, fc.oneof(key, half, app)).map(([from, to]) =>
  calling(
    `rename ${from.as} ${from.name} to ${to}`,
    (model) => model.rename(from, to),
    (registry) => registry.rename(namedFor(from), PortKey.make(to))
  )
)
const descriptions = fc.tuple(named, fc.constantFrom("", "one", "two ✓")).map(([which, text]) =>
  calling(
    `describe ${which.as} ${which.name} ${text}`,
    (model) => model.describeNamed(which, text),
    (registry) => registry.describe(namedFor(which), text)
  )
)
/** In order, each once. */
const somePorts = fc.oneof(
  port.map((each) => [each]),
  fc.uniqueArray(port, { minLength: 2, maxLength: 6 }).map((each) => each.sort((a, b) => a - b))
)
const reserves = fc.tuple(somePorts, fc.constantFrom("why", "because")).map(([ports, reason]) =>
  calling(
    `reserve ${ports} ${reason}`,
    (model) => model.reserve(ports, reason),
    (registry) => registry.reserve(ports, reason)
  )
)
const unreserves = somePorts.map((ports) =>
  calling(
    `unreserve ${ports}`,
    (model) => model.unreserve(ports),
    (registry) => registry.unreserve(ports)
  )
)
const reservations = fc.constant(
  calling(
    "listReserved",
    (model) => model.listReserved(),
    (registry) =>
      Effect.map(registry.listReserved(false), ({ notes, result }) => ({
        result: result.map(({ port, reason, source }) => ({ port, reason, source })),
        notes
      })),
    false
  )
)

const foreignRows = fc.oneof(
  fc.tuple(key, stored).map(([name, value]) =>
    foreignly("INSERT INTO settings (setting_key, setting_value) VALUES (?, ?)", [`port_${name}`, value], (model) => {
      if (model.rows.has(name)) return false
      model.rows.set(name, value)
      return true
    })
  ),
  fc.tuple(stored, key).map(([value, name]) =>
    foreignly("UPDATE settings SET setting_value = ? WHERE setting_key = ?", [value, `port_${name}`], (model) => {
      if (model.rows.has(name)) model.rows.set(name, value)
      return true
    })
  ),
  fc.tuple(port.map(String), key, key).map(([value, one, other]) =>
    foreignly(
      "UPDATE settings SET setting_value = ? WHERE setting_key IN (?, ?)",
      [value, `port_${one}`, `port_${other}`],
      (model) => {
        for (const name of [one, other]) if (model.rows.has(name)) model.rows.set(name, value)
        return true
      }
    )
  ),
  key.map((name) =>
    foreignly("DELETE FROM settings WHERE setting_key = ?", [`port_${name}`], (model) => {
      model.rows.delete(name)
      return true
    })
  )
)

/** Whatever may be done, in any order. */
export const everything = fc.commands(
  [
    allocations,
    allocations,
    sets,
    sets,
    sets,
    gets,
    lists,
    removals,
    releases,
    renames,
    renames,
    descriptions,
    descriptions,
    reserves,
    unreserves,
    reservations,
    foreignRows,
    foreignRows
  ],
  { maxCommands: 150, size: "max" }
)
