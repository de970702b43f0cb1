import * as Effect from "effect/Effect"
import { version } from "../../package.json"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import type { Doctor } from "../doctor/Doctor.ts"
import type { CommandResult } from "../domain/CommandResult.ts"
import { Invalid, MissingArgument, type RegistryError } from "../domain/errors.ts"
import { keyOf, type PortKey } from "../domain/PortKey.ts"
import type { Registry } from "../registry/Registry.ts"
import type { Store } from "../store/Store.ts"
import { describeListener } from "../text/describe.ts"
import type { Payload } from "./payloads.ts"

type Handlers = {
  readonly [N in RegistryCommand]: (payload: Payload<N>) => Effect.Effect<CommandResult<Results[N]>, RegistryError>
}

/** The key that `getPort` is asked for: `--key`, or `--app` with `--mode`. */
const askedKey = ({ app, key, mode }: Payload<"getPort">): Effect.Effect<PortKey, Invalid | MissingArgument> => {
  const command = "getPort"
  if (key !== undefined) {
    const extra = app !== undefined ? "app" : mode !== undefined ? "mode" : undefined
    return extra === undefined
      ? Effect.succeed(key)
      : Effect.fail(
          new Invalid({ command, argument: extra, problem: "does not go with key: give key, or app and mode" })
        )
  }
  if (app !== undefined && mode !== undefined) return Effect.succeed(keyOf(app, mode))
  const argument = app !== undefined ? "mode" : mode !== undefined ? "app" : "key"
  return Effect.fail(new MissingArgument({ command, argument }))
}

/** What `explain` is asked about: a port or a key. */
const askedPort = ({ key, port }: Payload<"explain">) => {
  const command = "explain"
  if (key === undefined) {
    return port === undefined
      ? Effect.fail(new MissingArgument({ command, argument: "port" }))
      : Effect.succeed({ port })
  }
  return port === undefined
    ? Effect.succeed({ key })
    : Effect.fail(new Invalid({ command, argument: "key", problem: "does not go with port: give one of them" }))
}

const noted = <A>(result: A): CommandResult<A> => ({ result, notes: [] })

const someName = (command: string, { app, special }: { app: ReadonlyArray<string>; special: ReadonlyArray<string> }) =>
  app.length + special.length === 0 ? Effect.fail(new MissingArgument({ command, argument: "app" })) : Effect.void

/** What the handlers call. It is asked for only when the arguments are known to be right. */
export interface Services {
  readonly doctor: Effect.Effect<typeof Doctor.Service, RegistryError>
  readonly store: Effect.Effect<typeof Store.Service, RegistryError>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly registry: Effect.Effect<typeof Registry.Service, RegistryError>
}

/** The table of commands onto the use cases. */
export const makeHandlers = ({ doctor, environment, registry, store }: Services): Handlers => {
  const call = <A, E extends RegistryError>(use: (registry: typeof Registry.Service) => Effect.Effect<A, E>) =>
    Effect.flatMap(registry, use)
  return {
    allocate: (payload) =>
      Effect.gen(function* () {
        yield* someName("allocate", payload)
        const { notes, result } = yield* call((registry) =>
          registry.allocate({
            apps: payload.app,
            specials: payload.special,
            description: payload.description,
            directory: payload.dir,
            dryRun: payload.dryRun
          })
        )
        const skipped = result.skipped.map(({ by, port }) => ({
          port,
          reason: "bound" as const,
          by: by === null ? null : describeListener(by)
        }))
        return { result: { assignments: result.assignments, skipped }, notes }
      }),
    getPort: (payload) => Effect.flatMap(askedKey(payload), (key) => call((registry) => registry.get(key))),
    setPort: (payload) =>
      payload.value === undefined && payload.description === undefined && payload.dir === undefined
        ? Effect.fail(new MissingArgument({ command: "setPort", argument: "value" }))
        : call((registry) =>
            registry.set({
              key: payload.key,
              port: payload.value,
              description: payload.description,
              directory: payload.dir,
              force: payload.force
            })
          ),
    listPorts: (payload) => call((registry) => registry.list(payload)),
    deletePort: ({ key }) => call((registry) => registry.remove(key)),
    release: (payload) =>
      Effect.zipRight(
        someName("release", payload),
        call((registry) => registry.release(payload.app, payload.special))
      ),
    rename: ({ key, to }) => call((registry) => registry.rename(key, to)),
    reserve: ({ port, reason }) => call((registry) => registry.reserve(port, reason)),
    doctor: ({ clientVersion = version, ...request }) =>
      Effect.flatMap(doctor, (each) => each.examine({ ...request, version: clientVersion }, store, environment)),
    explain: (payload) =>
      Effect.gen(function* () {
        const about = yield* askedPort(payload)
        return noted(yield* (yield* doctor).explain(about, store, environment, version))
      }),
    backup: ({ file }) =>
      Effect.map(
        Effect.flatMap(store, (each) => each.backup(file)),
        (bytes) => noted({ file, bytes })
      ),
    unreserve: ({ port }) => call((registry) => registry.unreserve(port))
  }
}
