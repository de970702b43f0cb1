import * as Effect from "effect/Effect"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { readConfig } from "../config/Config.ts"
import { exposedSecrets } from "../config/exposedSecrets.ts"
import { type CommandError, outcomeUnknown } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import type { Note } from "../domain/Note.ts"
import { Operation } from "../domain/Operation.ts"
import { ContainerEngines } from "../machine/ContainerEngines.ts"
import { makeNaming } from "../machine/naming.ts"
import { toCommandError } from "../text/errors.ts"
import { noteLine } from "../text/notes.ts"
import { makeHandlers } from "./handlers.ts"
import { registryLayer } from "./layers.ts"
import { decodePayload } from "./requestSchemas.ts"

/** The result of a command, however it was run. */
export interface Reply<N extends RegistryCommand> {
  readonly result: Results[N]
  /** Lines for standard error. */
  readonly notes: ReadonlyArray<string>
}

interface Circumstances {
  /** The operation id of a change that a daemon may have made. */
  readonly perhapsDone: string | undefined
  /** Whether a person reads the notes, and not only a script, which would repeat them on every call. */
  readonly isInteractive: boolean
}

/** Runs one command in this process. An error in the payload is reported before the database is used. */
export const runInProcess = <N extends RegistryCommand>(
  command: N,
  payload: Readonly<Record<string, unknown>>,
  environment: Environment,
  { isInteractive, perhapsDone }: Circumstances
): Effect.Effect<Reply<N>, CommandError> =>
  Effect.gen(function* () {
    const decoded = yield* decodePayload(command, payload)
    const settings = yield* readConfig(environment, "d")
    const handlers = makeHandlers(environment)
    const answer = yield* Effect.provide(handlers[command](decoded), registryLayer(settings))
    // The doctor has a check for it.
    const exposed = isInteractive && command !== "doctor" ? exposedSecrets(settings) : []
    const warnings = exposed.map(({ file, readers }): Note => ({ _tag: "SecretReadable", file, readers }))
    return { result: answer.result, notes: [...warnings, ...answer.notes].map(noteLine) }
  }).pipe(
    Effect.provideService(Operation, perhapsDone),
    Effect.provideService(ContainerEngines, makeNaming(environment)),
    Effect.mapError(toCommandError),
    // Any other error means that the change was not made.
    Effect.mapError((error) =>
      perhapsDone !== undefined && error.code === "unavailable" ? outcomeUnknown(error.message) : error
    )
  )
