import * as Effect from "effect/Effect"
import type { PortsConfig } from "../config/Config.ts"
import type { Assignment } from "../domain/Assignment.ts"
import { type ForeignPort, isForeign } from "../domain/foreign.ts"
import { portsOf, reasonsOf } from "../domain/RegistryState.ts"
import type { Listeners } from "../machine/Listeners.ts"
import type { Store } from "../store/Store.ts"
import { listing, type makeMoment } from "./list.ts"

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
  readonly momentOf: ReturnType<typeof makeMoment>
}

/**
 * Makes the query for those who watch the ports. The kernel's tables are read each time, once, and the registry only if
 * anything was committed.
 */
export const makeLive = ({ config, listeners, momentOf, store }: Means) =>
  Effect.gen(function* () {
    const stored = yield* store.readLive
    const ports = portsOf(stored.rows)
    const assigned = new Set(ports.values())
    const reserved = new Map([...config.reserved, ...reasonsOf(stored.reserved)])
    const isStranger = (port: number) => isForeign(port, [config.appRange, config.specialRange], assigned, reserved)
    const all = yield* listeners.where((port) => assigned.has(port) || isStranger(port))
    const moment = yield* momentOf({ ...stored, ports }, assigned, all)
    const { result: assignments } = listing(ports, undefined, { ...stored, ...stored.marks, ports }, moment)
    const foreign = [...moment.listeners.values()]
      .filter(({ port }) => isStranger(port))
      .map(
        ({ container, port, process }): ForeignPort => ({ port, command: container?.name ?? process?.command ?? null })
      )
      .sort((a, b) => a.port - b.port)
    return { at: new Date(moment.now).toISOString(), assignments, foreign } satisfies Live
  })
