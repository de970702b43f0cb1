import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Assignment } from "../domain/Assignment.ts"
import type { CommandResult } from "../domain/CommandResult.ts"
import { type Health, type HealthState, unwatched } from "../domain/Health.ts"
import { type Listener, processOfListener } from "../domain/Listener.ts"
import type { Note } from "../domain/Note.ts"
import { appOf, kindOf } from "../domain/names.ts"
import { OLD_HEALTH_MS, past } from "../domain/portHealth.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { publishedOn, RECENT_MS, withContainers } from "../machine/ContainerEngines.ts"
import type { makeCurrentHealth, Watched } from "./currentHealth.ts"

type Stored = Pick<RegistryState, "rows" | "keys" | "owners" | "pinned"> & Watched

/** What is so on this host at one moment: the health of each port, and what listens on it. */
interface Moment {
  readonly now: number
  readonly health: ReadonlyMap<number, Health>
  readonly listeners: ReadonlyMap<number, Listener>
}

const byPort = (listeners: ReadonlyArray<Listener>) => new Map(listeners.map((listener) => [listener.port, listener]))

/** Makes a function that returns what is so at this moment of `ports`, on which `found` listen, and of others that do. */
export const makeMoment =
  (currentHealth: Effect.Effect.Success<ReturnType<typeof makeCurrentHealth>>) =>
  (watched: Watched, ports: ReadonlySet<number>, found: ReadonlyArray<Listener>): Effect.Effect<Moment> =>
    Effect.gen(function* () {
      const listeners = byPort(yield* withContainers(found, RECENT_MS))
      const now = yield* Clock.currentTimeMillis
      const health = yield* currentHealth(watched, ports, listeners, now)
      const unseen = [...ports].filter((port) => !listeners.has(port) && health.get(port)?.state === "up")
      const published = byPort(yield* publishedOn(new Set(unseen), RECENT_MS))
      return { now, health, listeners: new Map([...published, ...listeners]) }
    })

const shown = (listener: Listener): Assignment["listener"] => {
  const { user, ...process } = processOfListener(listener)
  return { address: listener.address, ...process, user }
}

/** Returns the result of `listPorts` for the `selected` assignments. */
export const listing = (
  selected: Iterable<readonly [key: string, port: number]>,
  state: HealthState | undefined,
  { claims, health, keys, owners, pinned, ports, rows }: Stored,
  moment: Moment
): CommandResult<ReadonlyArray<Assignment>> => {
  const result = [...selected]
    .map(([key, port]): Assignment => {
      const claim = claims.get(port)
      const listener = moment.listeners.get(port)
      return {
        key,
        port,
        kind: kindOf(key),
        app: appOf(key),
        description: keys.get(key)?.description ?? null,
        host: claim?.key === key ? claim.host : null,
        owner: owners.get(key) ?? null,
        pinned: pinned.has(key),
        health: moment.health.get(port) ?? unwatched,
        listener: listener === undefined ? null : shown(listener)
      }
    })
    .filter((each) => state === undefined || each.health.state === state)
    .sort((a, b) => a.port - b.port || (a.key < b.key ? -1 : 1))
  const checkedAt = past(health.probedAt, new Date(moment.now).toISOString())
  const age = checkedAt === null ? 0 : moment.now - Date.parse(checkedAt)
  const notes = [...rows]
    .filter(([key]) => !ports.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]): Note => ({ _tag: "NoPort", key, stored: value }))
  if (health.probedAt !== null && checkedAt === null) notes.push({ _tag: "HealthAhead", at: health.probedAt })
  // What is up, or no longer up, was found out just now.
  const isOld = result.some(({ health: { checkedAt: at, state } }) => at !== null && at === checkedAt && state !== "up")
  if (isOld && age > OLD_HEALTH_MS) notes.push({ _tag: "OldHealth", seconds: Math.round(age / 1000) })
  return { result, notes }
}
