import * as Cache from "effect/Cache"
import * as Effect from "effect/Effect"
import { type Health, healthFrom, healthNow } from "../domain/Health.ts"
import { type HostHealth, knownOf, past } from "../domain/portHealth.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import type { Listeners } from "../machine/Listeners.ts"

/** What of the registry tells the health of its ports. */
export type Watched = Pick<RegistryState, "claims" | "ports"> & { readonly health: HostHealth }

/** How long to wait for a port that neither accepts a connection nor refuses it, in milliseconds. */
const LIMIT_MS = 250
/** How many ports are connected to at once. */
const CONNECTIONS = 64
/** How long the answer of a port holds: many clients may ask for the list at the same time. */
const HOLDS = "1 second"

/**
 * Makes a function that returns the health on this host of each of `ports`, as of `now`. Something listens on those that
 * are in `listening`. A port that was up, and on which nothing is known to listen, is connected to, because a container
 * engine may publish it without a listener of its own. If it neither accepts nor refuses, it stays what it was.
 */
export const makeCurrentHealth = ({ answers }: Pick<typeof Listeners.Service, "answers">) =>
  Effect.gen(function* () {
    const cache = yield* Cache.make({
      capacity: 10_000,
      timeToLive: HOLDS,
      // A request that is interrupted would interrupt all that wait for the same answer.
      lookup: (port: number) => Effect.uninterruptible(answers(port, LIMIT_MS))
    })
    const areSilent = (ports: ReadonlyArray<number>) =>
      Effect.filter(ports, (port) => Effect.map(cache.get(port), (answer) => answer === false), {
        concurrency: CONNECTIONS
      })

    return Effect.fn("Registry.currentHealth")(function* (
      watched: Watched,
      ports: Iterable<number>,
      listening: { readonly has: (port: number) => boolean },
      now: number
    ) {
      const at = new Date(now).toISOString()
      const checkedAt = past(watched.health.probedAt, at)
      const health = new Map<number, Health>()
      const missing: Array<number> = []
      for (const port of ports) {
        const probed = healthFrom(knownOf(watched.health, watched, port, at), checkedAt)
        const isListening = listening.has(port)
        health.set(port, healthNow(probed, isListening || undefined, at))
        if (!isListening && probed.state === "up") missing.push(port)
      }
      for (const port of yield* areSilent(missing)) {
        const probed = health.get(port)
        if (probed !== undefined) health.set(port, healthNow(probed, false, at))
      }
      return health
    })
  })
