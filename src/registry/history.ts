import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { PortsConfig } from "../config/Config.ts"
import type { CommandResult } from "../domain/CommandResult.ts"
import {
  ChangedSince,
  NoOperation,
  NothingToTakeBack,
  OutcomeUnknown,
  Overtaken,
  TakenSince
} from "../domain/errors.ts"
import type { HistoryFilter, PastOperation, TakenBack } from "../domain/PastOperation.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { Listeners } from "../machine/Listeners.ts"
import type { Store } from "../store/Store.ts"
import { againFrom, decideTakeBack, meetingPoints, type TakeBackRequest } from "./takeBack.ts"

/** The pause between two deletions of a few events. */
const TRIM_PAUSE = "20 millis"

interface Means {
  readonly store: typeof Store.Service
  readonly listeners: typeof Listeners.Service
  readonly config: Pick<typeof PortsConfig.Service, "actor" | "historyKeep">
  readonly reservedIn: (state: RegistryState) => ReadonlyMap<number, string>
}

/** Makes the use cases of the history: reading it, trimming it, and taking an operation back. */
export const makeHistory = ({ config, listeners, reservedIn, store }: Means) => {
  /** Returns the operations that `filter` selects, newest first. */
  const history = Effect.fn("Registry.history")(function* (filter: HistoryFilter) {
    const result = yield* store.operations(filter)
    if (filter.number !== undefined && result.length === 0) return yield* new NoOperation({ number: filter.number })
    return { result, notes: [] } satisfies CommandResult<ReadonlyArray<PastOperation>>
  })

  /**
   * Deletes the history that is older than it is kept, and returns how many events that were. Others get their turn
   * after every few of them.
   */
  const trimHistory = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const cutoff = new Date(now - Duration.toMillis(config.historyKeep)).toISOString()
    let trimmed = 0
    for (let count = yield* store.trimHistory(cutoff); count > 0; count = yield* store.trimHistory(cutoff)) {
      trimmed += count
      yield* Effect.sleep(TRIM_PAUSE)
    }
    return trimmed
  })

  /** Names the operation that is in the way of an undo. */
  const naming = (error: ChangedSince | TakenSince) =>
    Effect.gen(function* () {
      for (const { keys, ports } of meetingPoints(error)) {
        const later = keys.length + ports.length === 0 ? undefined : yield* store.latestAfter(error.number, keys, ports)
        if (later === undefined) continue
        return yield* error._tag === "TakenSince"
          ? new TakenSince({ ...error, by: later })
          : new ChangedSince({ ...error, by: later })
      }
      return yield* Effect.fail(error)
    })

  /** Takes an operation back, by its number or the newest one of this user on this host. */
  const takeBack = Effect.fn("Registry.takeBack")(function* ({ force, ...request }: TakeBackRequest) {
    const { host, user } = config.actor
    const elsewhere = force ? [] : yield* store.upElsewhere
    const answer = yield* store
      .takeBack(
        request,
        (state, target) =>
          Effect.gen(function* () {
            const { asked, what } = request
            if (target === undefined)
              return yield* asked === undefined
                ? new NothingToTakeBack({ what, host, user })
                : new NoOperation({ number: asked })
            return yield* Effect.provideService(
              decideTakeBack(target, state, {
                dryRun: request.dryRun,
                force,
                elsewhere,
                reserved: reservedIn(state)
              }),
              Listeners,
              listeners
            )
          }),
        againFrom
      )
      .pipe(Effect.catchTags({ ChangedSince: naming, TakenSince: naming }))
    if ("result" in answer) return answer
    // It was made before, and is answered again.
    const [operation] = yield* Effect.catchTag(
      store.operations({ number: answer.number, limit: 1 }),
      "Unavailable",
      (error) => new OutcomeUnknown({ store: error.store, reason: error.reason })
    )
    if (operation === undefined) return yield* new Overtaken()
    return {
      result: { operation, dryRun: false, changes: answer.changes },
      notes: []
    } satisfies CommandResult<TakenBack>
  })

  return { history, trimHistory, takeBack }
}
