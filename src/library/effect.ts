import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type CheckOptions,
  check,
  type ErrorCode,
  type PortOptions,
  PortsError,
  port,
  registry,
  type UrlOptions,
  url
} from "./index.ts"

interface Facts {
  /** What is wrong with which value. */
  readonly message: string
  /** What to do, often a command. */
  readonly hint: string
}

/** The key has no port. */
export class NotSet extends Data.TaggedError("NotSet")<Facts> {}
/** There is no such assignment. */
export class NotFound extends Data.TaggedError("NotFound")<Facts> {}
/** The port, or the name, belongs to another key or directory. */
export class Conflict extends Data.TaggedError("Conflict")<Facts> {}
/** No port is left in the range. */
export class RangeFull extends Data.TaggedError("RangeFull")<Facts> {}
/** The call or the configuration is wrong. */
export class Invalid extends Data.TaggedError("Invalid")<Facts> {}
/** The registry cannot be reached. */
export class Unavailable extends Data.TaggedError("Unavailable")<Facts> {}
/** The change may have been made. */
export class OutcomeUnknown extends Data.TaggedError("OutcomeUnknown")<Facts> {}

/** Why a call fails. A bug of the registry is a defect. */
export type RegistryError = NotSet | NotFound | Conflict | RangeFull | Invalid | Unavailable | OutcomeUnknown

const ERRORS: Readonly<Record<ErrorCode, (new (facts: Facts) => RegistryError) | undefined>> = {
  "not-set": NotSet,
  "not-found": NotFound,
  conflict: Conflict,
  "range-full": RangeFull,
  invalid: Invalid,
  "missing-argument": Invalid,
  unavailable: Unavailable,
  "outcome-unknown": OutcomeUnknown,
  "unknown-command": undefined,
  "other-store": undefined,
  internal: undefined
}

const failure = (cause: unknown): Effect.Effect<never, RegistryError> => {
  const error = cause instanceof PortsError ? ERRORS[cause.code] : undefined
  return error === undefined || !(cause instanceof PortsError)
    ? Effect.die(cause)
    : Effect.fail(new error({ message: cause.message, hint: cause.hint }))
}

/** Makes an effect of a call. */
const lift =
  <Words extends ReadonlyArray<unknown>, A>(call: (...words: Words) => Promise<A>) =>
  (...words: Words): Effect.Effect<A, RegistryError> =>
    Effect.catchAll(Effect.tryPromise({ try: () => call(...words), catch: (cause) => cause }), failure)

const service = {
  /** Returns the port of the current directory's app, or of what is named. */
  port: lift((options?: PortOptions) => port(options)),
  /** Returns the URL of that port. */
  url: lift((options?: UrlOptions) => url(options)),
  /** Finds out whose server answers on a port. */
  check: lift((options?: CheckOptions) => check(options)),
  list: lift(registry.list),
  get: lift(registry.get),
  set: lift(registry.set),
  allocate: lift(registry.allocate),
  release: lift(registry.release),
  remove: lift(registry.remove),
  rename: lift(registry.rename),
  describe: lift(registry.describe),
  reserve: lift(registry.reserve),
  unreserve: lift(registry.unreserve),
  reserved: lift(registry.reserved),
  explain: lift(registry.explain),
  doctor: lift(registry.doctor),
  backup: lift(registry.backup)
}

/**
 * The registry as a service: `port`, `url`, `check` and the commands of `registry`, each an effect that fails with a
 * {@link RegistryError}.
 *
 * @example
 * const program = Effect.gen(function* () {
 *   const registry = yield* Registry
 *   return yield* registry.port({ key: "cad-dev" })
 * }).pipe(Effect.catchTag("NotSet", () => Effect.succeed(3001)))
 *
 * Effect.runPromise(Effect.provide(program, Registry.layer))
 */
export class Registry extends Context.Tag("automatelinux-ports/Registry")<Registry, typeof service>() {
  /** The registry of this user, through the daemon if one runs. */
  static readonly layer: Layer.Layer<Registry> = Layer.succeed(this, service)
}
