import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { version } from "../package.json"
import type { CommandSpec, OptionSpec } from "./commandSpec.ts"
import { commands, fieldOf, type RegistryCommand, registryCommands } from "./commands.ts"
import type { Failure } from "./domain/Failure.ts"
import { writeReply } from "./render.ts"

/** A command said no; `failure` is what its user is told. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly failure: Failure }> {}

/** Well-formed words become a field of the request: absent where the option was not given. */
const parser = (option: OptionSpec): Options.Options<unknown> => {
  if (option.value === undefined) return Options.boolean(option.name).pipe(Options.withDescription(option.help))
  const text = Options.text(option.name).pipe(
    Options.withPseudoName(option.value),
    Options.withDescription(option.help)
  )
  if (option.repeated) return Options.repeated(text)
  return option.required ? text : Options.map(Options.optional(text), Option.getOrUndefined)
}

const run = (command: RegistryCommand, json: boolean, payload: Record<string, unknown>) =>
  Effect.gen(function* () {
    const { execute } = yield* Effect.promise(() => import("./inProcess.ts"))
    const { notes, result } = yield* execute(command, payload, process.env).pipe(
      Effect.mapError((failure) => new CommandFailed({ failure }))
    )
    yield* Effect.promise(() => writeReply(command, { result, notes }, payload, json))
  })

const subcommand = (name: RegistryCommand) => {
  const spec: CommandSpec = commands[name]
  const options = Options.all(Object.fromEntries(spec.options.map((option) => [fieldOf(option.name), parser(option)])))
  return Command.make(name, { options }, ({ options: { json, ...fields } }) =>
    run(name, json === true, Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)))
  ).pipe(Command.withDescription(spec.summary))
}

const others = registryCommands.filter((name) => name !== "allocate")

/** Answered before the parser is reached; here they stand for the completions. */
const answeredBefore = Object.values(commands)
  .filter(({ name }) => !registryCommands.some((each) => each === name))
  .map(({ name, summary }) => Command.make(name, {}, () => Effect.void).pipe(Command.withDescription(summary)))

const root = Command.make("d").pipe(
  Command.withSubcommands([subcommand("allocate"), ...others.map(subcommand), ...answeredBefore])
)

const cliLayer = Layer.merge(NodeContext.layer, CliConfig.layer({ isCaseSensitive: true }))

/** Runs a well-formed command line, as `readArgv` leaves it, in this process. */
export const runCommand = (argv: ReadonlyArray<string>) =>
  Command.run(root, { name: "d", version })(["node", "d", ...argv]).pipe(Effect.provide(cliLayer))

/** The parser completes options of its own that d does not have. */
const FOREIGN_LINE = /-(-|l )(log-level|wizard|completions)\b/
const FOREIGN_WORDS = / --completions --log-level| --wizard/g

/** The completions of `d` for a shell. */
export const completions = (shell: string) =>
  shell === "bash"
    ? Effect.map(Command.getBashCompletions(root, "d"), (lines) => lines.join("\n").replaceAll(FOREIGN_WORDS, ""))
    : Effect.map(
        shell === "zsh" ? Command.getZshCompletions(root, "d") : Command.getFishCompletions(root, "d"),
        (lines) => lines.filter((line) => !FOREIGN_LINE.test(line)).join("\n")
      )
