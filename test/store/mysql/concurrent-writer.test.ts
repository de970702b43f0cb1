import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import mysql from "mysql2/promise"
import { expect, it } from "vitest"
import { AppName } from "../../../src/domain/PortKey.ts"
import { Listeners } from "../../../src/machine/Listeners.ts"
import { Registry } from "../../../src/registry/Registry.ts"
import { sharedServer } from "../../support/mariadb.ts"
import { registryLayer } from "../../support/registry.ts"
import { temporary } from "../../support/root.ts"

const RANGE = { first: 40_000, last: 43_999 }
const ALLOCATIONS = 1000
const CALLERS = 8

/** The registry with nothing listening: a thousand allocations would otherwise bind thousands of ports. */
const quiet = Layer.succeed(Listeners, {
  _tag: "Listeners",
  ports: Effect.succeed(new Set<number>()),
  on: () => Effect.succeed([]),
  still: () => Effect.succeed(new Set<number>()),
  prepare: Effect.void,
  isBound: () => Effect.succeed(false)
} as unknown as Listeners)

it(`respects a writer of raw SQL during ${ALLOCATIONS} allocations`, async () => {
  const server = await sharedServer()
  const url = await server.database("busy")
  const env = {
    HOME: temporary(),
    AUTOMATELINUX_DATABASE_URL: url,
    AUTOMATELINUX_DATABASE_TIMEOUT: "60 seconds",
    AUTOMATELINUX_APP_RANGE: `${RANGE.first}-${RANGE.last}`
  }
  const runtime = ManagedRuntime.make(registryLayer(env, quiet))
  const allocate = (app: string) =>
    runtime.runPromise(
      Effect.flatMap(Registry, (registry) =>
        registry.allocate({
          apps: [AppName.make(app)],
          specials: [],
          description: undefined,
          directory: undefined,
          dryRun: false
        })
      )
    )
  await allocate("first")

  /** What was true from when to when, by the order of events in this process. */
  let clock = 0
  const foreign = new Map<string, { port: number; since: number }>()
  const other = await mysql.createConnection({ socketPath: server.socket, user: "root", database: "busy" })
  let running = true
  const writer = (async () => {
    for (let turn = 0; running; turn++) {
      const key = `port_other${turn % 40}`
      const port = RANGE.first + Math.floor(Math.random() * 2200)
      if (!foreign.has(key)) {
        await other.query("INSERT INTO settings VALUES (?, ?)", [key, String(port)])
        foreign.set(key, { port, since: ++clock })
      } else if (turn % 3 === 0) {
        foreign.delete(key)
        await other.query("DELETE FROM settings WHERE setting_key = ?", [key])
      } else {
        foreign.delete(key)
        await other.query("UPDATE settings SET setting_value = ? WHERE setting_key = ?", [String(port), key])
        foreign.set(key, { port, since: ++clock })
      }
      await new Promise((done) => setTimeout(done, Math.random() * 4))
    }
  })()

  const given = new Map<number, string>()
  let next = 0
  const caller = async () => {
    while (next < ALLOCATIONS) {
      const app = `app${next++}`
      const started = clock
      const there = new Map(foreign)
      const { result } = await allocate(app)
      const [prod, dev] = result.assignments
      expect([prod?.port, (prod?.port ?? 0) % 2]).toEqual([(dev?.port ?? 0) - 1, 0])
      for (const { key, port } of result.assignments) {
        expect(given.get(port), `${port} for ${key}`).toBeUndefined()
        given.set(port, key)
        // A row that stood before this call began and still stands was there for its transaction.
        for (const [name, { port: taken, since }] of there) {
          if (since <= started && foreign.get(name)?.since === since) expect(taken, `${name} and ${key}`).not.toBe(port)
        }
      }
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  running = false
  await writer
  await runtime.dispose()

  expect(given.size).toBe(2 * ALLOCATIONS)
  const [rows] = await other.query("SELECT setting_key, setting_value FROM settings")
  const stored = new Map(
    (rows as ReadonlyArray<Record<string, string>>).map((row) => [row["setting_key"], row["setting_value"]])
  )
  for (const [port, key] of given) expect(stored.get(`port_${key}`)).toBe(String(port))
  for (const [key, { port }] of foreign) expect(stored.get(key)).toBe(String(port))
  await other.end()
}, 300_000)
