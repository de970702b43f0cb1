import * as Effect from "effect/Effect"
import type { Rival } from "../domain/portHealth.ts"
import { monotonic } from "../machine/monotonic.ts"

/** The minimum time to remember another machine that uses this host's name: it stores health once a minute. */
const MEMORY_MS = 180_000

/** How often it must be noticed to be reported: a daemon that this one replaces stores once more when it stops. */
const SIGHTINGS = 2

/** Tracks another machine that stores health under this host's name. `interval` is the probe interval, in ms. */
export const makeRivals = (interval: number) => {
  const limit = Math.max(MEMORY_MS, 3 * interval)
  let last: (Rival & { readonly noticedAt: number; readonly times: number }) | undefined

  /** The machine that was noticed recently, if any. */
  const recent = Effect.map(monotonic, (now) =>
    last !== undefined && now - last.noticedAt <= limit ? last : undefined
  )

  return {
    /** Records that another machine has stored something since this one did. Returns whether to report it now. */
    notice: (machine: string, at: string) =>
      Effect.zipWith(recent, monotonic, (known, noticedAt) => {
        const times = (known?.times ?? 0) + 1
        last = { machine, at, noticedAt, times }
        return times === SIGHTINGS
      }),

    /** The other machine, if it is still running. */
    now: Effect.map(recent, (known): Rival | undefined =>
      known !== undefined && known.times >= SIGHTINGS ? { machine: known.machine, at: known.at } : undefined
    )
  }
}
