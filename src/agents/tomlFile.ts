import { isDeepStrictEqual } from "node:util"
import { parse, TomlError } from "smol-toml"
import { findBlock, withBlock, withoutBlock } from "../files/block.ts"
import { isProblem, type Problem } from "../files/problem.ts"
import type { McpFile } from "./McpFile.ts"
import type { Program } from "./program.ts"

/**
 * Adds a table to a TOML file as marked lines at its end, and removes it. Other programs may remove the marks when they rewrite
 * the file; the table is then found by its header. Each edit is checked: the result must mean what the file meant before, but
 * for the table.
 */

const BEGIN = "# BEGIN automatelinux-ports: written by d agents install"
const END = "# END automatelinux-ports"

/** A basic string of JSON is one of TOML, too, but for this character. */
const text = (value: string): string => JSON.stringify(value).replaceAll("\x7f", "\\u007f")

const list = (words: ReadonlyArray<string>): string => `[${words.map(text).join(", ")}]`

type Table = Readonly<Record<string, unknown>>

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)

const parsed = (content: string): { readonly document: Table } | Problem => {
  try {
    return { document: parse(content.replace(/^\ufeff/, ""), { integersAsBigInt: "asNeeded" }) }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [, reason = ""] = /^Invalid TOML document: (.*)/.exec(error.message) ?? []
    return {
      problem: `is not TOML, at line ${error.line}, column ${error.column}${reason === "" ? "" : `: ${reason}`}`,
      hint: "correct it, and run this again"
    }
  }
}

/** Returns a value in a form that can be compared: tables have no prototype, and dates are of a class of their own. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Date) return { date: value.toISOString() }
  return isTable(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)])) : value
}

/** Returns `document` with another value for the entry; without it if that is undefined. */
const withEntry = (document: Table, container: string, name: string, entry: unknown): Table => {
  const { [container]: entries, ...rest } = document
  const { [name]: _, ...others } = isTable(entries) ? entries : {}
  const changed = entry === undefined ? others : { ...others, [name]: entry }
  return Object.keys(changed).length === 0 ? rest : { ...rest, [container]: changed }
}

/** Returns the entry of a document. */
const entryIn = (document: Table, container: string, name: string): unknown => {
  const entries = document[container]
  return isTable(entries) && Object.hasOwn(entries, name) ? entries[name] : undefined
}

/**
 * Returns the parts of a text around the table of the entry and those in it, for each line that may be its header: one may be in
 * a string.
 */
const sectionsIn = (content: string, container: string, name: string) => {
  const lines = content.split(/(?<=\n)/)
  const header = new RegExp(`^\\s*\\[\\s*["']?${container}["']?\\s*\\.\\s*["']?${name}["']?\\s*[.\\]]`)
  return lines.flatMap((first, from) => {
    if (!header.test(first)) return []
    const length = lines.slice(from + 1).findIndex((line) => /^\s*\[/.test(line) && !header.test(line))
    let to = length === -1 ? lines.length : from + 1 + length
    // Comments before the next table belong to that.
    while (length !== -1 && to > from + 1 && /^\s*(#|$)/.test(lines[to - 1] ?? "")) to--
    return [{ before: lines.slice(0, from).join(""), lines: lines.slice(from, to), after: lines.slice(to).join("") }]
  })
}

/** Removes marks that have lost their counterpart. */
const withoutMarks = (content: string): string =>
  content
    .split(/(?<=\n)/)
    .filter((line) => ![BEGIN, END].includes(line.trim()))
    .join("")

/** Returns how an agent's TOML file has its entries: as the tables of `container`. */
export const tomlFile = (container: string, name: string): McpFile => {
  const assignments = ({ args, command }: Program) => [`command = ${text(command)}`, `args = ${list(args)}`]
  const blockOf = (program: Program) => [BEGIN, `[${container}.${name}]`, ...assignments(program), END]
  /** Returns the first of `results` that means what `before` does with another entry. */
  const checked = (before: string, entry: unknown, results: ReadonlyArray<string | undefined>) => {
    const former = parsed(before)
    if (isProblem(former)) return former
    const expected = plain(withEntry(former.document, container, name, entry))
    for (const result of results) {
      const now = parsed(result ?? "")
      if (isProblem(now)) continue
      const { document } = now
      // A container without entries means nothing.
      const meant = plain(withEntry(document, container, name, entryIn(document, container, name)))
      if (isDeepStrictEqual(meant, expected)) return { result }
    }
    return {
      problem: `writes [${container}.${name}] in a way that is not changed by itself`,
      hint: `edit it by hand, in the table ${container}`
    }
  }
  const resultOf = (found: ReturnType<typeof checked>) => (isProblem(found) ? found : found.result)
  return {
    read: (content) => {
      const found = parsed(content)
      return isProblem(found) ? found : { entry: entryIn(found.document, container, name) }
    },
    add: (content, program) => {
      const found = findBlock(content ?? "", BEGIN, END)
      if (isProblem(found)) return found
      return resultOf(checked(content ?? "", { ...program }, [withBlock(content, blockOf(program))]))
    },
    change: (content, program) => {
      const found = parsed(content)
      if (isProblem(found)) return found
      const entry = entryIn(found.document, container, name)
      const [command = "", args = ""] = assignments(program)
      const results = sectionsIn(content, container, name).map(({ after, before, lines }) => {
        const changed = lines.map((line) =>
          line
            .replace(/^(\s*)command\s*=.*?(\r?\n|$)/, (_, space, end) => space + command + end)
            .replace(/^(\s*)args\s*=.*?(\r?\n|$)/, (_, space, end) => space + args + end)
        )
        return before + changed.join("") + after
      })
      return resultOf(checked(content, { ...(isTable(entry) ? entry : {}), ...program }, results))
    },
    remove: (content) => {
      const block = findBlock(content, BEGIN, END)
      const unmarked = sectionsIn(content, container, name).map(
        ({ after, before }) => withoutMarks(before).replace(/(\r?\n)\r?\n$/, "$1") + withoutMarks(after)
      )
      const marked = block === undefined || isProblem(block) ? [] : [withoutBlock(content, block)]
      return resultOf(checked(content, undefined, [...marked, ...unmarked]))
    },
    lines: blockOf
  }
}
