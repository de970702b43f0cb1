import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { RegistryCommand } from "../commands/commands.ts"
import { ON_CONFLICT, type OnConflict } from "../domain/Exchange.ts"
import { Invalid, MissingArgument } from "../domain/errors.ts"
import { CHECK_NAMES, SEVERITIES } from "../domain/Finding.ts"
import { LIMITS } from "../domain/foreignText.ts"
import { HEALTH_STATES } from "../domain/Health.ts"
import { countProblem, MODES, reasonProblem, textProblem } from "../domain/names.ts"
import { PortInput, PortListInput, PortRangeInput } from "../domain/Port.ts"
import { AppName, PortKey, ruled, SpecialKey } from "../domain/PortKey.ts"
import { sinceProblem } from "../domain/since.ts"
import { quote } from "../text/escape.ts"

const Text = ruled((text) => textProblem(text))
const Reason = ruled(reasonProblem)
const AbsolutePath = ruled((text) =>
  text.startsWith("/") ? textProblem(text, LIMITS.path) : "is not an absolute path"
)

const Since = ruled(sinceProblem)

/** A positive whole number as callers may write it: digits, or a number. */
const CountInput = Schema.transform(
  Schema.Union(Schema.Number, Schema.String)
    .pipe(Schema.filter((given) => countProblem(String(given)) === undefined))
    .annotations({ message: () => ({ message: countProblem("") ?? "", override: true }) }),
  Schema.Number,
  { strict: true, decode: Number, encode: (count) => count }
)

/** Makes a schema of fixed words. The error says that a value is not `noun`. */
const oneOf = <const A extends ReadonlyArray<string>>(words: A, noun: string, choices: string) =>
  Schema.Literal(...words).annotations({
    message: () => ({ message: `is not ${noun}: write ${choices}`, override: true })
  })

const Mode = oneOf(MODES, "a mode", "prod or dev")
const Filter = oneOf(HEALTH_STATES, "a health", `one of ${HEALTH_STATES.join(", ")}`)
const Check = oneOf(CHECK_NAMES, "a check", `one of ${CHECK_NAMES.join(", ")}`)
const Severity = oneOf(SEVERITIES, "a severity", SEVERITIES.join(", ").replace(/, (?=\w+$)/, " or "))
const Switch = Schema.optionalWith(Schema.Boolean.annotations({ message: () => "is neither true nor false" }), {
  default: () => false
})

/** One name or several. */
const names = <A, I extends string>(name: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.Array(name).annotations({ message: () => "is neither a name nor a list of names" }), {
    default: (): ReadonlyArray<A> => []
  })

/** The fields by which a key is named: itself, its app, or the directory of its app, with names for it. */
const named = {
  key: Schema.optional(PortKey),
  app: Schema.optional(AppName),
  mode: Schema.optional(Mode),
  directory: Schema.optional(AbsolutePath),
  suggested: names(AppName),
  formerly: names(AppName)
}

/** Makes a decoder of arguments. Its schema is built once, when it is used first: that takes longer than to decode. */
const struct = <F extends Schema.Struct.Fields>(fields: F) => {
  const make = () => Schema.decodeUnknown(Schema.Struct(fields))
  let decode: ReturnType<typeof make> | undefined
  return (input: unknown) => {
    decode ??= make()
    return decode(input)
  }
}

/** The ports of every item. */
const PortLists = Schema.Array(PortListInput).annotations({ message: () => "is neither a port nor a list of ports" })

/** A key, an app, or the name of either. */
const Named = { key: Schema.optional(PortKey), app: Schema.optional(AppName), name: Schema.optional(PortKey) }

/** Any number of keys, apps and names of either. */
const SomeNamed = { key: names(PortKey), app: names(AppName), name: names(PortKey) }

/** The arguments of each command. */
const decoders = {
  allocate: struct({
    app: names(AppName),
    special: names(SpecialKey),
    description: Schema.optional(Text),
    dir: Schema.optional(AbsolutePath),
    directory: Schema.optional(AbsolutePath),
    dryRun: Switch
  }),
  getPort: struct({
    key: Schema.optional(PortKey),
    app: Schema.optional(AppName),
    mode: Schema.optional(Mode)
  }),
  setPort: struct({
    key: PortKey,
    value: Schema.optional(PortInput),
    description: Schema.optional(Text),
    dir: Schema.optional(AbsolutePath),
    force: Switch
  }),
  listPorts: struct({
    app: Schema.optional(AppName),
    health: Schema.optional(Filter),
    host: Schema.optional(Text),
    mine: Switch,
    directory: Schema.optional(AbsolutePath),
    stale: Switch
  }),
  claim: struct({
    ...named,
    noDir: Switch,
    // The caller finds out by binding the port whether it is in use.
    willBind: Switch,
    // Answers only if nothing is to be changed.
    standing: Switch
  }),
  check: struct(named),
  url: struct({ ...named, path: Schema.optional(Text), https: Switch }),
  deletePort: struct({ key: PortKey }),
  release: struct({ app: names(AppName), special: names(SpecialKey), force: Switch }),
  rename: struct({ ...Named, to: Schema.optional(PortKey) }),
  describe: struct({ ...Named, description: Schema.optional(Text) }),
  // Only the notes depend on these: name all that stays, and be silent of what to type next, because the client asks.
  prune: struct({ yes: Switch, all: Switch, asks: Switch, key: names(PortKey) }),
  pin: struct(SomeNamed),
  unpin: struct(SomeNamed),
  reserve: struct({ port: PortLists, reason: Reason }),
  unreserve: struct({ port: PortLists }),
  listReserved: struct({ all: Switch }),
  history: struct({
    number: Schema.optional(CountInput),
    key: Schema.optional(PortKey),
    app: Schema.optional(AppName),
    port: Schema.optional(PortInput),
    since: Schema.optional(Since),
    host: Schema.optional(Text),
    limit: Schema.optional(CountInput),
    trim: Switch
  }),
  undo: struct({ number: Schema.optional(CountInput), dryRun: Switch, force: Switch }),
  redo: struct({ dryRun: Switch, force: Switch }),
  export: struct({}),
  import: struct({
    document: Schema.optional(Schema.String.annotations({ message: () => "is not text" })),
    onConflict: Schema.optionalWith(oneOf(ON_CONFLICT, "a way to treat conflicts", ON_CONFLICT.join(", ")), {
      default: (): OnConflict => "fail"
    }),
    dryRun: Switch,
    scan: Switch,
    range: Schema.optional(PortRangeInput)
  }),
  doctor: struct({
    check: Schema.optional(Check),
    fix: Switch,
    strict: Switch,
    // Only the text depends on it.
    all: Switch,
    accept: Schema.optional(PortKey),
    severity: Schema.optional(Severity),
    ignore: Schema.optional(Check),
    unignore: Schema.optional(Check),
    key: Schema.optional(PortKey),
    port: Schema.optional(PortInput),
    reason: Schema.optional(Reason),
    clientVersion: Schema.optional(Text)
  }),
  backup: struct({ file: AbsolutePath }),
  explain: struct({ port: Schema.optional(PortInput), key: Schema.optional(PortKey) })
} satisfies Record<RegistryCommand, unknown>

export type Payload<N extends RegistryCommand> = Effect.Effect.Success<ReturnType<(typeof decoders)[N]>>

const decoderOf: {
  readonly [N in RegistryCommand]: (input: unknown) => Effect.Effect<Payload<N>, ParseResult.ParseError>
} = decoders

/** Flattens nested input: no argument is nested, and Schema would overflow the stack on deeply nested JSON. */
const shallow = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map((each) => (typeof each === "object" && each !== null ? {} : each))
    : typeof value === "object" && value !== null
      ? {}
      : value

/** Decodes `payload`, or fails with the first problem, in one sentence. */
export const decodePayload = <N extends RegistryCommand>(
  command: N,
  payload: Readonly<Record<string, unknown>>
): Effect.Effect<Payload<N>, Invalid | MissingArgument> => {
  const input = Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, shallow(value)]))
  return Effect.mapError(decoderOf[command](input), (error) => {
    const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
    const [name = "payload", at] = issue?.path ?? []
    const argument = String(name)
    if (issue?._tag === "Missing") return new MissingArgument({ command, argument })
    const given = input[argument]
    const value = at === undefined || !Array.isArray(given) ? given : given[Number(at)]
    return new Invalid({
      command,
      argument,
      problem: `${quote(value)} ${issue?.message ?? "is wrong"}`,
      ...(typeof value === "string" ? { value } : {})
    })
  })
}
