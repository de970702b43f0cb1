import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Results } from "./answers.ts"
import type { RegistryCommand } from "./commands.ts"
import * as config from "./config.ts"
import type { OutcomeUnknown, Unavailable, WrongConfig } from "./domain/errors.ts"
import type { Failure } from "./domain/Failure.ts"
import { makeHandlers } from "./handlers.ts"
import { Listeners } from "./Listeners.ts"
import { decodePayload } from "./protocol.ts"
import { Registry } from "./Registry.ts"
import { Store } from "./Store.ts"
import { describe, noteLine } from "./sentences.ts"
import { databaseLayer } from "./store/database.ts"

/** What any way of running a command comes to. */
export interface Reply<N extends RegistryCommand> {
  readonly result: Results[N]
  /** Lines for standard error. */
  readonly notes: ReadonlyArray<string>
}

/** The registry on the configured database, in this process. */
export const registryLayer = (
  environment: Readonly<Record<string, string | undefined>>
): Layer.Layer<Registry, WrongConfig | Unavailable | OutcomeUnknown> =>
  Registry.Default.pipe(
    Layer.provide(Store.Default),
    Layer.provide([databaseLayer, Listeners.Default]),
    Layer.provide(config.layer(environment, "d"))
  )

/** Runs one command in this process; what is wrong with the payload is said before the database is touched. */
export const execute = <N extends RegistryCommand>(
  command: N,
  payload: unknown,
  environment: Readonly<Record<string, string | undefined>>
): Effect.Effect<Reply<N>, Failure> =>
  Effect.gen(function* () {
    const decoded = yield* decodePayload(command, payload)
    const scope = yield* Effect.scope
    const context = yield* Effect.cached(Layer.buildWithScope(registryLayer(environment), scope))
    const handlers = makeHandlers({ registry: Effect.map(context, Context.get(Registry)) })
    const answer = yield* handlers[command](decoded)
    return { result: answer.result, notes: answer.notes.map(noteLine) }
  }).pipe(Effect.scoped, Effect.mapError(describe))
