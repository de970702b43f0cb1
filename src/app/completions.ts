import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { CommandSpec, OptionSpec } from "../commands/CommandSpec.ts"
import { commandList, commands, fieldOf, shortNameOf } from "../commands/commands.ts"

/**
 * The completions, generated from the table of commands by the parser of @effect/cli. Command lines are parsed by
 * argv.ts instead: this parser accepts some wrong ones, and loading it takes half as long as a whole command.
 */

const parser = (option: OptionSpec): Options.Options<unknown> => {
  if (option.value === undefined) return Options.boolean(option.name).pipe(Options.withDescription(option.help))
  const text = Options.text(option.name).pipe(
    Options.withPseudoName(option.value),
    Options.withDescription(option.help)
  )
  if (option.repeated) return Options.repeated(text)
  return option.required ? text : Options.map(Options.optional(text), Option.getOrUndefined)
}

const optionsOf = (options: ReadonlyArray<OptionSpec>) =>
  options.length === 0
    ? {}
    : { options: Options.all(Object.fromEntries(options.map((option) => [fieldOf(option.name), parser(option)]))) }

/** A command; the words of which it takes one are commands below it, with its options. */
const subcommand = ({ name, operand, options, summary }: CommandSpec) => {
  const command = Command.make(name, optionsOf(options), () => Effect.void).pipe(Command.withDescription(summary))
  const [first, ...others] = (operand?.type === "choice" ? operand.choices : []).map((choice) =>
    Command.make(choice, optionsOf(options), () => Effect.void)
  )
  return first === undefined ? command : Command.withSubcommands(command, [first, ...others])
}

const others = commandList.filter(({ name }) => name !== "allocate")
const isRegistry = ({ kind }: CommandSpec) => kind === "registry"
const shortNamed = commandList
  .filter((command) => shortNameOf(command) !== command.name)
  .map((command) => ({ ...command, name: shortNameOf(command) }))
const root = Command.make("d").pipe(
  Command.withSubcommands([
    subcommand(commands.allocate),
    ...others.filter(isRegistry).map(subcommand),
    ...others.filter((each) => !isRegistry(each)).map(subcommand),
    ...shortNamed.map(subcommand)
  ])
)

/** Completions of the parser's own options, which d does not have. */
const FOREIGN_LINE = /-(-|l )(log-level|completions)\b/
const FOREIGN_WORDS = / --completions --log-level/g

/** Returns the completions of `d` for a shell. */
export const completions = (shell: string) =>
  shell === "bash"
    ? Effect.map(Command.getBashCompletions(root, "d"), (lines) => lines.join("\n").replaceAll(FOREIGN_WORDS, ""))
    : Effect.map(
        shell === "zsh" ? Command.getZshCompletions(root, "d") : Command.getFishCompletions(root, "d"),
        (lines) => lines.filter((line) => !FOREIGN_LINE.test(line)).join("\n")
      )
