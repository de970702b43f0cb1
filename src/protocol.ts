import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { RegistryCommand } from "./commands.ts"
import type { Assignment } from "./domain/Assignment.ts"
import { Invalid, MissingArgument } from "./domain/errors.ts"
import { HEALTH_STATES, HealthState } from "./domain/Health.ts"
import { PortInput } from "./domain/Port.ts"
import { AppName, PortKey, ruled, SpecialKey } from "./domain/PortKey.ts"
import { quote, textProblem } from "./domain/rules.ts"
import { plain, portTable, type Style } from "./table.ts"

interface KeyPort {
  readonly key: string
  readonly port: number
}

/** What each command answers: the document of `--json`. */
export interface Results {
  readonly allocate: {
    readonly assignments: ReadonlyArray<KeyPort & { readonly created: boolean }>
    readonly skipped: ReadonlyArray<{ readonly port: number; readonly reason: "bound"; readonly by: string | null }>
  }
  readonly getPort: KeyPort
  readonly setPort: KeyPort
  readonly listPorts: ReadonlyArray<Assignment>
  readonly deletePort: { readonly released: ReadonlyArray<{ readonly key: string; readonly port: number | null }> }
  readonly release: Results["deletePort"]
  readonly rename: KeyPort
  readonly reserve: { readonly port: number; readonly reason: string }
  readonly unreserve: { readonly port: number }
}

const Text = ruled((text) => textProblem(text))
const Reason = ruled((text) => (text.trim() === "" ? "is empty: say why" : textProblem(text)))
const Directory = ruled((text) => (text.startsWith("/") ? textProblem(text, PATH_MAX) : "is not an absolute path"))
const PATH_MAX = 4096

const Mode = Schema.Literal("prod", "dev").annotations({
  message: (issue) => ({ message: `${quote(issue.actual)} is not a mode: write prod or dev`, override: true })
})
const Filter = HealthState.annotations({
  message: (issue) => ({
    message: `${quote(issue.actual)} is not a health: write one of ${HEALTH_STATES.join(", ")}`,
    override: true
  })
})
const Switch = Schema.optionalWith(
  Schema.Boolean.annotations({ message: (issue) => `${quote(issue.actual)} is neither true nor false` }),
  { default: () => false }
)

/** One name or several. */
const names = <A, I extends string>(name: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.Array(name), { default: (): ReadonlyArray<A> => [] })

/** What each command takes. A value that is wrong is refused here and gets no further. */
export const payloads = {
  allocate: Schema.Struct({
    app: names(AppName),
    special: names(SpecialKey),
    description: Schema.optional(Text),
    dir: Schema.optional(Directory),
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
    force: Switch
  }),
  listPorts: Schema.Struct({ app: Schema.optional(AppName), health: Schema.optional(Filter) }),
  deletePort: Schema.Struct({ key: PortKey }),
  release: Schema.Struct({ app: names(AppName), special: names(SpecialKey) }),
  rename: Schema.Struct({ key: PortKey, to: PortKey }),
  reserve: Schema.Struct({ port: PortInput, reason: Reason }),
  unreserve: Schema.Struct({ port: PortInput })
} satisfies Record<RegistryCommand, unknown>

export type Payload<N extends RegistryCommand> = (typeof payloads)[N]["Type"]

/** `payload` checked, with the first thing that is wrong with it in one sentence. */
export const decodePayload = <N extends RegistryCommand>(
  command: N,
  payload: unknown
): Effect.Effect<Payload<N>, Invalid | MissingArgument> =>
  Schema.decodeUnknown(payloads[command] as unknown as Schema.Schema<Payload<N>, unknown>)(payload).pipe(
    Effect.mapError((error) => {
      const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
      const argument = String(issue?.path[0] ?? "payload")
      return issue?._tag === "Missing"
        ? new MissingArgument({ command, argument })
        : new Invalid({ command, argument, problem: issue?.message ?? "is wrong" })
    })
  )

const lines = (all: ReadonlyArray<string>): string => all.join("\n")
const released = (result: Results["release"]): string =>
  lines(result.released.map(({ key, port }) => `${key} ${port ?? "-"}`))

/** How each answer reads as text, without the last line's end. */
const texts: { readonly [N in RegistryCommand]: (result: Results[N], payload: unknown, style: Style) => string } = {
  allocate: ({ assignments }) => lines(assignments.map(({ key, port }) => `${key} ${port}`)),
  getPort: ({ port }) => String(port),
  setPort: ({ key, port }, payload) =>
    (payload as { value?: unknown }).value === undefined
      ? `Description set for ${key}`
      : `Port set for ${key} to ${port}`,
  listPorts: (assignments, _, style) => portTable(assignments, style),
  deletePort: ({ released: [first] }) => `Port entry deleted for ${first?.key}`,
  release: released,
  rename: ({ key, port }) => `${key} ${port}`,
  reserve: ({ port, reason }) => `${port} reserved: ${reason}`,
  unreserve: ({ port }) => `${port} no longer reserved`
}

/** The text of an answer, by default as a pipe and the wire get it. */
export const textOf = <N extends RegistryCommand>(
  command: N,
  result: Results[N],
  payload: unknown,
  style: Style = plain
): string => texts[command](result, payload, style)
