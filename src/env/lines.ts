/**
 * Finds the variables of a dotenv file, as the `dotenv` package does, which most readers follow: a value may be in quotes over
 * several lines, `export` may come before a name, and `NAME: value` is one, too. Quotes that nothing closes are a part of
 * their line.
 */

/** A line break, by which lines are counted and told apart. */
const BREAK = /\r\n|\n|\r/g

const VARIABLE =
  /^[^\S\n]*(?:export\s+)?(?<name>[\w.-]+)(?:\s*=\s*?|:\s+?)(?<value>\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/dgm

export interface Variable {
  readonly name: string
  /** The value as it is written, its quotes included. */
  readonly written: string
  /** The lines that it stands on, counted from 0. */
  readonly first: number
  readonly last: number
}

/** Returns the variables of `text`, in order. A name may be there more than once: the last one counts. */
export const variablesIn = (text: string): ReadonlyArray<Variable> => {
  const plain = text.replaceAll(BREAK, "\n")
  let [line, at] = [0, 0]
  const lineAt = (index: number): number => {
    for (; at < index; at++) if (plain[at] === "\n") line++
    return line
  }
  return [...plain.matchAll(VARIABLE)].map(({ groups = {}, indices }) => {
    const [start = 0, nameEnd = 0] = indices?.groups?.["name"] ?? []
    const [, end = nameEnd] = indices?.groups?.["value"] ?? []
    const written = (groups["value"] ?? "").trim()
    return { name: groups["name"] ?? "", written, first: lineAt(start), last: lineAt(end) }
  })
}

/** Returns the value that a reader gets. */
export const readValue = ({ written }: Variable): string => {
  const inside = written.replace(/^(['"`])([\s\S]*)\1$/gm, "$2")
  return written.startsWith('"') ? inside.replaceAll("\\n", "\n").replaceAll("\\r", "\r") : inside
}

/** Splits `text` into lines that keep their line breaks; the last one may have none. */
export const linesOf = (text: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let at = 0
  for (const { 0: found, index } of text.matchAll(BREAK)) {
    lines.push(text.slice(at, index + found.length))
    at = index + found.length
  }
  return at < text.length ? [...lines, text.slice(at)] : lines
}

/** Returns `line` without its line break. */
export const bare = (line: string): string => line.replace(/(\r\n|\n|\r)$/, "")

/** Returns the line break that `text` uses. A carriage return alone is none to most readers. */
export const breakOf = (text: string): string => /\r?\n/.exec(text)?.[0] ?? "\n"
