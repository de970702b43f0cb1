import { realpathSync } from "node:fs"
import { resolve } from "node:path"
import leven from "leven"
import type { CommandSpec, OptionSpec } from "../commands/CommandSpec.ts"
import {
  type BuiltinCommand,
  commandList,
  commands,
  fieldOf,
  findCommand,
  isBuiltinCommand,
  usageHint
} from "../commands/commands.ts"
import type { ErrorCode } from "../domain/CommandError.ts"
import { asTyped, quote } from "../text/escape.ts"

/** What a command line asks for, or what is wrong with it. */
export type Invocation =
  /** `alone` where nothing was asked and help is all there is to say. */
  | { readonly _tag: "Help"; readonly command: CommandSpec | undefined; readonly alone: boolean }
  | { readonly _tag: "Builtin"; readonly command: Exclude<BuiltinCommand, "help">; readonly json: boolean }
  | { readonly _tag: "Daemon" }
  | { readonly _tag: "Completions"; readonly shell: string }
  /** Well-formed: `payload` has what was given, by field. */
  | {
      readonly _tag: "Run"
      readonly command: CommandSpec
      readonly payload: Readonly<Record<string, unknown>>
      readonly json: boolean
    }
  | {
      readonly _tag: "Wrong"
      readonly code: ErrorCode
      readonly message: string
      readonly hint: string
      readonly json: boolean
    }

export const SHELLS = ["bash", "zsh", "fish"]

const HELP = ["--help", "-h"]

const nearest = (word: string, words: ReadonlyArray<string>): string | undefined => {
  const [best] = words
    .map((each) => ({ each, distance: leven(word.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.each.length / 3)) ? best.each : undefined
}

/**
 * Reads the words after the program's name. It is strict: unknown, repeated, misplaced, wrong-case and value-less
 * options are errors that repeat the word as it was typed.
 */
export const parseArgv = (words: ReadonlyArray<string>): Invocation => {
  const beforeDashes = words.includes("--") ? words.slice(0, words.indexOf("--")) : words
  const json = beforeDashes.includes("--json")
  const wrong = (code: ErrorCode, message: string, hint: string): Invocation => ({
    _tag: "Wrong",
    code,
    message,
    hint,
    json
  })

  const [first, ...afterSend] = words[0] === "send" ? words.slice(1) : words
  if (beforeDashes.some((word) => HELP.includes(word))) {
    return { _tag: "Help", command: findCommand(first ?? ""), alone: false }
  }
  if (first === undefined) {
    return words.length === 0
      ? { _tag: "Help", command: undefined, alone: true }
      : wrong("missing-argument", "send needs a command", "d help lists the commands")
  }
  if (first === "--version") {
    const [extra] = afterSend.filter((word) => word !== "--json")
    return extra === undefined
      ? { _tag: "Builtin", command: "version", json }
      : wrong("invalid", `${quote(extra)} is not expected after --version`, "d --version")
  }
  if (first === "--completions") {
    const [shell = "", extra] = afterSend
    return SHELLS.includes(shell) && extra === undefined
      ? { _tag: "Completions", shell }
      : wrong(
          "invalid",
          `--completions takes the name of one shell, not ${quote(afterSend.join(" "))}`,
          `d --completions ${SHELLS.join("|")}`
        )
  }
  const command = findCommand(first)
  if (command === undefined) {
    if (first.startsWith("-"))
      return wrong(
        "invalid",
        `${quote(first)} stands where a command is expected`,
        "d COMMAND [options]; d help lists the commands"
      )
    const meant = nearest(
      first,
      commandList.map((each) => each.name)
    )
    return wrong(
      "unknown-command",
      `Unknown command: ${asTyped(first)}`,
      `${meant === undefined ? "" : `did you mean ${meant}? `}d help lists the commands`
    )
  }
  if (command === commands.help) return readHelp(command, afterSend, wrong)
  const read = readOptions(command, afterSend, json, wrong)
  if (read._tag !== "Run") return read
  if (command === commands.daemon) return { _tag: "Daemon" }
  const { name } = command
  return isBuiltinCommand(name) && name !== "help" ? { _tag: "Builtin", command: name, json } : read
}

type Wrong = (code: ErrorCode, message: string, hint: string) => Invocation

/** Reads what `help` is asked about. */
const readHelp = (command: CommandSpec, words: ReadonlyArray<string>, wrong: Wrong): Invocation => {
  const [word, extra] = words
  if (extra !== undefined)
    return wrong("invalid", `${quote(extra)} is one word too many`, `d ${command.name} [${command.operand?.name}]`)
  if (word === undefined) return { _tag: "Help", command: undefined, alone: false }
  const about = findCommand(word)
  return about === undefined
    ? wrong("unknown-command", `Unknown command: ${quote(word)}`, "d help lists the commands")
    : { _tag: "Help", command: about, alone: false }
}

const readOptions = (command: CommandSpec, words: ReadonlyArray<string>, json: boolean, wrong: Wrong): Invocation => {
  const helpHint = `d ${command.name} --help`
  const payload: Record<string, unknown> = {}
  const seen = new Set<string>()
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ""
    if (!word.startsWith("--") || word === "--") {
      const field = command.operand?.name.toLowerCase()
      if (field === undefined) {
        return wrong("invalid", `${quote(word)} is not expected: every value follows its option`, helpHint)
      }
      if (field in payload) return wrong("invalid", `${quote(word)} is one word too many`, usageHint(command))
      if (word.startsWith("-")) {
        return wrong("invalid", `${quote(word)} is no file: write ./${asTyped(word)} if it is meant as one`, helpHint)
      }
      // A relative path means the caller's directory.
      payload[field] = word === "" ? word : resolve(word)
      continue
    }
    const equals = word.indexOf("=")
    const name = word.slice(2, equals === -1 ? undefined : equals)
    const option = command.options.find((each) => each.name === name)
    if (option === undefined) return unknownOption(command, word, name, wrong)
    if (seen.has(name) && option.repeated === undefined) {
      return wrong("invalid", `--${name} is given twice`, `give it once: ${helpHint}`)
    }
    seen.add(name)
    if (option.value === undefined) {
      if (equals !== -1) return wrong("invalid", `${quote(word)}: --${name} takes no value`, `write --${name} alone`)
      if (name !== "json") payload[fieldOf(name)] = true
      continue
    }
    const given = equals === -1 ? words[++at] : word.slice(equals + 1)
    if (given === undefined) return wrong("missing-argument", `--${name} needs a value`, `--${name} ${option.value}`)
    if (equals === -1 && /^--?[A-Za-z]|^--$/.test(given)) {
      return wrong(
        "missing-argument",
        `--${name} needs a value, and ${quote(given)} is an option`,
        `--${name} ${option.value}; where it is meant as the value, --${name}=${asTyped(given)}`
      )
    }
    const value = option.type === "directory" && given !== "" ? realDirectory(given) : given
    const field = fieldOf(name)
    payload[field] = option.repeated ? [...((payload[field] as ReadonlyArray<string>) ?? []), value] : value
  }
  const missing = command.options.find((option) => option.required && !seen.has(option.name))
  return missing === undefined
    ? { _tag: "Run", command, payload, json }
    : wrong("missing-argument", `Missing required arg: ${missing.name}`, usageHint(command))
}

/** A relative directory means the caller's, which only this process knows; and the system names processes' real ones. */
const realDirectory = (given: string): string => {
  const directory = resolve(given)
  try {
    return realpathSync(directory)
  } catch {
    return directory
  }
}

const unknownOption = (command: CommandSpec, word: string, name: string, wrong: Wrong): Invocation => {
  const elsewhere = (option: OptionSpec) => option.name === name
  const meant = nearest(
    name,
    command.options.map((option) => option.name)
  )
  const message = `${command.name} has no option ${quote(word)}`
  if (meant !== undefined) return wrong("invalid", message, `did you mean --${meant}? d ${command.name} --help`)
  const others = commandList.filter((each) => each.options.some(elsewhere)).map((each) => each.name)
  return wrong(
    "invalid",
    message,
    `${others.length > 0 ? `it belongs to ${others.join(", ")}; ` : ""}d ${command.name} --help`
  )
}
