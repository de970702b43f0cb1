import type { CommandSpec, OptionSpec } from "../commands/CommandSpec.ts"
import { commandList, commands, commandTyped, shortNameOf } from "../commands/commands.ts"
import type { Shell } from "../commands/shell.ts"
import { wordsOf } from "../commands/valueWords.ts"
import type { Candidate } from "./known.ts"

/** Decides what the word at the cursor may be, by the table of commands. */

/** The kind of values that belong: words, files, directories, or another command's, which has the last `count` words. */
export type Belongs =
  | { readonly _tag: "words" | "files" | "directories" }
  | { readonly _tag: "command"; readonly count: number }

export interface Completion {
  readonly belongs: Belongs
  /** The option and `=` in front of the value, if it was written as --name=value. */
  readonly inline: string
  /** The part of the value that is typed. */
  readonly typed: string
  readonly candidates: ReadonlyArray<Candidate>
  /** Options whose values are in the registry. */
  readonly live: ReadonlyArray<OptionSpec>
}

const NUMBER = /^\d+$/

const LIVE: ReadonlyArray<OptionSpec["type"]> = ["app", "host", "key", "name", "port", "special"]

const plain = (value: string, about = ""): Candidate => ({ value, about })

const words = (typed: string, candidates: ReadonlyArray<Candidate>): Completion => ({
  belongs: { _tag: "words" },
  inline: "",
  typed,
  candidates,
  live: []
})

const somewhere = (typed: string, belongs: Belongs): Completion => ({ ...words(typed, []), belongs })

/** A word, and how many words of the shell there are from it to the cursor. */
interface Word {
  readonly text: string
  readonly toCursor: number
}

/** Joins what bash splits at `=`: `--key`, `=` and a value are one word. */
const joined = (split: ReadonlyArray<Word>): ReadonlyArray<Word> => {
  const whole: Array<Word> = []
  let isOpen = false
  for (const word of split) {
    const last = whole.at(-1)
    const isEquals = word.text === "=" && last?.text.startsWith("--") === true && !last.text.includes("=")
    if (last !== undefined && (isEquals || isOpen)) whole[whole.length - 1] = { ...last, text: last.text + word.text }
    else whole.push(word)
    isOpen = isEquals
  }
  return whole
}

const valuesOf = (options: ReadonlyArray<OptionSpec>, typed: string): Completion => {
  const [first] = options
  if (first?.type === "file") return somewhere(typed, { _tag: "files" })
  if (first?.type === "directory") return somewhere(typed, { _tag: "directories" })
  const closed = options.flatMap(({ type }) => wordsOf(type) ?? [])
  const live = options.filter(({ isNew, isOperation, type }) => (LIVE.includes(type) && !isNew) || isOperation)
  return {
    ...words(
      typed,
      closed.map((word) => plain(word))
    ),
    live
  }
}

/** The words before the cursor, as far as they decide what may follow. */
interface Before {
  readonly given: ReadonlySet<string>
  /** The option whose value is at the cursor. */
  readonly open: OptionSpec | undefined
  /** The words without an option that `operand` takes. */
  readonly operands: number
  /** The position at which another command begins. */
  readonly other: number | undefined
}

/** Returns the options of the short form that are left. */
const leftOf = ({ options, short }: CommandSpec, given: ReadonlySet<string>): ReadonlyArray<OptionSpec> =>
  (short?.options ?? []).flatMap((name) => {
    const option = options.find((each) => each.name === name)
    const isGiven = [name, ...(option?.standsFor ?? [])].some((each) => given.has(each))
    return option === undefined || (isGiven && !option.repeated) ? [] : [option]
  })

const isNumeric = ({ type }: OptionSpec): boolean => type === "port" || type === "number"

/** Returns the option that a word without one is the value of; undefined if it is the operand. */
const optionOf = (command: CommandSpec, given: ReadonlySet<string>, word: string): OptionSpec | undefined => {
  const left = leftOf(command, given)
  return left.find((each) => !isNumeric(each) || NUMBER.test(word)) ?? left[0]
}

/** Reads the words before the cursor as the command line does (cli/options.ts), and minds no errors. */
const readBefore = (command: CommandSpec, rest: ReadonlyArray<string>): Before => {
  const given = new Set<string>()
  let open: OptionSpec | undefined
  let operands = 0
  for (const [at, word] of rest.entries()) {
    const isOption = word.startsWith("-") && word !== "-" && word !== "--"
    if (open !== undefined) open = undefined
    else if (isOption) {
      const [name = "", value] = word.slice(2).split("=", 2)
      given.add(name)
      open = value === undefined ? command.options.find((each) => each.name === name && each.value) : undefined
    } else if (command.operand?.type === "words") return { given, open, operands, other: word === "--" ? at + 1 : at }
    else {
      const option = optionOf(command, given, word)
      if (option === undefined) operands++
      else given.add(option.name)
    }
  }
  return { given, open, operands, other: undefined }
}

const HELP: Candidate = plain("--help", "print this help")
const WIZARD: Candidate = plain("--wizard", "ask for each of these")

const optionsOf = (command: CommandSpec, { given }: Before, typed: string): Completion =>
  words(typed, [
    ...command.options
      .filter(({ name, repeated }) => repeated || !given.has(name))
      .map(({ help, name }) => plain(`--${name}`, help)),
    WIZARD,
    HELP
  ])

/** Returns what a word without an option may be; undefined if there is none here. */
const operandOf = (command: CommandSpec, before: Before, typed: string): Completion | undefined => {
  const { operand } = command
  const left = leftOf(command, before.given)
  const last = left.findIndex((each) => !isNumeric(each))
  if (left.length > 0) return valuesOf(last === -1 ? left : left.slice(0, last + 1), typed)
  if (operand === undefined || before.operands > 0) return undefined
  if (operand.type === "choice")
    return words(
      typed,
      operand.choices.map((choice) => plain(choice))
    )
  return operand.type === "file" ? somewhere(typed, { _tag: "files" }) : undefined
}

const commandNames = (typed: string): Completion =>
  words(
    typed,
    typed.startsWith("-")
      ? [plain("--help", "print the help"), plain("--version", "print the version"), WIZARD]
      : commandList.flatMap((command) =>
          [...new Set([command.name, shortNameOf(command)])].map((name) => plain(name, command.summary))
        )
  )

/** Returns what the value of `--name=value` may be; undefined if that is not what is typed. */
const inlineOf = (command: CommandSpec, typed: string): Completion | undefined => {
  const [name = "", value] = typed.split(/=(.*)/s)
  if (!typed.startsWith("--") || value === undefined) return undefined
  const option = command.options.find((each) => `--${each.name}` === name && each.value)
  return { ...(option === undefined ? words(value, []) : valuesOf([option], value)), inline: `${name}=` }
}

const ofCommand = (command: CommandSpec, own: ReadonlyArray<Word>): Completion => {
  const typed = own.at(-1)?.text ?? ""
  const before = readBefore(
    command,
    own.slice(1, -1).map(({ text }) => text)
  )
  if (before.other !== undefined)
    return somewhere(typed, { _tag: "command", count: own[before.other + 1]?.toCursor ?? 1 })
  if (before.open !== undefined) return valuesOf([before.open], typed)
  if (typed.startsWith("-")) return inlineOf(command, typed) ?? optionsOf(command, before, typed)
  if (command.operand?.type === "words" && typed !== "") return somewhere(typed, { _tag: "command", count: 1 })
  return operandOf(command, before, typed) ?? (typed === "" ? optionsOf(command, before, typed) : words(typed, []))
}

/** Returns what the last of the words after `d` may be. */
export const complete = (shell: Shell, given: ReadonlyArray<string>): Completion => {
  const split = given.map((text, at) => ({ text, toCursor: given.length - at }))
  const all = shell === "bash" ? joined(split) : split
  const own = all[0]?.text === "send" && all.length > 1 ? all.slice(1) : all
  const first = own[0]?.text ?? ""
  const typed = own.at(-1)?.text ?? ""
  if (own.length < 2) return commandNames(first)
  const command = commandTyped(first)
  if (command === commands.help && !typed.startsWith("-"))
    return own.length === 2 ? { ...commandNames(""), typed } : words(typed, [])
  return command === undefined ? words(typed, []) : ofCommand(command, own)
}
