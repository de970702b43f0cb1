import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { version } from "../../package.json"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import type { Doctor } from "../doctor/Doctor.ts"
import type { CommandResult } from "../domain/CommandResult.ts"
import type { Environment } from "../domain/Environment.ts"
import { Invalid, MissingArgument, type RegistryError } from "../domain/errors.ts"
import { keyOf, type PortKey } from "../domain/PortKey.ts"
import { countPorts, PORTS_MAX, portsIn } from "../domain/portList.ts"
import { portUrl } from "../domain/portUrl.ts"
import type { Asked } from "../registry/claim.ts"
import type { Named } from "../registry/named.ts"
import { Registry } from "../registry/Registry.ts"
import { Store } from "../store/Store.ts"
import { describeListener } from "../text/describe.ts"
import { historyFilter } from "./historyFilter.ts"
import { askedRules } from "./ignoring.ts"
import { runImport } from "./importing.ts"
import type { Services } from "./layers.ts"
import { namedSkipped, naming } from "./naming.ts"
import { prune } from "./prune.ts"
import type { Payload } from "./requestSchemas.ts"

type Handlers = {
  readonly [N in RegistryCommand]: (
    payload: Payload<N>
  ) => Effect.Effect<CommandResult<Results[N]>, RegistryError, Services>
}

/** Returns the key that `getPort` looks up: `--key`, or `--app` with `--mode`. */
const askedKey = ({ app, key, mode }: Payload<"getPort">): Effect.Effect<PortKey, Invalid | MissingArgument> => {
  const command = "getPort"
  if (key !== undefined) {
    const extra = app !== undefined ? "app" : mode !== undefined ? "mode" : undefined
    return extra === undefined
      ? Effect.succeed(key)
      : Effect.fail(
          new Invalid({
            command,
            argument: `--${extra}`,
            problem: "does not go with --key: give --key, or --app and --mode"
          })
        )
  }
  if (app !== undefined && mode !== undefined) return Effect.succeed(keyOf(app, mode))
  const argument = app !== undefined ? "mode" : mode !== undefined ? "app" : "key"
  return Effect.fail(new MissingArgument({ command, argument }))
}

/** Returns how a command names a key: by one of key, app and directory. */
const askedHere = (
  command: string,
  { app, directory, formerly, key, mode, suggested }: Payload<"check">
): Effect.Effect<Asked, Invalid | MissingArgument> => {
  if (key !== undefined && (app ?? mode) !== undefined)
    return Effect.fail(
      new Invalid({
        command,
        argument: app === undefined ? "mode" : "app",
        problem: "does not go with key: give key, or app and mode"
      })
    )
  if (key === undefined && app === undefined && (directory === undefined || suggested.length === 0))
    return Effect.fail(new MissingArgument({ command, argument: "key" }))
  return Effect.succeed({ key, app, mode: mode ?? "dev", directory, suggested, formerly })
}

/** Returns the port or the key that `explain` is about. */
const askedPort = ({ key, port }: Payload<"explain">) => {
  const command = "explain"
  if (key === undefined) {
    return port === undefined
      ? Effect.fail(new MissingArgument({ command, argument: "port" }))
      : Effect.succeed({ port })
  }
  return port === undefined
    ? Effect.succeed({ key })
    : Effect.fail(new Invalid({ command, argument: "--key", problem: "does not go with --port: give one of them" }))
}

/** Returns the key, the app or the name that `rename` and `describe` are about. */
const askedName = (
  command: "describe" | "rename",
  { app, key, name }: Pick<Payload<typeof command>, "app" | "key" | "name">
): Effect.Effect<Named, Invalid | MissingArgument> => {
  const [first, second] = [
    ...(key === undefined ? [] : [{ option: "--key", named: { key } }]),
    ...(app === undefined ? [] : [{ option: "--app", named: { app } }]),
    ...(name === undefined ? [] : [{ option: "--name", named: { name } }])
  ]
  if (first === undefined) return Effect.fail(new MissingArgument({ command, argument: "key" }))
  return second === undefined
    ? Effect.succeed(first.named)
    : Effect.fail(
        new Invalid({
          command,
          argument: second.option,
          problem: `does not go with ${first.option}: give one of them`
        })
      )
}

/** Returns the ports that `reserve` and `unreserve` are about, in order. */
const askedPorts = (command: "reserve" | "unreserve", lists: Payload<"reserve">["port"]) => {
  const ranges = lists.flat()
  const count = countPorts(ranges)
  if (count === 0) return Effect.fail(new MissingArgument({ command, argument: "port" }))
  return count > PORTS_MAX
    ? Effect.fail(
        new Invalid({ command, argument: "port", problem: `names ${count} ports: at most ${PORTS_MAX} at once` })
      )
    : Effect.succeed(portsIn(ranges))
}

/** Returns an argument that must be given. */
const needed = <A>(command: string, argument: string, value: A | undefined) =>
  value === undefined ? Effect.fail(new MissingArgument({ command, argument })) : Effect.succeed(value)

const noted = <A>(result: A): CommandResult<A> => ({ result, notes: [] })

const someName = (command: string, { app, special }: { app: ReadonlyArray<string>; special: ReadonlyArray<string> }) =>
  app.length + special.length === 0 ? Effect.fail(new MissingArgument({ command, argument: "app" })) : Effect.void

/** Returns everything that `pin` and `unpin` are about. */
const someNamed = (command: string, { app, key, name }: Payload<"pin">) => {
  const named: ReadonlyArray<Named> = [
    ...key.map((each) => ({ key: each })),
    ...app.map((each) => ({ app: each })),
    ...name.map((each) => ({ name: each }))
  ]
  return named.length === 0 ? Effect.fail(new MissingArgument({ command, argument: "key" })) : Effect.succeed(named)
}

/** Doctor is loaded on demand, because only two commands need it. */
const withDoctor = <A, E, R>(use: (doctor: typeof Doctor.Service) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(
    Effect.promise(() => import("../doctor/Doctor.ts")),
    ({ Doctor }) => Effect.provide(Effect.flatMap(Doctor, use), Doctor.Default)
  )

/** The use case of each command. */
export const makeHandlers = (environment: Environment): Handlers => ({
  allocate: (payload) =>
    Effect.gen(function* () {
      yield* someName("allocate", payload)
      const registry = yield* Registry
      const { notes, result } = yield* registry.allocate({
        apps: payload.app,
        specials: payload.special,
        description: payload.description,
        directory: payload.dir,
        project: payload.dir === undefined ? payload.directory : undefined,
        dryRun: payload.dryRun
      })
      const skipped = (yield* namedSkipped(result.skipped)).map(({ by, port }) => ({
        port,
        reason: "bound" as const,
        by: by === null ? null : describeListener(by)
      }))
      return { result: { assignments: result.assignments, skipped }, notes }
    }).pipe(naming),
  getPort: (payload) =>
    Effect.flatMap(askedKey(payload), (key) => Effect.flatMap(Registry, (registry) => registry.get(key))),
  setPort: (payload) =>
    payload.value === undefined && payload.description === undefined && payload.dir === undefined
      ? Effect.fail(new MissingArgument({ command: "setPort", argument: "value" }))
      : Effect.flatMap(Registry, (registry) =>
          registry.set({
            key: payload.key,
            port: payload.value,
            description: payload.description,
            directory: payload.dir,
            force: payload.force
          })
        ).pipe(naming),
  claim: ({ directory, noDir, standing, willBind, ...payload }) =>
    Effect.gen(function* () {
      const asked = yield* askedHere("claim", { ...payload, directory })
      const registry = yield* Registry
      return yield* registry.claim({ ...asked, directory: noDir ? undefined : asked.directory }, { standing, willBind })
    }).pipe(naming),
  check: (payload) =>
    Effect.gen(function* () {
      const asked = yield* askedHere("check", payload)
      if (asked.directory === undefined) return yield* new MissingArgument({ command: "check", argument: "directory" })
      const registry = yield* Registry
      return yield* registry.check(asked, asked.directory)
    }),
  url: ({ https, path, ...payload }) =>
    Effect.gen(function* () {
      const registry = yield* Registry
      const { key } = yield* registry.find(yield* askedHere("url", payload))
      const { notes, result } = yield* registry.get(key)
      return { result: { ...result, url: portUrl(result.port, { https, path }) }, notes }
    }),
  listPorts: ({ directory, mine, ...filter }) =>
    Effect.gen(function* () {
      const project = mine ? yield* needed("listPorts", "directory", directory) : undefined
      const registry = yield* Registry
      return yield* registry.list({ ...filter, project })
    }),
  deletePort: ({ key }) => Effect.flatMap(Registry, (registry) => registry.remove(key)),
  release: (payload) =>
    Effect.zipRight(
      someName("release", payload),
      Effect.flatMap(Registry, (registry) =>
        registry.release({ apps: payload.app, specials: payload.special, force: payload.force })
      )
    ).pipe(naming),
  rename: (payload) =>
    Effect.gen(function* () {
      const named = yield* askedName("rename", payload)
      const registry = yield* Registry
      return yield* registry.rename(named, yield* needed("rename", "to", payload.to))
    }),
  describe: (payload) =>
    Effect.gen(function* () {
      const named = yield* askedName("describe", payload)
      const registry = yield* Registry
      return yield* registry.describe(named, yield* needed("describe", "description", payload.description))
    }),
  prune,
  pin: (payload) =>
    Effect.flatMap(someNamed("pin", payload), (named) => Effect.flatMap(Registry, (registry) => registry.pin(named))),
  unpin: (payload) =>
    Effect.flatMap(someNamed("unpin", payload), (named) =>
      Effect.flatMap(Registry, (registry) => registry.unpin(named))
    ),
  reserve: ({ port, reason }) =>
    Effect.gen(function* () {
      const ports = yield* askedPorts("reserve", port)
      const registry = yield* Registry
      return yield* registry.reserve(ports, reason)
    }),
  unreserve: ({ port }) =>
    Effect.gen(function* () {
      const ports = yield* askedPorts("unreserve", port)
      const registry = yield* Registry
      return yield* registry.unreserve(ports)
    }),
  listReserved: ({ all }) => Effect.flatMap(Registry, (registry) => registry.listReserved(all)),
  history: (payload) =>
    Effect.gen(function* () {
      const registry = yield* Registry
      const filter = historyFilter(payload, yield* Clock.currentTimeMillis)
      if (filter instanceof Invalid) return yield* filter
      if (payload.trim) return noted({ operations: [], trimmed: yield* registry.trimHistory })
      const { notes, result } = yield* registry.history(filter)
      return { result: { operations: result, trimmed: null }, notes }
    }),
  undo: ({ dryRun, force, number }) =>
    Effect.flatMap(Registry, (registry) => registry.takeBack({ what: "undo", asked: number, dryRun, force })).pipe(
      naming
    ),
  redo: (payload) =>
    Effect.flatMap(Registry, (registry) => registry.takeBack({ what: "redo", asked: undefined, ...payload })).pipe(
      naming
    ),
  export: () => Effect.flatMap(Registry, (registry) => registry.exportAll),
  import: runImport,
  doctor: ({ clientVersion = version, ...request }) =>
    Effect.gen(function* () {
      const rules = yield* askedRules(request)
      return yield* withDoctor((doctor) =>
        doctor.examine({ ...request, ...rules, version: clientVersion }, environment)
      )
    }),
  explain: (payload) =>
    Effect.gen(function* () {
      const about = yield* askedPort(payload)
      return noted(yield* withDoctor((doctor) => doctor.explain(about, environment, version)))
    }),
  backup: ({ file }) =>
    Effect.map(
      Effect.flatMap(Store, (store) => store.backup(file)),
      (bytes) => noted({ file, bytes })
    )
})
