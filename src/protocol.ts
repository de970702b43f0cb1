import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { RegistryCommand } from "./commands.ts"
import { Invalid, MissingArgument } from "./domain/errors.ts"
import { CHECK_NAMES } from "./domain/Finding.ts"
import { HEALTH_STATES, HealthState } from "./domain/Health.ts"
import { PortInput } from "./domain/Port.ts"
import { AppName, PortKey, ruled, SpecialKey } from "./domain/PortKey.ts"
import { quote, textProblem } from "./domain/rules.ts"
import { LIMITS } from "./domain/text.ts"

const Text = ruled((text) => textProblem(text))
const Reason = ruled((text) => (text.trim() === "" ? "is empty: say why" : textProblem(text)))
const AbsolutePath = ruled((text) =>
  text.startsWith("/") ? textProblem(text, LIMITS.path) : "is not an absolute path"
)

const Mode = Schema.Literal("prod", "dev").annotations({
  message: (issue) => ({ message: `${quote(issue.actual)} is not a mode: write prod or dev`, override: true })
})
const Filter = HealthState.annotations({
  message: (issue) => ({
    message: `${quote(issue.actual)} is not a health: write one of ${HEALTH_STATES.join(", ")}`,
    override: true
  })
})
const Check = Schema.Literal(...CHECK_NAMES).annotations({
  message: (issue) => ({
    message: `${quote(issue.actual)} is not a check: write one of ${CHECK_NAMES.join(", ")}`,
    override: true
  })
})
const Switch = Schema.optionalWith(
  Schema.Boolean.annotations({ message: (issue) => `${quote(issue.actual)} is neither true nor false` }),
  { default: () => false }
)

/** One name or several. */
const names = <A, I extends string>(name: Schema.Schema<A, I>) =>
  Schema.optionalWith(
    Schema.Array(name).annotations({
      message: (issue) => `${quote(issue.actual)} is neither a name nor a list of names`
    }),
    { default: (): ReadonlyArray<A> => [] }
  )

/** What each command takes. A value that is wrong is refused here and gets no further. */
export const payloads = {
  allocate: Schema.Struct({
    app: names(AppName),
    special: names(SpecialKey),
    description: Schema.optional(Text),
    dir: Schema.optional(AbsolutePath),
    dryRun: Switch
  }),
  getPort: Schema.Struct({
    key: Schema.optional(PortKey),
    app: Schema.optional(AppName),
    mode: Schema.optional(Mode)
  }),
  setPort: Schema.Struct({
    key: PortKey,
    value: Schema.optional(PortInput),
    description: Schema.optional(Text),
    dir: Schema.optional(AbsolutePath),
    force: Switch
  }),
  listPorts: Schema.Struct({ app: Schema.optional(AppName), health: Schema.optional(Filter) }),
  deletePort: Schema.Struct({ key: PortKey }),
  release: Schema.Struct({ app: names(AppName), special: names(SpecialKey) }),
  rename: Schema.Struct({ key: PortKey, to: PortKey }),
  reserve: Schema.Struct({ port: PortInput, reason: Reason }),
  unreserve: Schema.Struct({ port: PortInput }),
  doctor: Schema.Struct({
    check: Schema.optional(Check),
    fix: Switch,
    strict: Switch,
    accept: Schema.optional(PortKey),
    clientVersion: Schema.optional(Text)
  }),
  backup: Schema.Struct({ file: AbsolutePath }),
  explain: Schema.Struct({ port: Schema.optional(PortInput), key: Schema.optional(PortKey) })
} satisfies Record<RegistryCommand, unknown>

export type Payload<N extends RegistryCommand> = (typeof payloads)[N]["Type"]

/** Nothing that a command takes is deeper than a list. What is, would take the stack of the checks to its end. */
const shallow = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map((each) => (typeof each === "object" && each !== null ? {} : each))
    : typeof value === "object" && value !== null
      ? {}
      : value

/** `payload` checked, with the first thing that is wrong with it in one sentence. */
export const decodePayload = <N extends RegistryCommand>(
  command: N,
  payload: Readonly<Record<string, unknown>>
): Effect.Effect<Payload<N>, Invalid | MissingArgument> =>
  Schema.decodeUnknown(payloads[command] as unknown as Schema.Schema<Payload<N>, unknown>)(
    Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, shallow(value)]))
  ).pipe(
    Effect.mapError((error) => {
      const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
      const argument = String(issue?.path[0] ?? "payload")
      return issue?._tag === "Missing"
        ? new MissingArgument({ command, argument })
        : new Invalid({ command, argument, problem: issue?.message ?? "is wrong" })
    })
  )
