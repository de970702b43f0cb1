import * as Effect from "effect/Effect"
import { PortsConfig } from "../config/Config.ts"
import type { Snapshot, SnapshotFailed } from "../http/Snapshot.ts"
import { Listeners } from "../machine/Listeners.ts"
import { HealthMonitor } from "../monitor/HealthMonitor.ts"
import { Registry } from "../registry/Registry.ts"
import { Store } from "../store/Store.ts"
import { bugIn } from "./bug.ts"

/** How long to wait for the database: less than Prometheus waits for an answer. */
const LIMIT = "5 seconds"

/** Makes the query of what metrics and discovery say. It never fails or hangs, even if the database does. */
export const makeSnapshot = Effect.gen(function* () {
  const { appRange, specialRange } = yield* PortsConfig
  const store = yield* Store
  const registry = yield* Registry
  const listeners = yield* Listeners
  const monitor = yield* HealthMonitor

  const ofRegistry = Effect.gen(function* () {
    const before = performance.now()
    yield* store.ping
    const latencyMs = performance.now() - before
    const { result: assignments } = yield* registry.list({ stale: false, project: undefined })
    const { result: reserved } = yield* registry.listReserved(false)
    const listening = new Set((yield* listeners.ports)?.keys())
    return { latencyMs, assignments, reserved: reserved.map(({ port }) => port), listening }
  }).pipe(
    // `disconnect`: don't wait for a hung query to be interrupted.
    Effect.disconnect,
    Effect.timeout(LIMIT),
    Effect.catchAll(() => Effect.succeed(undefined))
  )

  return Effect.gen(function* () {
    const found = yield* ofRegistry
    const last = yield* monitor.last
    const isTickFailing = (yield* monitor.failure) !== undefined
    return {
      ranges: { app: appRange, special: specialRange },
      lastTick: last?.at,
      isTickFailing,
      registry: found
    } satisfies Snapshot
  }).pipe(
    Effect.catchAllCause((cause) =>
      Effect.map(bugIn("the snapshot of HTTP", cause), (failure): SnapshotFailed => ({ failure }))
    )
  )
})
