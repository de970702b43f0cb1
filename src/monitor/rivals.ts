import * as Effect from "effect/Effect"
import type { Rival } from "../domain/portHealth.ts"
import { monotonic } from "../machine/monotonic.ts"

/** How long another machine that used this host's name is remembered, at least: it stores once a minute. */
const MEMORY_MS = 180_000

/** How often it must be noticed to be told: one that this one replaces stores once more when it stops. */
const SIGHTINGS = 2

/** Remembers the machine that stores what it sees under this host's name, next to a daemon with that `interval`. */
export const makeRivals = (interval: number) => {
  const limit = Math.max(MEMORY_MS, 3 * interval)
  let last: (Rival & { readonly noticedAt: number; readonly times: number }) | undefined

  /** What was noticed lately. */
  const recent = Effect.map(monotonic, (now) =>
    last !== undefined && now - last.noticedAt <= limit ? last : undefined
  )

  return {
    /** Says that another machine has stored something since this one did. Answers whether that is to be told now. */
    notice: (machine: string, at: string) =>
      Effect.zipWith(recent, monotonic, (known, noticedAt) => {
        const times = (known?.times ?? 0) + 1
        last = { machine, at, noticedAt, times }
        return times === SIGHTINGS
      }),

    /** The other machine, if both run at the moment. */
    now: Effect.map(recent, (known): Rival | undefined =>
      known !== undefined && known.times >= SIGHTINGS ? { machine: known.machine, at: known.at } : undefined
    )
  }
}
