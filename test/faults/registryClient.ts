import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { AppName, PortKey, SpecialKey } from "../../src/domain/PortKey.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { toCommandError } from "../../src/text/errors.ts"
import { registryLayer } from "../support/registry.ts"
import { type Client, type Document, outcomeOf } from "./clients.ts"
import type { Ask } from "./history.ts"

const apps = (names: ReadonlyArray<string>) => names.map((name) => AppName.make(name))
const specials = (names: ReadonlyArray<string>) => names.map((name) => SpecialKey.make(name))

/** What the registry answers to `ask`. */
const answer = (registry: typeof Registry.Service, ask: Ask) => {
  switch (ask.command) {
    case "allocate": {
      const nothingElse = { description: undefined, directory: undefined, dryRun: false }
      return registry.allocate({ apps: apps(ask.app), specials: specials(ask.special), ...nothingElse })
    }
    case "release":
      return registry.release({ apps: apps(ask.app), specials: specials(ask.special), force: false })
    case "setPort":
      return registry.set({ key: PortKey.make(ask.key), port: ask.value, description: undefined, force: ask.force })
    case "deletePort":
      return registry.remove(PortKey.make(ask.key))
    case "getPort":
      return registry.get(PortKey.make(ask.key))
    case "rename":
      return registry.rename(
        "key" in ask ? { key: PortKey.make(ask.key) } : { app: AppName.make(ask.app) },
        PortKey.make(ask.to)
      )
    case "history":
      return Effect.map(registry.history({ keys: [ask.key], limit: ask.limit }), ({ result }) => ({
        result: { operations: result }
      }))
    case "undo":
      return registry.takeBack({ asked: ask.number, what: "undo", force: false, dryRun: false })
  }
}

/** A registry in this process, whose connection to the database can be spoken to past it. */
export const overRegistry = (env: Readonly<Record<string, string>>) => {
  const runtime = ManagedRuntime.make(registryLayer(env))
  const client: Client = (ask) =>
    runtime.runPromise(
      Effect.flatMap(Registry, (registry) =>
        Effect.match(
          answer(registry, ask) as Effect.Effect<{ result: Document }, Parameters<typeof toCommandError>[0]>,
          {
            onFailure: (error) => outcomeOf(ask, { ok: false, error: toCommandError(error) }),
            onSuccess: ({ result }) => outcomeOf(ask, { ok: true, result })
          }
        )
      )
    )
  return {
    client,
    sql: (text: string) => runtime.runPromise(Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(text))),
    end: () => runtime.dispose()
  }
}
