import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Registry } from "../../src/registry/Registry.ts"
import { clockOf } from "../support/clock.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { Model } from "../support/Model.ts"
import type { Facts } from "../support/ModelState.ts"
import {
  APPS,
  EPOCH,
  type Expected,
  everything,
  HELD_BACK,
  OTHERS,
  outcomes,
  plain,
  type Real,
  SPECIALS,
  Step
} from "../support/modelCommands.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

/** Steps to take on each database, at least. `STEPS=20000 npx vitest run test/registry/model.test.ts` takes more. */
const STEPS = Number(process.env["STEPS"] ?? 600)
/** `SEED=…` repeats a run; the seed is printed. */
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const RANGES = {
  AUTOMATELINUX_APP_RANGE: `${APPS.first}-${APPS.last}`,
  AUTOMATELINUX_SPECIAL_RANGE: `${SPECIALS.first}-${SPECIALS.last}`,
  AUTOMATELINUX_RESERVED_PORTS: String(HELD_BACK)
}

const emptyModel = () =>
  new Model(
    APPS,
    SPECIALS,
    new Map([
      [HELD_BACK, "listed in AUTOMATELINUX_RESERVED_PORTS"],
      [1, "blocked by browsers (tcpmux)"]
    ])
  )

/** The registry and the model, side by side: whatever is done, in whatever order, they say and store the same. */
describe.each([sqlite, mariadb])("the registry on $name", (database) => {
  it(`agrees with a plain model over ${STEPS} steps`, { timeout: 120_000 + 200 * STEPS }, async () => {
    const env = { HOME: temporary(), AUTOMATELINUX_HOST: "box", ...RANGES, ...(await database.fresh()) }
    const runtime = ManagedRuntime.make(registryLayer(env))
    let model = emptyModel()
    // A step is a second, so that the age of a claim is known.
    const clock = clockOf(() => EPOCH + model.step * 1000)
    const sql: Real["sql"] = (text, ...values) =>
      runtime.runPromise(
        Effect.flatMap(SqlClient.SqlClient, (client) => client.unsafe<Record<string, unknown>>(text, values))
      )
    const real: Real = {
      sql,
      call: async (use) => {
        const result = await runtime.runPromise(
          Effect.withClock(
            Effect.flatMap(Registry, (registry) => Effect.either(use(registry))),
            clock
          )
        )
        if (result._tag === "Right") return plain({ answer: result.right }) as Expected
        const error = result.left as Facts
        return plain({ refused: { ...error, _tag: error["_tag"] } }) as Expected
      }
    }
    const setup = async () => {
      for (const table of ["settings", "port_claims", "port_keys", "port_owners", "port_reserved", "port_history"])
        await sql(`DELETE FROM ${table}`)
      for (const other of Object.entries(OTHERS))
        await sql("INSERT INTO settings (setting_key, setting_value) VALUES (?, ?)", ...other)
      Step.told = 0
      model = emptyModel()
      return { model, real }
    }
    try {
      await real.call((registry) => registry.reserve([1], "makes the tables"))
      console.log(`${database.name}: SEED=${SEED}`)
      outcomes.clear()
      Step.taken = 0
      for (let seed = SEED; Step.taken < STEPS; seed++) {
        await fc.assert(
          fc.asyncProperty(everything, async (commands) => {
            const fresh = await setup()
            await fc.asyncModelRun(() => fresh, commands)
          }),
          { numRuns: 5, seed }
        )
      }
      const counts = [...outcomes].sort().map(([outcome, count]) => `${outcome} ${count}`)
      console.log(`${database.name}: ${Step.taken} steps; ${counts.join(", ")}`)
      // A generator that misses a kind of answer would show nothing of it.
      for (const kind of [
        "RangeFull",
        "PairBlocked",
        "PortHeld",
        "NotSet",
        "KeyTaken",
        "NothingNamed",
        "NotReserved",
        "NotFound"
      ])
        expect([...outcomes.keys()].some((outcome) => outcome.endsWith(kind))).toBe(true)
    } finally {
      await runtime.dispose()
    }
  })
})
