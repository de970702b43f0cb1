import * as Effect from "effect/Effect"
import type { Listeners } from "../machine/Listeners.ts"
import type { PairChoice } from "./allocator.ts"

/** Returns the bound ports without which `choice` might have been different. */
const inTheWay = (choice: PairChoice): ReadonlyArray<number> => {
  if (choice._tag === "Free" || choice._tag === "Full") return choice.skipped
  return choice._tag === "Blocked" && choice.obstacle?._tag === "Bound"
    ? [choice.port + (choice.half === "prod" ? 1 : -1)]
    : []
}

/**
 * Tracks which ports are bound on this machine. Only chosen ports are bind-tested. The table of listeners is slow to
 * read, so it is read once, and only if a bind test has failed.
 */
export const makeBoundPorts = (listeners: typeof Listeners.Service) => {
  const bound = new Set<number>()
  /** The bound ports that are not just another process's bind test, which is over a moment later. */
  const confirmed = new Set<number>()
  let tableRead = false

  const confirm = (ports: ReadonlyArray<number>) =>
    Effect.map(listeners.still(ports), (still) => {
      for (const port of ports) {
        if (still.has(port)) confirmed.add(port)
        else bound.delete(port)
      }
    })

  const add = (busy: ReadonlyArray<number>) =>
    Effect.gen(function* () {
      if (!tableRead) for (const port of (yield* listeners.ports)?.keys() ?? []) bound.add(port)
      tableRead = true
      for (const port of busy) {
        bound.add(port)
        confirmed.add(port)
      }
    })

  return {
    /** Repeats the choice until every skipped port is confirmed to be bound and none of the new ports is. */
    choose: Effect.fnUntraced(function* <C extends PairChoice>(
      decide: (bound: ReadonlySet<number>) => C,
      newPorts: (choice: C) => ReadonlyArray<number>
    ) {
      while (true) {
        const choice = decide(bound)
        const unconfirmed = inTheWay(choice).filter((port) => !confirmed.has(port))
        if (unconfirmed.length > 0) {
          yield* confirm(unconfirmed)
          continue
        }
        const busy = yield* Effect.filter(newPorts(choice), (port) => listeners.isBound(port))
        if (busy.length === 0) return choice
        yield* add(busy)
      }
    })
  }
}
