import { ENV_FORMATS } from "../commands/run.ts"
import { escapedJson, isHarmless } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"

/** How variables are written. */
export const FORMATS = ENV_FORMATS

export type Format = (typeof FORMATS)[number]

export type Variables = Readonly<Record<string, string>>

/** Values that mean the same to every reader without quotes. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/

/**
 * Quotes a value for a dotenv file; undefined if no quotes mean the same to all readers. In single quotes everything stands
 * for itself. In double quotes, some expand `$` and take `\` for an escape.
 */
const dotenvValue = (value: string): string | undefined => {
  if (PLAIN.test(value)) return value
  if (!isHarmless(value)) return undefined
  if (!value.includes("'")) return `'${value}'`
  return /["$\\`]/.test(value) ? undefined : `"${value}"`
}

const dotenvLine = (name: string, value: string): ReadonlyArray<string> | undefined => {
  const written = dotenvValue(value)
  return written === undefined ? undefined : [`${name}=${written}`]
}

const shellLine = (name: string, value: string): ReadonlyArray<string> => {
  const word = shellWord(value)
  return [`export ${name}=${/^['"]/.test(word) ? word : `'${word}'`}`]
}

/** A value of several lines stands between two lines with a word that it does not contain. */
const githubLines = (name: string, value: string): ReadonlyArray<string> | undefined => {
  const lines = value.split("\n")
  if (!lines.every(isHarmless)) return undefined
  if (lines.length === 1) return [`${name}=${value}`]
  let word = "END"
  while (value.includes(word)) word += "_"
  return [`${name}<<${word}`, ...lines, word]
}

const writers: {
  readonly [F in Format]: ((name: string, value: string) => ReadonlyArray<string> | undefined) | undefined
} = {
  dotenv: dotenvLine,
  compose: dotenvLine,
  shell: shellLine,
  github: githubLines,
  json: undefined
}

/** The lines of variables, and the names of those that the format has no form for. */
export interface Formatted {
  readonly lines: ReadonlyArray<string>
  readonly left: ReadonlyArray<string>
}

/** Writes variables in a format. */
export const format = (variables: Variables, as: Format): Formatted => {
  const write = writers[as]
  if (write === undefined) return { lines: [escapedJson(JSON.stringify(variables))], left: [] }
  const written = Object.entries(variables).map(([name, value]) => ({ name, lines: write(name, value) }))
  return {
    lines: written.flatMap(({ lines }) => lines ?? []),
    left: written.flatMap(({ lines, name }) => (lines === undefined ? [name] : []))
  }
}
