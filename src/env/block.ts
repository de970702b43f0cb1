import { bare, breakOf, linesOf, type Variable, variablesIn } from "./lines.ts"

/** Puts a marked block into the text of a file, and takes it out. Nothing else of the text changes. */

const BEGIN = /^# >>> d env(?<options>(?: .*)?) >>>$/
const END = "# <<< d env <<<"

/** Stands before each line of the user that is out of force. */
const REPLACED = "# replaced by d env: "

/**
 * The explanation in a block. It has an equals sign before the first variable: after a byte order mark, Node takes everything
 * up to the first one for a name.
 */
const ABOUT = "# To bring this block up to date: d env --write=FILE. To take it away: d env --write=FILE --remove"
const MADE = "# d env made this file."

/** A byte order mark, as UTF-8 and as Latin-1 has it. */
const MARK = /^(\ufeff|\u00ef\u00bb\u00bf)?/

/** A file, split at its block. */
export interface Split {
  readonly before: string
  readonly block?: Block
  /** What comes after the block, its line break included. */
  readonly after: string
}

export interface Block {
  readonly text: string
  /** The options with which it was written. */
  readonly options: ReadonlyArray<string>
  /** Whether the file was made for it. */
  readonly made: boolean
}

/** A mark that does not have its counterpart. Lines count from 1. */
export interface Damage {
  readonly line: number
  readonly problem: string
}

type Found = { readonly from: number; readonly to: number; readonly options: string }

/** Finds the lines of the block. */
const findBlock = (lines: ReadonlyArray<string>): Found | Damage | undefined => {
  let begin: { readonly at: number; readonly options: string } | undefined
  let found: Found | undefined
  for (const [at, line] of lines.entries()) {
    const text = bare(line).trim()
    const options = BEGIN.exec(text)?.groups?.["options"]
    if (options !== undefined) {
      if (begin !== undefined) return { line: at + 1, problem: `a block begins inside the one of line ${begin.at + 1}` }
      if (found !== undefined)
        return { line: at + 1, problem: `a second block begins; the first is in line ${found.from + 1}` }
      begin = { at, options }
    } else if (text === END) {
      if (begin === undefined) return { line: at + 1, problem: "a block ends that does not begin" }
      found = { from: begin.at, to: at, options: begin.options }
      begin = undefined
    }
  }
  return begin === undefined ? found : { line: begin.at + 1, problem: "a block begins that does not end" }
}

/** Returns the length of what must stay first: a byte order mark, and the line that names an interpreter. */
const headLength = (text: string): number => {
  const mark = MARK.exec(text)?.[0].length ?? 0
  const [first = ""] = linesOf(text.slice(mark))
  return first.startsWith("#!") && first !== bare(first) ? mark + first.length : mark
}

/** Splits a file at its block. Without one, it is split where the block belongs: at the beginning, where no quote is open. */
export const split = (text: string): Split | Damage => {
  // Marks are found after a byte order mark, too.
  const lead = MARK.exec(text)?.[0] ?? ""
  const lines = linesOf(text.slice(lead.length))
  const found = findBlock(lines)
  if (found === undefined) {
    const at = headLength(text)
    return { before: text.slice(0, at), after: text.slice(at) }
  }
  if ("problem" in found) return found
  const before = lead + lines.slice(0, found.from).join("")
  const inside = lines.slice(found.from, found.to + 1)
  const block = bare(inside.join(""))
  return {
    before,
    block: {
      text: block,
      options: found.options.split(" ").filter((word) => word !== ""),
      made: inside.some((line) => bare(line) === MADE)
    },
    after: text.slice(before.length + block.length)
  }
}

/** Returns the lines of `variables`. */
const linesWith = (variables: ReadonlyArray<Variable>): ReadonlySet<number> => {
  const lines = new Set<number>()
  for (const { first, last } of variables) for (let line = first; line <= last; line++) lines.add(line)
  return lines
}

/** Puts the lines that set one of `names` out of force. */
const replaceIn = (text: string, names: ReadonlySet<string>): string => {
  const variables = variablesIn(text)
  const replaced = linesWith(variables.filter(({ name }) => names.has(name)))
  const others = linesWith(variables.filter(({ name }) => !names.has(name)))
  return linesOf(text)
    .map((line, at) => {
      // A line that looks so already gets a second mark, and comes back as it was.
      const isMarked = line.startsWith(REPLACED) && !others.has(at)
      return isMarked || replaced.has(at) ? REPLACED + line : line
    })
    .join("")
}

/** Puts the user's lines into force again. */
const restoreIn = (text: string): string => {
  const others = linesWith(variablesIn(text))
  return linesOf(text)
    .map((line, at) => (line.startsWith(REPLACED) && !others.has(at) ? line.slice(REPLACED.length) : line))
    .join("")
}

/** Returns the user's own parts of a file. */
const own = ({ after, before, block }: Split): { readonly before: string; readonly after: string } =>
  block === undefined
    ? { before, after }
    : { before: restoreIn(before), after: restoreIn(after.replace(/^(\r\n|\n|\r)/, "")) }

/** Returns the variables that the user sets, those that are out of force included. */
export const ownNames = (file: Split): ReadonlySet<string> => {
  const { after, before } = own(file)
  return new Set([before, after].flatMap((text) => variablesIn(text).map(({ name }) => name)))
}

export interface Content {
  /** The lines of the variables. */
  readonly lines: ReadonlyArray<string>
  readonly options: ReadonlyArray<string>
  /** Variables that the user's lines must not set. */
  readonly replaced: ReadonlySet<string>
}

/** Returns the file with this block. `isNew` if there was none. */
export const withBlock = (file: Split, { lines, options, replaced }: Content, isNew: boolean): string => {
  const { after, before } = own(file)
  const end = breakOf(before + after)
  const made = isNew || file.block?.made === true
  const block = [`# >>> ${["d env", ...options].join(" ")} >>>`, ABOUT, ...(made ? [MADE] : []), ...lines, END]
  // The line break that a reader of lines expects is left out if the user has removed it.
  const rest = file.block === undefined || /^[\r\n]/.test(file.after) ? end : ""
  return replaceIn(before, replaced) + block.join(end) + rest + replaceIn(after, replaced)
}

/** Returns the file without its block; undefined if nothing is left of a file that was made for it. */
export const withoutBlock = (file: Split): string | undefined => {
  const { after, before } = own(file)
  const text = before + after
  return text === "" && file.block?.made === true ? undefined : text
}
