import { LIMITS } from "./foreignText.ts"

/**
 * The rules for keys, apps, ports and descriptions, as plain functions. They import nothing that is slow to load, so
 * that the client, which must start fast, can use them; the schemas in this directory are built from them.
 */

export type Kind = "prod" | "dev" | "special"

export const MODES = ["prod", "dev"] as const

/** The tables beside the settings table. */
export const OWN_TABLES = [
  "port_claims",
  "port_keys",
  "port_owners",
  "port_reserved",
  "port_history",
  "port_registry",
  "port_health"
] as const

export type OwnTable = (typeof OWN_TABLES)[number]

/** An app's longest key is `APP-prod`, five characters more than its name. */
const APP_MAX = LIMITS.key - "-prod".length
export const PORT_MAX = 65_535

/** Characters that are not allowed in a single line of text: control characters, line and paragraph separators. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/gu
const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const PORT = /^[1-9][0-9]{0,4}$/

/** The replacement character that Node decodes invalid UTF-8 to, which loses the original bytes. */
const LOST = "\ufffd"
const NOT_UTF8 = "has bytes that are not UTF-8: write it in UTF-8"

/** Returns what looks wrong with `text` as a path or a URL, even though the system would accept it. */
export const blankProblem = (text: string): string | undefined =>
  text.includes(LOST)
    ? NOT_UTF8
    : text.search(CONTROL) !== -1
      ? "has a control character, perhaps from a line that ends in CRLF: remove it"
      : text.trim() !== text
        ? "begins or ends with a space: remove it"
        : undefined

const nameProblem = (noun: string, text: string, max: number): string | undefined => {
  if (text === "") return `is empty: give ${noun}`
  if (text.length > max) return `is ${text.length} characters long: ${noun} has at most ${max}`
  if (!KEY.test(text)) {
    return `is not ${noun}: use letters, digits, '.', '_' and '-', beginning with a letter or a digit`
  }
  return undefined
}

/** Returns what is wrong with `text` as a key, or `undefined`. */
export const keyProblem = (text: string): string | undefined => nameProblem("a key", text, LIMITS.key)

/** Returns what is wrong with `text` as the name of an app, or `undefined`. */
export const appProblem = (text: string): string | undefined =>
  nameProblem("an app's name", text, APP_MAX) ??
  (kindOf(text) === "special"
    ? undefined
    : `ends in -${kindOf(text)}, which belongs to its keys: write only the app's name, "${text.replace(/-(prod|dev)$/, "")}"`)

/** Makes a valid key of `text`; undefined if nothing is left of it. */
export const keyLike = (text: string): string | undefined => {
  const word = text
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, LIMITS.key)
    .replace(/[-.]+$/, "")
  return keyProblem(word) === undefined ? word : undefined
}

/** Returns what is wrong with `text` as the key of a special, or `undefined`. */
export const specialProblem = (text: string): string | undefined =>
  keyProblem(text) ??
  (kindOf(text) === "special"
    ? undefined
    : `ends in -${kindOf(text)}, which makes it half of an app's pair: use --app ${text.replace(/-(prod|dev)$/, "")}`)

/** Parses a port in decimal, or returns `undefined`: no sign, no space, no leading zero, at most 65535. */
export const parsePort = (text: string): number | undefined => {
  if (!PORT.test(text)) return undefined
  const port = Number(text)
  return port <= PORT_MAX ? port : undefined
}

/** Returns what is wrong with `text` as a port, or `undefined`. */
export const portProblem = (text: string): string | undefined =>
  parsePort(text) === undefined ? `is not a port: write a whole number from 1 to ${PORT_MAX}, digits alone` : undefined

const COUNT = /^[1-9]\d{0,14}$/

/** Returns what is wrong with `text` as a number of something, or `undefined`. */
export const countProblem = (text: string): string | undefined =>
  COUNT.test(text) ? undefined : "is not a number: write a whole number from 1 on, digits alone"

/**
 * Returns the port that a stored value begins with, as other programs may read it: after blanks, a sign and zeros, and
 * whatever follows it.
 */
export const leadingPort = (text: string): number | undefined => parsePort(/^\s*\+?0*([1-9]\d*)/.exec(text)?.[1] ?? "")

/** Returns what is wrong with a description, a reason or a directory, or `undefined`. */
export const textProblem = (text: string, max: number = LIMITS.text): string | undefined => {
  if (text.length > max) return `is ${text.length} characters long: at most ${max} are kept`
  if (text.search(CONTROL) !== -1) return "has a line break or a control character: write one plain line"
  if (!text.isWellFormed()) return "is not valid Unicode"
  if (text.includes(LOST)) return NOT_UTF8
  return undefined
}

/** Returns what is wrong with `text` as a reason, or `undefined`. */
export const reasonProblem = (text: string): string | undefined =>
  text.trim() === "" ? "is empty: say why" : textProblem(text)

/** Returns the kind of a key, which its suffix determines. */
export const kindOf = (key: string): Kind => (key.endsWith("-prod") ? "prod" : key.endsWith("-dev") ? "dev" : "special")

/** The key at whose port the daemon serves HTTP. */
export const DASHBOARD_KEY = "ports-dashboard"

/** The variable that marks the processes of a `d run`. One run inside another keeps the outer mark. */
export const RUN_MARK = "D_RUN"

/** Returns the app that `key` belongs to, or `null` for a special. */
export const appOf = (key: string): string | null =>
  kindOf(key) === "special" ? null : key.replace(/-(prod|dev)$/, "")

/** Names what a key goes with: its app, with a hyphen, because a special may have the same name; or itself. */
export const groupOf = (key: string): string => {
  const app = appOf(key)
  return app === null ? key : `${app}-`
}
