import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Sighted } from "../domain/Prune.ts"
import { type HostHealth, OLD_HEALTH_MS, type UpElsewhere } from "../domain/portHealth.ts"
import { Driver } from "./Driver.ts"
import type { makeHealthTable } from "./healthTable.ts"
import { type Decoded, decodeAll, runAlone, statementsOf } from "./Query.ts"
import type { makeQueryRunner } from "./runQuery.ts"
import { makeSightings } from "./sightings.ts"

/** The hosts' knowledge of the keys, beside the state. */
export interface Knowledge {
  /** The health on this host. */
  readonly health: HostHealth
  /** The ports that are up on other hosts. A host is believed as long as its daemon probes. */
  readonly elsewhere: ReadonlyArray<UpElsewhere>
  /** Each host's last sight of the keys, and their owners there. */
  readonly sighted: ReadonlyArray<Sighted>
}

export const NOTHING_KNOWN: Knowledge = {
  health: { records: new Map(), watched: 0, probedAt: null, machine: undefined },
  elsewhere: [],
  sighted: []
}

type HealthTable = Effect.Effect.Success<ReturnType<typeof makeHealthTable>>
type Runner = Effect.Effect.Success<ReturnType<typeof makeQueryRunner>>

/** Returns the ports that are up on other hosts, if their daemons still probe. */
const believed = ({ probedAt, up }: Decoded<HealthTable["elsewhere"]>, now: number): ReadonlyArray<UpElsewhere> =>
  up.filter(({ host }) => Math.abs(now - Date.parse(probedAt.get(host) ?? "")) < OLD_HEALTH_MS)

/** Makes the functions that read what the hosts know of the keys. */
export const makeKnowledge = Effect.fnUntraced(function* ({ queryOr }: Runner, health: HealthTable) {
  const driver = yield* Driver
  const sightings = yield* makeSightings

  /** Reads all of it, in the transaction around it if there is one. */
  const read = Effect.gen(function* () {
    const records = yield* runAlone(health.queries.records)
    const clock = yield* runAlone(health.queries.clock)
    const elsewhere = {
      probedAt: yield* runAlone(health.elsewhere.probedAt),
      up: yield* runAlone(health.elsewhere.up)
    }
    const sighted = [...(yield* runAlone(sightings.up)), ...(yield* runAlone(sightings.owned))]
    // The time is read last: what a daemon has stored meanwhile is not from the future.
    const now = yield* Clock.currentTimeMillis
    return { health: { records, ...clock }, elsewhere: believed(elsewhere, now), sighted } satisfies Knowledge
  })

  return {
    read,

    /** The ports that are up on other hosts. A host is believed as long as its daemon probes. */
    upElsewhere: queryOr(
      Effect.gen(function* () {
        const found = decodeAll(health.elsewhere, yield* driver.readMany(statementsOf(health.elsewhere)))
        return believed(found, yield* Clock.currentTimeMillis)
      }),
      Effect.succeed<ReadonlyArray<UpElsewhere>>([])
    ),

    /** Each host's knowledge of the keys. */
    sightings: queryOr(
      Effect.map(driver.readMany(statementsOf(sightings)), (results) => {
        const { owned, up } = decodeAll(sightings, results)
        return [...up, ...owned]
      }),
      Effect.succeed<ReadonlyArray<Sighted>>([])
    )
  }
})
