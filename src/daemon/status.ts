import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { version } from "../../package.json"
import type { Status } from "../commands/Results.ts"
import { changeSince, PortsConfig } from "../config/Config.ts"
import type { Environment } from "../domain/Environment.ts"
import { type RegistryError, Unavailable } from "../domain/errors.ts"
import { HEALTH_STATES, type HealthState } from "../domain/Health.ts"
import { formatRange, type PortRange, slotCount, slotsOf } from "../domain/PortRange.ts"
import { monotonic } from "../machine/monotonic.ts"
import { HealthMonitor } from "../monitor/HealthMonitor.ts"
import { Registry } from "../registry/Registry.ts"
import { Store } from "../store/Store.ts"
import { toCommandError } from "../text/errors.ts"
import { HttpControl } from "./HttpControl.ts"

/** How long to wait for the database: less than a client waits for a reply. */
const LIMIT = Duration.seconds(5)

const useOf = (range: PortRange, size: 1 | 2, ports: ReadonlyArray<number>) => ({
  range: formatRange(range),
  slots: slotCount(range, size),
  claimed: slotsOf(range, size, ports).size
})

/** Makes the query of the daemon's status; uptime counts from now. Never fails or hangs, even if the database does. */
export const makeStatus = (environment: Environment) =>
  Effect.gen(function* () {
    const startedAt = yield* monotonic
    const settings = yield* PortsConfig
    const store = yield* Store
    const registry = yield* Registry
    const monitor = yield* HealthMonitor
    const http = yield* HttpControl
    const { appRange, database, probeInterval, specialRange } = settings
    const named = { kind: database._tag, label: store.label }
    const intervalSeconds = Duration.toSeconds(probeInterval)

    const whenReachable = Effect.gen(function* () {
      const before = performance.now()
      yield* store.ping
      const latencyMs = Math.round((performance.now() - before) * 100) / 100
      const assigned = yield* registry.overview()
      const ports = assigned.map(({ port }) => port)
      const count = (state: HealthState) => assigned.filter((each) => each.state === state).length
      const failure = yield* monitor.failure
      return {
        database: { ...named, latencyMs, error: null },
        lastTick: (yield* monitor.last) ?? null,
        watching: {
          intervalSeconds,
          idleSeconds: Math.round(yield* monitor.idleSeconds),
          failure: failure?.message ?? null,
          fault: failure?.fault ?? null,
          rival: (yield* monitor.rival) ?? null,
          unstored: yield* monitor.unstored
        },
        ranges: { app: useOf(appRange, 2, ports), special: useOf(specialRange, 1, ports) },
        health: Object.fromEntries(HEALTH_STATES.map((state) => [state, count(state)])) as Record<HealthState, number>
      }
    })

    const databaseDown = (error: RegistryError) => ({
      database: { ...named, latencyMs: null, error: toCommandError(error).message },
      lastTick: null,
      watching: { intervalSeconds, idleSeconds: null, failure: null, fault: null, rival: null, unstored: [] },
      ranges: null,
      health: null
    })

    const silent = () =>
      new Unavailable({
        store: named.label,
        fault: "silent",
        reason: "it does not answer",
        hint: "check that the server is running, and AUTOMATELINUX_DATABASE_URL"
      })

    return whenReachable.pipe(
      // `disconnect`: don't wait for a hung query to be interrupted.
      Effect.disconnect,
      Effect.timeoutFail({ duration: LIMIT, onTimeout: silent }),
      Effect.catchAll((error) => Effect.succeed(databaseDown(error))),
      Effect.zip(changeSince(settings, environment)),
      Effect.zipWith(monotonic, ([found, { changed, problem }], now): Status => {
        const uptimeSeconds = Math.round((now - startedAt) / 1000)
        const reread = { file: settings.file, changed, problem: problem ? toCommandError(problem).message : null }
        return { version, pid: process.pid, uptimeSeconds, settings: reread, ...found, http: http.status() }
      })
    )
  })
