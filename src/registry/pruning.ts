import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Listener } from "../domain/Listener.ts"
import type { Done } from "../domain/Operation.ts"
import type { Sighted } from "../domain/Prune.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { MachineIdentity } from "../machine/identity.ts"
import type { Listeners } from "../machine/Listeners.ts"
import type { Knowledge } from "../store/knowledge.ts"
import type { Store } from "../store/Store.ts"
import { lookAgain, lookForDirectories } from "./directories.ts"
import { type Answers, decidePrune, type Pruning } from "./prune.ts"

export interface PruneRequest {
  /** The only keys that may go; all if it is empty. */
  readonly keys: ReadonlyArray<string>
  readonly dryRun: boolean
}

interface Means {
  readonly store: typeof Store.Service
  readonly listeners: typeof Listeners.Service
  /** This host. */
  readonly here: string
}

/** How many ports are connected to at once, and how long each is waited for. */
const CONNECTIONS = 64
const LIMIT_MS = 250

/** Returns the answer to a prune that was made before, as far as its events have it. */
const againFrom = (events: ReadonlyArray<Done>): Pruning => ({
  pruned: events.flatMap(({ key, oldPort }) =>
    key === null || oldPort === null
      ? []
      : [{ key, port: oldPort, reasons: [], staleSince: null, lastUp: null, directory: null, repository: null }]
  ),
  kept: []
})

const byKey = (sighted: ReadonlyArray<Sighted>, here: string): ReadonlyMap<string, ReadonlyArray<Sighted>> => {
  const found = new Map<string, Array<Sighted>>()
  for (const each of sighted) {
    if (each.host === here) continue
    const others = found.get(each.key)
    if (others === undefined) found.set(each.key, [each])
    else others.push(each)
  }
  return found
}

/** Makes the use case that releases what is unused. */
export const makePruning = ({ here, listeners, store }: Means) => {
  /** Finds out what answers on `ports` at this moment. A container engine may answer without a listener of its own. */
  const answers: Answers = (ports) =>
    Effect.gen(function* () {
      const heard = new Map<number, Listener | null | "unclear">()
      for (const listener of yield* listeners.on(new Set(ports))) heard.set(listener.port, listener)
      const others = ports.filter((port) => !heard.has(port))
      const told = yield* Effect.forEach(others, (port) => listeners.answers(port, LIMIT_MS), {
        concurrency: CONNECTIONS
      })
      for (const [at, port] of others.entries())
        if (told[at] !== false) heard.set(port, told[at] === true ? null : "unclear")
      return heard
    })

  return Effect.fn("Registry.prune")(function* ({ dryRun, keys }: PruneRequest) {
    // Outside the transaction, because a file system may be slow to answer.
    const { state } = yield* store.readEverything
    const looked = yield* Effect.promise(() => lookForDirectories(state))
    const machine = yield* MachineIdentity
    const decide = (now: RegistryState, { elsewhere, health, sighted }: Knowledge) =>
      Effect.gen(function* () {
        const presences = yield* Effect.promise(() => lookAgain(looked))
        const known = {
          health,
          isHealthForeign: health.machine !== undefined && health.machine !== machine,
          elsewhere,
          sighted: byKey(sighted, here),
          presences,
          here,
          now: new Date(yield* Clock.currentTimeMillis).toISOString()
        }
        const { changes, pruning } = yield* decidePrune(now, known, answers, keys)
        return { answer: pruning, changes }
      })
    return yield* store.decideKnowing(decide, { dryRun, answerAgain: againFrom })
  })
}
