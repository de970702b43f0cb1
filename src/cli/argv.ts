import type { CommandSpec } from "../commands/CommandSpec.ts"
import {
  type BuiltinCommand,
  commandList,
  commands,
  commandTyped,
  isBuiltinCommand,
  shortNameOf
} from "../commands/commands.ts"
import { SHELLS } from "../commands/shell.ts"
import type { CommandError, ErrorCode } from "../domain/CommandError.ts"
import { parsePort } from "../domain/names.ts"
import { asTyped, quote } from "../text/escape.ts"
import { nearest } from "./nearest.ts"
import { ownWords, readOptions } from "./options.ts"

/** A parsed command line, or the error in it. */
export type Invocation =
  /** `alone` if no command was given, so that the help is an error message. */
  | {
      readonly _tag: "Help"
      readonly command: CommandSpec | undefined
      readonly alone: boolean
      readonly json: boolean
    }
  | { readonly _tag: "Builtin"; readonly command: Exclude<BuiltinCommand, "help">; readonly json: boolean }
  | { readonly _tag: "Daemon" }
  /** Asked by a shell at each Tab: its name and the words after `d`. */
  | { readonly _tag: "Complete"; readonly words: ReadonlyArray<string> }
  /** Asks for a command, unless one is named, and for its options. */
  | { readonly _tag: "Wizard"; readonly command: CommandSpec | undefined; readonly json: boolean }
  /** A well-formed command. `payload` has the given values by field; `notes` are lines for standard error. */
  | {
      readonly _tag: "Run"
      readonly command: CommandSpec
      readonly notes: ReadonlyArray<string>
      readonly payload: Readonly<Record<string, unknown>>
      readonly json: boolean
    }
  | ({ readonly _tag: "Wrong"; readonly json: boolean; readonly exitCode?: number } & CommandError)

const COMPLETE = "__complete"
const HELP = ["--help", "-h"]
const WIZARD = "--wizard"
/** Other programs' short forms of --version. */
const VERSION_LIKE = ["-v", "-V"]

/** An invocation without the `json` flag. */
type Meaning = DistributiveOmit<Invocation, "json">
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never

const wrong = (code: ErrorCode, message: string, hint: string): Meaning => ({ _tag: "Wrong", code, message, hint })

const readVersion = (words: ReadonlyArray<string>): Meaning => {
  const [extra] = words.filter((word) => word !== "--json")
  return extra === undefined
    ? { _tag: "Builtin", command: "version" }
    : wrong("invalid", `unexpected argument ${quote(extra)} after --version`, "d --version")
}

const readCompletions = (words: ReadonlyArray<string>): Meaning => {
  const [shell = "", extra] = words
  return SHELLS.some((each) => each === shell) && extra === undefined
    ? { _tag: "Run", command: commands.completions, notes: [], payload: { action: shell } }
    : wrong(
        "invalid",
        `--completions takes the name of one shell, not ${quote(words.join(" "))}`,
        `d --completions ${SHELLS.join("|")}`
      )
}

/** Whether a command changes a port that is named by its short form. */
const changesPort = ({ options, readOnly, short }: CommandSpec): boolean =>
  !readOnly && options.some(({ name, type }) => type === "port" && short?.options.includes(name))

/** Returns the command that has `word` as a synonym, with it as the action if it is one. */
const synonymFor = (word: string): string | undefined => {
  const { name, operand } = commandList.find(({ synonyms }) => synonyms?.includes(word)) ?? {}
  return operand?.type === "choice" && operand.choices.includes(word) ? `${name} ${word}` : name
}

/** Returns what an unknown command was probably meant as; `next` is the word after it. */
const commandMeant = (word: string, next: string | undefined): string | undefined => {
  const meant =
    synonymFor(word.toLowerCase()) ??
    nearest(
      word,
      commandList.flatMap((each) => [each.name, shortNameOf(each)])
    )
  const command = commandTyped(meant ?? "")
  // Whoever types a port after a word asks about that port.
  return parsePort(next ?? "") !== undefined && !(command && changesPort(command))
    ? `${commands.explain.name} ${next}`
    : meant
}

const unknownCommand = (word: string, next?: string): Meaning => {
  if (VERSION_LIKE.includes(word)) return wrong("invalid", `unknown option ${quote(word)}`, "did you mean --version?")
  if (word.startsWith("-"))
    return wrong("invalid", `expected a command, not ${quote(word)}`, "d COMMAND [options]; d help lists the commands")
  const meant = commandMeant(word, next)
  return wrong(
    "unknown-command",
    `Unknown command: ${asTyped(word)}`,
    `${meant === undefined ? "" : `did you mean d ${meant}? `}d help lists the commands`
  )
}

const readHelp = (words: ReadonlyArray<string>): Meaning => {
  const [word, extra] = words.filter((each) => each !== "--json")
  if (extra !== undefined) return wrong("invalid", `unexpected argument ${quote(extra)}`, "d help [COMMAND]")
  if (word === undefined) return { _tag: "Help", command: undefined, alone: false }
  const command = commandTyped(word)
  return command === undefined ? unknownCommand(word) : { _tag: "Help", command, alone: false }
}

const inForeground = (words: ReadonlyArray<string>): Meaning =>
  words.includes("--json")
    ? wrong(
        "invalid",
        "--json does not go with a daemon in the foreground",
        "d daemon start|stop|restart|status --json"
      )
    : { _tag: "Daemon" }

const readCommand = (command: CommandSpec, words: ReadonlyArray<string>): Meaning => {
  const read = readOptions(command, words)
  if ("code" in read)
    return { _tag: "Wrong", ...read, ...(command.errorCode === undefined ? {} : { exitCode: command.errorCode }) }
  const { kind, name } = command
  if (kind === "service" && !("action" in read.payload)) return inForeground(words)
  return isBuiltinCommand(name) && name !== "help"
    ? { _tag: "Builtin", command: name }
    : { _tag: "Run", command, ...read }
}

/** Reads a command line that has --help in it. */
const readAskedHelp = (first: string | undefined, next: string | undefined): Meaning => {
  if (first === undefined || first.startsWith("-")) return { _tag: "Help", command: undefined, alone: false }
  const command = commandTyped(first)
  return command === undefined ? unknownCommand(first, next) : { _tag: "Help", command, alone: false }
}

/** Reads a command line that has --wizard in it. */
const readWizard = (words: ReadonlyArray<string>): Meaning => {
  const [word, ...extra] = words.filter((each) => each !== WIZARD && each !== "--json")
  if (word === undefined) return { _tag: "Wizard", command: undefined }
  const command = commandTyped(word)
  if (command === undefined) return unknownCommand(word)
  return extra[0] === undefined
    ? { _tag: "Wizard", command }
    : wrong(
        "invalid",
        `unexpected argument ${quote(extra[0])}: --wizard asks for everything but the command`,
        `d ${command.name} --wizard`
      )
}

interface Asked {
  readonly help: boolean
  readonly wizard: boolean
}

const read = (words: ReadonlyArray<string>, asked: Asked): Meaning => {
  const [first, ...rest] = words[0] === "send" ? words.slice(1) : words
  if (asked.wizard && !asked.help) return readWizard(first === undefined ? [] : [first, ...rest])
  if (asked.help) return readAskedHelp(first, rest[0])
  if (first === undefined)
    return words.length === 0
      ? { _tag: "Help", command: undefined, alone: true }
      : wrong("missing-argument", "send needs a command", "d help lists the commands")
  if (first === "--version") return readVersion(rest)
  if (first === "--completions") return readCompletions(rest)
  const command = commandTyped(first)
  if (command === undefined) return unknownCommand(first, rest[0])
  return command === commands.help ? readHelp(rest) : readCommand(command, rest)
}

/**
 * Parses the words after the program's name. It is strict: unknown, repeated, misplaced, wrong-case and value-less
 * options are errors that repeat the word as it was typed.
 */
export const parseArgv = (words: ReadonlyArray<string>): Invocation => {
  if (words[0] === COMPLETE) return { _tag: "Complete", words: words.slice(1) }
  const start = words[0] === "send" ? 1 : 0
  const command = commandTyped(words[start] ?? "")
  const own = command === undefined ? ownWords(undefined, words) : ownWords(command, words.slice(start + 1))
  const asking = [...words.slice(0, start), ...own]
  const meaning = read(words, {
    help: asking.some((word) => HELP.includes(word)),
    wizard: asking.includes(WIZARD)
  })
  return { ...meaning, json: own.includes("--json") } as Invocation
}
