import { realpathSync, statSync } from "node:fs"
import { resolve } from "node:path"
import type { CommandSpec, OptionSpec } from "../commands/CommandSpec.ts"
import { commandList, fieldOf, usageHint } from "../commands/commands.ts"
import type { CommandError, ErrorCode } from "../domain/CommandError.ts"
import { parsePort } from "../domain/names.ts"
import { asTyped, quote } from "../text/escape.ts"
import { nearest } from "./nearest.ts"

type Payload = Record<string, unknown>

/** The words after a command's name, read from left to right. */
interface Reader {
  readonly command: CommandSpec
  readonly words: ReadonlyArray<string>
  readonly payload: Payload
  /** Lines for standard error, if the command can be run. */
  readonly notes: Array<string>
  /** The options that were given. */
  readonly seen: Set<string>
  /** The option that was given last, if it may be repeated: a word after its value could be meant as another one. */
  open: string | undefined
}

const wrong = (code: ErrorCode, message: string, hint: string): CommandError => ({ code, message, hint })

const helpHint = ({ name }: CommandSpec): string => `d ${name} --help`

/** Resolves a path against the caller's directory; `undefined` if that was removed. */
const fromHere = (given: string): string | undefined => {
  try {
    return resolve(given)
  } catch {
    return undefined
  }
}

export const directoryGone = (given: string): CommandError =>
  wrong(
    "invalid",
    `${quote(given)} is relative to the current directory, which no longer exists`,
    "change to another directory, or write an absolute path"
  )

/** Resolves the symbolic links of a directory: the system reports a process's real directory. */
const realDirectory = (directory: string): string => {
  try {
    return realpathSync(directory)
  } catch {
    return directory
  }
}

const NUMBER = /^\d+$/

/** Refuses a number as a name: whoever types one without an option means a port. */
const numberAsName = (command: CommandSpec, { name, type }: OptionSpec, word: string, takesPort: boolean) =>
  wrong(
    "invalid",
    `${asTyped(word)} is a ${parsePort(word) === undefined ? "number" : "port"}, not ${type === "app" ? "an app" : "a key"}`,
    takesPort
      ? `d ${command.short?.usage}`
      : `${parsePort(word) === undefined ? "" : `d explain ${word} shows who has it; `}to use it as a name, --${name} ${asTyped(word)}`
  )

/** The usage if there are more words than options: perhaps a text whose quotes were forgotten. */
const hintForMore = (command: CommandSpec): string => {
  const last = command.options.find(({ name }) => name === command.short?.options.at(-1))
  return last?.type === "text"
    ? `put the text between quotes: d ${command.short?.usage.replace(/\w+$/, "'$&'")}`
    : usageHint(command)
}

/** Whether an option, or one that it stands for, was given. */
const isGiven = ({ name, standsFor = [] }: OptionSpec, seen: ReadonlySet<string>): boolean =>
  [name, ...standsFor].some((each) => seen.has(each))

/** Says why a directory is probably not the one that is meant, if that can be seen. */
const directoryNote = (directory: string): string | undefined => {
  try {
    return statSync(directory).isDirectory() ? undefined : `warning: ${quote(directory)} is not a directory`
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException
    return ["ENOENT", "ENOTDIR"].includes(code) ? `warning: there is no directory ${quote(directory)}` : undefined
  }
}

/** Reads a word as the value of the next option of the short form. */
const readShort = (reader: Reader, word: string): CommandError | undefined => {
  const { command, open, seen } = reader
  if (open !== undefined)
    return wrong(
      "invalid",
      `${quote(word)} after --${open} is not clear`,
      `write --${open} ${asTyped(word)}, or put it first: d ${command.short?.usage ?? command.name}`
    )
  const left = (command.short?.options ?? []).flatMap((name) => {
    const option = command.options.find((each) => each.name === name)
    return option === undefined || (isGiven(option, seen) && !option.repeated) ? [] : [option]
  })
  const isNumber = NUMBER.test(word)
  const option = left.find(({ type }) => (type !== "port" && type !== "number") || isNumber) ?? left[0]
  if (option === undefined) return wrong("invalid", `unexpected argument ${quote(word)}`, hintForMore(command))
  if (isNumber && ["app", "key", "name"].includes(option.type ?? ""))
    return numberAsName(
      command,
      option,
      word,
      left.some(({ type }) => type === "port")
    )
  seen.add(option.name)
  return readValue(reader, option, word, undefined)
}

/** Returns the forms of a command on one line; of one with actions, only those of the action that is given. */
const hintFor = ({ command, payload }: Reader): string => {
  const usage = command.usage.filter((each) => each.split(" ")[0] === payload["action"])
  return usageHint(usage.length === 0 ? command : { ...command, usage })
}

const choiceHint = ({ name }: CommandSpec, choices: ReadonlyArray<string>): string => `d ${name} ${choices.join("|")}`

/** Reads a word as one of the choices of a command. */
const readChoice = ({ command, payload }: Reader, field: string, choices: ReadonlyArray<string>, word: string) => {
  if (choices.includes(word)) {
    payload[field] = word
    return undefined
  }
  const meant = nearest(word, choices)
  return wrong(
    "invalid",
    `${command.name} has no ${field} ${quote(word)}`,
    meant === undefined ? choiceHint(command, choices) : `did you mean d ${command.name} ${meant}?`
  )
}

const readOperand = (reader: Reader, word: string): CommandError | undefined => {
  const { command, payload } = reader
  if (command.short !== undefined && !word.startsWith("-")) return readShort(reader, word)
  const field = command.operand?.name.toLowerCase()
  if (field === undefined) {
    const [example] = command.short === undefined ? command.options.filter(({ value }) => value !== undefined) : []
    const how = example === undefined ? "" : `: values follow an option, as in --${example.name} ${example.value}`
    return wrong("invalid", `unexpected argument ${quote(word)}${how}`, helpHint(command))
  }
  if (field in payload) return wrong("invalid", `unexpected argument ${quote(word)}`, hintFor(reader))
  if (command.operand?.type === "choice") return readChoice(reader, field, command.operand.choices, word)
  const takesDash = command.operand !== undefined && "dash" in command.operand
  if (word.startsWith("-") && !(word === "-" && takesDash))
    return wrong(
      "invalid",
      `${quote(word)} is not a file name: write ./${asTyped(word)} if you mean a file`,
      helpHint(command)
    )
  const path = word === "" || word === "-" ? word : fromHere(word)
  if (path === undefined) return directoryGone(word)
  payload[field] = path
  return undefined
}

const unknownOption = (command: CommandSpec, word: string, name: string): CommandError => {
  const meant = nearest(
    name,
    command.options.map((option) => option.name)
  )
  const message = `${command.name} has no option ${quote(word)}`
  if (meant !== undefined) return wrong("invalid", message, `did you mean --${meant}? ${helpHint(command)}`)
  const others = commandList.filter(({ options }) => options.some((option) => option.name === name))
  const belongs = others.length > 0 ? `it belongs to ${others.map((each) => each.name).join(", ")}; ` : ""
  return wrong("invalid", message, belongs + helpHint(command))
}

const readSwitch = ({ payload }: Reader, { name }: OptionSpec, word: string): CommandError | undefined => {
  if (word.includes("=")) return wrong("invalid", `${quote(word)}: --${name} takes no value`, `write --${name} alone`)
  if (name !== "json") payload[fieldOf(name)] = true
  return undefined
}

/** `inline` is the value if it was written as --name=value, and `next` the word after the option. */
const readValue = (
  { command, notes, payload }: Reader,
  { name, repeated, type, value: shown }: OptionSpec,
  inline: string | undefined,
  next: string | undefined
): CommandError | undefined => {
  const given = inline ?? next
  if (given === undefined) return wrong("missing-argument", `--${name} needs a value`, `--${name} ${shown}`)
  if (inline === undefined && /^--?[A-Za-z]|^--$/.test(given))
    return wrong(
      "missing-argument",
      `--${name} needs a value, and ${quote(given)} is an option`,
      `--${name} ${shown}; to use it as the value, --${name}=${asTyped(given)}`
    )
  const isPath = type === "directory" && given !== ""
  const path = isPath ? fromHere(given) : given
  if (path === undefined) return directoryGone(given)
  // A command about the directory itself refuses one that is not there.
  const note = isPath && command.here !== "meant" ? directoryNote(path) : undefined
  if (note !== undefined) notes.push(note)
  const value = isPath ? realDirectory(path) : path
  const field = fieldOf(name)
  payload[field] = repeated ? [...((payload[field] as ReadonlyArray<string>) ?? []), value] : value
  return undefined
}

/** Reads the option at `words[at]`, and returns the index of the word after it, or an error. */
const readOption = (reader: Reader, at: number): number | CommandError => {
  const { command, seen, words } = reader
  const word = words[at] ?? ""
  const equals = word.indexOf("=")
  const name = word.slice(2, equals === -1 ? undefined : equals)
  const option = command.options.find((each) => each.name === name)
  if (option === undefined) return unknownOption(command, word, name)
  if (seen.has(name) && option.repeated === undefined)
    return wrong("invalid", `--${name} is given twice`, `give it once: ${helpHint(command)}`)
  seen.add(name)
  reader.open = option.repeated ? name : undefined
  if (option.value === undefined) return readSwitch(reader, option, word) ?? at + 1
  const inline = equals === -1 ? undefined : word.slice(equals + 1)
  return readValue(reader, option, inline, words[at + 1]) ?? at + (inline === undefined ? 2 : 1)
}

/** Returns the words that are those of `d`, and not of a command that it runs. */
export const ownWords = (command: CommandSpec | undefined, words: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (command?.operand?.type !== "words") return words.includes("--") ? words.slice(0, words.indexOf("--")) : words
  let at = 0
  while (at < words.length) {
    const word = words[at] ?? ""
    if (word === "--" || !word.startsWith("-")) break
    const option = command.options.find(({ name }) => word === `--${name}`)
    at += option?.value === undefined ? 1 : 2
  }
  return words.slice(0, at)
}

/** Returns what must be given and is not, and how to give it. */
const missingIn = (reader: Reader): { readonly name: string; readonly hint: string } | undefined => {
  const { command, payload, seen } = reader
  const { needs = [], operand, options } = command
  const [first] = needs
  if (first !== undefined && !needs.some((each) => seen.has(each))) return { name: first, hint: usageHint(command) }
  if (operand?.type === "choice" && !operand.optional && !(operand.name.toLowerCase() in payload))
    return { name: operand.name, hint: choiceHint(command, operand.choices) }
  const option = options.find((each) => (each.required || each.standsFor) && !isGiven(each, seen))
  return option && { name: option.standsFor?.[0] ?? option.name, hint: hintFor(reader) }
}

/** Reads the words after a command's name. Returns the given values by field, with notes, or the first error. */
export const readOptions = (
  command: CommandSpec,
  words: ReadonlyArray<string>
): Readonly<Pick<Reader, "notes" | "payload">> | CommandError => {
  const reader: Reader = { command, words, payload: {}, notes: [], seen: new Set(), open: undefined }
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? ""
    if (command.operand?.type === "words" && (word === "--" || !word.startsWith("-"))) {
      reader.payload["command"] = words.slice(word === "--" ? at + 1 : at)
      break
    }
    const isOption = word.startsWith("--") && word !== "--"
    const next = isOption ? readOption(reader, at) : (readOperand(reader, word) ?? at + 1)
    if (typeof next !== "number") return next
    at = next
  }
  const missing = missingIn(reader)
  return missing === undefined
    ? { payload: reader.payload, notes: reader.notes }
    : wrong("missing-argument", `Missing required arg: ${missing.name}`, missing.hint)
}
