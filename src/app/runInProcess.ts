import * as Effect from "effect/Effect"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { readConfig } from "../config/Config.ts"
import { type CommandError, outcomeUnknown } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { Operation } from "../domain/Operation.ts"
import { noteLine, toCommandError } from "../text/messages.ts"
import { makeHandlers } from "./handlers.ts"
import { registryLayer } from "./layers.ts"
import { decodePayload } from "./requestSchemas.ts"

/** The result of a command, however it was run. */
export interface Reply<N extends RegistryCommand> {
  readonly result: Results[N]
  /** Lines for standard error. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Runs one command in this process. An error in the payload is reported before the database is used. `perhapsDone` is
 * the operation id of a change that a daemon may have made.
 */
export const runInProcess = <N extends RegistryCommand>(
  command: N,
  payload: Readonly<Record<string, unknown>>,
  environment: Environment,
  perhapsDone?: string
): Effect.Effect<Reply<N>, CommandError> =>
  Effect.gen(function* () {
    const decoded = yield* decodePayload(command, payload)
    const settings = yield* readConfig(environment, "d")
    const handlers = makeHandlers(environment)
    const answer = yield* Effect.provide(handlers[command](decoded), registryLayer(settings))
    return { result: answer.result, notes: answer.notes.map(noteLine) }
  }).pipe(
    Effect.provideService(Operation, perhapsDone),
    Effect.mapError(toCommandError),
    // Any other error means that the change was not made.
    Effect.mapError((error) =>
      perhapsDone !== undefined && error.code === "unavailable" ? outcomeUnknown(error.message) : error
    )
  )
