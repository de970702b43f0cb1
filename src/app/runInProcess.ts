import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import * as config from "../config/Config.ts"
import { type CommandError, outcomeUnknown } from "../domain/CommandError.ts"
import { Operation } from "../domain/Operation.ts"
import { Listeners } from "../machine/Listeners.ts"
import { Registry } from "../registry/Registry.ts"
import { databaseLayer } from "../store/databaseLayer.ts"
import { Store } from "../store/Store.ts"
import { noteLine, toCommandError } from "../text/messages.ts"
import { makeHandlers } from "./handlers.ts"
import { decodePayload } from "./payloads.ts"

/** What any way of running a command comes to. */
export interface Reply<N extends RegistryCommand> {
  readonly result: Results[N]
  /** Lines for standard error. */
  readonly notes: ReadonlyArray<string>
}

/**
 * Runs one command in this process. What is wrong with the payload is said before the database is touched, and what is
 * wrong with the database by who needs it. `perhapsDone` is the number of a change that a daemon may have made.
 */
export const execute = <N extends RegistryCommand>(
  command: N,
  payload: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  perhapsDone?: string
): Effect.Effect<Reply<N>, CommandError> =>
  Effect.gen(function* () {
    const decoded = yield* decodePayload(command, payload)
    const settings = yield* config.readConfig(environment, "d")
    const scope = yield* Effect.scope
    const configured = Layer.succeed(config.PortsConfig, settings)
    const machine = yield* Layer.buildWithScope(Layer.merge(configured, Listeners.Default), scope)
    const build = <A, E>(layer: Layer.Layer<A, E, config.PortsConfig | Listeners>) =>
      Effect.cached(Effect.provide(Layer.buildWithScope(layer, scope), machine))
    const parts = yield* build(Registry.Default.pipe(Layer.provideMerge(Store.Default), Layer.provide(databaseLayer)))
    const handlers = makeHandlers({
      registry: Effect.map(parts, Context.get(Registry)),
      store: Effect.map(parts, Context.get(Store)),
      // Only two commands need it.
      doctor: Effect.flatMap(
        Effect.promise(() => import("../doctor/Doctor.ts")),
        ({ Doctor }) => Effect.map(Effect.flatten(build(Doctor.Default)), Context.get(Doctor))
      ),
      environment
    })
    const answer = yield* handlers[command](decoded)
    return { result: answer.result, notes: answer.notes.map(noteLine) }
  }).pipe(
    Effect.scoped,
    Effect.provideService(Operation, perhapsDone),
    Effect.mapError(toCommandError),
    // Another failure says that the change was not made.
    Effect.mapError((failure) =>
      perhapsDone !== undefined && failure.code === "unavailable" ? outcomeUnknown(failure.message) : failure
    )
  )
