import { LIMITS } from "./foreignText.ts"

/**
 * What is a key, an app, a port, a description: the rules themselves, as plain functions. They import nothing that starts
 * slowly, so that the path which must start fast can use them; the schemas beside this file are made of them.
 */

export type Kind = "prod" | "dev" | "special"

/** An app's longest key is `APP-prod`: five characters more. */
const APP_MAX = LIMITS.key - "-prod".length
export const PORT_MAX = 65_535

/** What is no plain text of one line: control characters, and what separates lines and paragraphs. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/gu
const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const PORT = /^[1-9][0-9]{0,4}$/

/** What Node reads for bytes that are not UTF-8: what they were is lost. */
const LOST = "\ufffd"
const NOT_UTF8 = "has bytes that are not UTF-8: write it in UTF-8"

/** What is wrong with `text` as the name of a file or a URL, which it may be all the same. */
export const blankProblem = (text: string): string | undefined =>
  text.includes(LOST)
    ? NOT_UTF8
    : text.search(CONTROL) !== -1
      ? "has a control character, perhaps of a line that ends in CRLF: take it out"
      : text.trim() !== text
        ? "begins or ends with a blank: take it out"
        : undefined

const nameProblem = (noun: string, text: string, max: number): string | undefined => {
  if (text === "") return `is empty: give ${noun}`
  if (text.length > max) return `is ${text.length} characters long: ${noun} has at most ${max}`
  if (!KEY.test(text)) {
    return `is not ${noun}: use letters, digits, '.', '_' and '-', beginning with a letter or a digit`
  }
  return undefined
}

/** What is wrong with `text` as a key, or `undefined`. */
export const keyProblem = (text: string): string | undefined => nameProblem("a key", text, LIMITS.key)

/** What is wrong with `text` as the name of an app, or `undefined`. */
export const appProblem = (text: string): string | undefined =>
  nameProblem("an app's name", text, APP_MAX) ??
  (kindOf(text) === "special"
    ? undefined
    : `ends in -${kindOf(text)}, which belongs to its keys: name the app alone, "${text.replace(/-(prod|dev)$/, "")}"`)

/** What is wrong with `text` as the key of a special, or `undefined`. */
export const specialProblem = (text: string): string | undefined =>
  keyProblem(text) ??
  (kindOf(text) === "special"
    ? undefined
    : `ends in -${kindOf(text)}, which makes it half of an app's pair: use --app ${text.replace(/-(prod|dev)$/, "")}`)

/** The port that `text` writes in decimal, or `undefined`: no sign, no space, no leading zero, at most 65535. */
export const parsePort = (text: string): number | undefined => {
  if (!PORT.test(text)) return undefined
  const port = Number(text)
  return port <= PORT_MAX ? port : undefined
}

/** What is wrong with a description, a reason or a directory, or `undefined`. */
export const textProblem = (text: string, max: number = LIMITS.text): string | undefined => {
  if (text.length > max) return `is ${text.length} characters long: at most ${max} are kept`
  if (text.search(CONTROL) !== -1) return "has a line break or a control character: write one plain line"
  if (!text.isWellFormed()) return "is not valid Unicode"
  if (text.includes(LOST)) return NOT_UTF8
  return undefined
}

/** The kind of a key, by its suffix. */
export const kindOf = (key: string): Kind => (key.endsWith("-prod") ? "prod" : key.endsWith("-dev") ? "dev" : "special")

/** The app that owns `key`, or `null` for a special. */
export const appOf = (key: string): string | null =>
  kindOf(key) === "special" ? null : key.replace(/-(prod|dev)$/, "")
