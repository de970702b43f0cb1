import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { PortsConfig } from "../config/Config.ts"
import type { Assignment } from "../domain/Assignment.ts"
import { type ForeignPort, isForeign } from "../domain/foreign.ts"
import { portsOf, reasonsOf } from "../domain/RegistryState.ts"
import type { Listeners } from "../machine/Listeners.ts"
import type { Store } from "../store/Store.ts"
import type { makeCurrentHealth } from "./currentHealth.ts"
import { listing } from "./list.ts"

/** Every port at one moment. */
export interface Live {
  /** ISO 8601. */
  readonly at: string
  /** As `list` returns them. */
  readonly assignments: ReadonlyArray<Assignment>
  /** By port. */
  readonly foreign: ReadonlyArray<ForeignPort>
}

interface Means {
  readonly config: typeof PortsConfig.Service
  readonly store: typeof Store.Service
  readonly listeners: typeof Listeners.Service
  readonly currentHealth: Effect.Effect.Success<ReturnType<typeof makeCurrentHealth>>
}

/**
 * Makes the query for those who watch the ports. The kernel's tables are read each time, once, and the registry only if
 * anything was committed.
 */
export const makeLive = ({ config, currentHealth, listeners, store }: Means) =>
  Effect.gen(function* () {
    const stored = yield* store.readLive
    const ports = portsOf(stored.rows)
    const assigned = new Set(ports.values())
    const reserved = new Map([...config.reserved, ...reasonsOf(stored.reserved)])
    const isStranger = (port: number) => isForeign(port, [config.appRange, config.specialRange], assigned, reserved)
    const all = yield* listeners.where((port) => assigned.has(port) || isStranger(port))
    const found = new Map(all.map((listener) => [listener.port, listener]))
    const now = yield* Clock.currentTimeMillis
    const health = yield* currentHealth({ ...stored, ports }, assigned, found, now)
    const moment = { now, health, listeners: found }
    const { result: assignments } = listing(ports, undefined, { ...stored, ...stored.marks, ports }, moment)
    const foreign = [...found.values()]
      .filter(({ port }) => isStranger(port))
      .map(({ port, process }): ForeignPort => ({ port, command: process?.command ?? null }))
      .sort((a, b) => a.port - b.port)
    return { at: new Date(now).toISOString(), assignments, foreign } satisfies Live
  })
