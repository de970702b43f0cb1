import type { CommandSpec, OptionSpec } from "../commands/CommandSpec.ts"
import { commandList } from "../commands/commands.ts"
import { wordsOf } from "../commands/valueWords.ts"
import type { askText, chooseOne, chooseSome, confirm } from "../prompt/choose.ts"
import { shellWord } from "../text/shell.ts"
import { type Form, formsOf, type Group } from "./forms.ts"
import { shellWords } from "./shellWords.ts"
import { existing, valueProblem } from "./values.ts"

/** Leads somebody through a command: one question for each option, by its type. */

/** What the questions need of the client. */
export interface WizardMeans {
  /** The room of questions, which is a part of its own. */
  readonly prompt: {
    readonly askText: typeof askText
    readonly chooseOne: typeof chooseOne
    readonly chooseSome: typeof chooseSome
    readonly confirm: typeof confirm
  }
  /** Returns the keys that have a port. */
  readonly keys: () => Promise<ReadonlyArray<string>>
  /** The home of the user, which `~` stands for. */
  readonly home: string | undefined
}

/** Somebody leaves. */
class Left extends Error {}

const answered = async <A>(question: Promise<A | undefined>): Promise<A> => {
  const answer = await question
  if (answer === undefined) throw new Left()
  return answer
}

const SKIP = "(leave it out)"
const SKIPPED = " (Enter leaves it out)"
const ANOTHER = "(another one)"

const titleOf = ({ help, name, value }: OptionSpec): string =>
  `--${name}${value === undefined ? "" : ` ${value}`}: ${help}`

/** A value that begins with a dash would be read as an option. */
const wordsFor = (name: string, value: string): ReadonlyArray<string> =>
  value.startsWith("-") ? [`--${name}=${value}`] : [`--${name}`, value]

/** Puts the home of the user in the place of `~`, which no shell will do in quotes. */
const atHome = (path: string, home: string | undefined): string =>
  home !== undefined && /^~(?:\/|$)/.test(path) ? home + path.slice(1) : path

/** Asks for the text of a value. Undefined if it is left out. */
const askValue = async (option: OptionSpec, required: boolean, { home, prompt }: WizardMeans, hint = "") => {
  const { type } = option
  const isOptional = (text: string) => text === "" && !required
  const text = await answered(
    prompt.askText(`${titleOf(option)}${required ? "" : hint || SKIPPED}`, (given) =>
      isOptional(given) ? undefined : valueProblem(option, given)
    )
  )
  if (isOptional(text)) return undefined
  return type === "directory" || type === "file" ? atHome(text, home) : text
}

/** Asks for as many values as somebody wants to give. */
const askValues = async (option: OptionSpec, required: boolean, means: WizardMeans): Promise<ReadonlyArray<string>> => {
  const values: Array<string> = []
  while (true) {
    const hint = values.length === 0 ? "" : " (another one, or Enter)"
    const value = await askValue(option, required && values.length === 0, means, hint)
    if (value === undefined) return values
    values.push(value)
  }
}

/** Has one of `choices` chosen. Undefined if none is. */
const choose = async (option: OptionSpec, required: boolean, choices: ReadonlyArray<string>, means: WizardMeans) => {
  const isClosed = wordsOf(option.type) !== undefined
  const shown = [...(required ? [] : [SKIP]), ...choices, ...(isClosed ? [] : [ANOTHER])]
  const at = await answered(
    means.prompt.chooseOne(
      titleOf(option),
      shown.map((title) => ({ title }))
    )
  )
  if (!isClosed && at === shown.length - 1) return askValue(option, true, means)
  return choices[at - (required ? 0 : 1)]
}

/** Has some of `choices` chosen, and one at least if it is required. */
const chooseValues = async (
  option: OptionSpec,
  required: boolean,
  choices: ReadonlyArray<string>,
  { prompt }: WizardMeans
): Promise<ReadonlyArray<string>> => {
  const items = choices.map((title) => ({ title }))
  while (true) {
    const chosen = await answered(
      prompt.chooseSome(`${titleOf(option)}${required ? "" : " (none leaves it out)"}`, items)
    )
    if (chosen.length > 0 || !required) return chosen.flatMap((at) => choices[at] ?? [])
  }
}

/** Asks about one option. Returns the words that give it; none if it is left out. */
const askOption = async (option: OptionSpec, required: boolean, means: WizardMeans): Promise<ReadonlyArray<string>> => {
  const { name, repeated, type, value } = option
  if (value === undefined)
    return required || (await answered(means.prompt.confirm(`${titleOf(option)}?`))) ? [`--${name}`] : []
  const choices = wordsOf(type) ?? existing(option, await means.keys())
  const choosing = choices.length > 0
  const values = repeated
    ? await (choosing ? chooseValues(option, required, choices, means) : askValues(option, required, means))
    : [await (choosing ? choose(option, required, choices, means) : askValue(option, required, means))]
  return values.flatMap((each) => (each === undefined ? [] : wordsFor(name, each)))
}

/** Asks about a group of options, of which one is given at most. */
const askGroup = async ({ options, required }: Group, means: WizardMeans): Promise<ReadonlyArray<string>> => {
  const [first] = options
  if (required && first !== undefined) {
    const titles = options.map((option) => ({ title: titleOf(option) }))
    const at = options.length === 1 ? 0 : await answered(means.prompt.chooseOne("Which of these?", titles))
    return askOption(options[at] ?? first, true, means)
  }
  for (const option of options) {
    const words = await askOption(option, false, means)
    if (words.length > 0) return words
  }
  return []
}

/** A path that begins with a dash would be read as an option; a dash alone may be standard input. */
const asOperand = (path: string): string => (/^-./.test(path) ? `./${path}` : path)

/** Asks for the argument of a command that follows no option. */
const askOperand = async (
  { operand }: CommandSpec,
  required: boolean,
  { home, prompt }: WizardMeans
): Promise<ReadonlyArray<string>> => {
  switch (operand?.type) {
    case "command": {
      const names = commandList.map(({ name }) => name)
      const shown = required ? names : [SKIP, ...names]
      const at = await answered(
        prompt.chooseOne(
          operand.name,
          shown.map((title) => ({ title }))
        )
      )
      return required || at > 0 ? [shown[at] ?? ""] : []
    }
    case "file": {
      const title = `${operand.name}${required ? "" : SKIPPED}`
      const file = await answered(
        prompt.askText(title, (text) =>
          text === "" && required ? `${operand.name} is empty: write a path` : undefined
        )
      )
      return file === "" ? [] : [asOperand(atHome(file, home))]
    }
    case "words": {
      const line = await answered(
        prompt.askText(`${operand.name}, as you would type it`, (text) => {
          const words = shellWords(text)
          return words === undefined ? "a quote is left open" : words.length === 0 ? "write the command" : undefined
        })
      )
      return ["--", ...(shellWords(line) ?? [])]
    }
    default:
      return []
  }
}

const askForm = async (command: CommandSpec, { prompt }: WizardMeans): Promise<Form | undefined> => {
  const forms = formsOf(command)
  if (forms.length < 2) return forms[0]
  const titles = forms.map(({ usage }) => ({ title: `d ${command.name} ${usage}` }))
  return forms[await answered(prompt.chooseOne("Which form?", titles))]
}

const askCommand = async ({ prompt }: WizardMeans): Promise<CommandSpec> => {
  const rank = ({ common }: CommandSpec) => (common ? 0 : 1)
  const sorted = commandList.toSorted((one, other) => rank(one) - rank(other))
  const width = Math.max(...sorted.map(({ name }) => name.length))
  const titles = sorted.map(({ name, summary }) => ({ title: `${name.padEnd(width)}  ${summary}` }))
  const command = sorted[await answered(prompt.chooseOne("Which command?", titles))]
  if (command === undefined) throw new Left()
  return command
}

const optionNames = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  words.flatMap((word) => /^--([a-z-]+)/.exec(word)?.[1] ?? [])

/** Asks for everything about a command. Returns the words of its line; undefined if somebody leaves. */
export const walk = async (
  given: CommandSpec | undefined,
  means: WizardMeans
): Promise<ReadonlyArray<string> | undefined> => {
  try {
    const command = given ?? (await askCommand(means))
    const form = await askForm(command, means)
    const words = [command.name, ...(form?.action === undefined ? [] : [form.action])]
    for (const group of form?.groups ?? []) {
      const makesSense = group.options.every(
        ({ goesWith }) => goesWith === undefined || optionNames(words).includes(goesWith)
      )
      if (makesSense) words.push(...(await askGroup(group, means)))
    }
    if (form === undefined || form.operand === "none") return words
    return [...words, ...(await askOperand(command, form.operand === "needed", means))]
  } catch (error) {
    if (error instanceof Left) return undefined
    throw error
  }
}

/** Returns the line that runs these words in a shell. */
export const lineOf = (words: ReadonlyArray<string>): string => ["d", ...words].map(shellWord).join(" ")
