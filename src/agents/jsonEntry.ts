import {
  createScanner,
  findNodeAtLocation,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode
} from "jsonc-parser"
import { breakOf, lineAt } from "../files/block.ts"
import type { Problem } from "../files/problem.ts"

/**
 * Adds a property to an object of a JSON file, and removes it, so that all other bytes stay. `modify` of jsonc-parser moves the
 * comment after the last property to a new one, and drops comments with a property. So only its parser is used, and a property is
 * added as the first one of its object, where it can be removed without a trace. An object that is made for a property is `{ … }`
 * on one line, with one space on either side; a property that is added to another object never looks like that.
 */

/** An object of a file, and one of its properties. */
export interface Found {
  readonly object: Node
  /** The whole property: its name and its value. */
  readonly property: Node | undefined
}

const PARSING = { allowTrailingComma: true }

const position = (text: string, at: number): string =>
  `line ${lineAt(text, at)}, column ${at - (text.lastIndexOf("\n", at - 1) + 1) + 1}`

/** Words the codes of jsonc-parser: `CommaExpected` is "comma expected". */
const wording = (code: ParseError["error"]): string =>
  printParseErrorCode(code)
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()

/** Returns the object that a text is. */
export const parseObject = (text: string): Node | Problem => {
  const errors: Array<ParseError> = []
  const root = parseTree(text, errors, PARSING)
  const [error] = errors
  if (error !== undefined)
    return {
      problem: `is not JSON, at ${position(text, error.offset)}: ${wording(error.error)}`,
      hint: "correct it, and run this again"
    }
  if (root?.type !== "object") return { problem: "is not a JSON object", hint: "correct it, and run this again" }
  return root
}

/** Returns the property `name` of an object, or the problem if it has two. */
export const propertyOf = (text: string, object: Node, name: string): Node | Problem | undefined => {
  const [property, second] = (object.children ?? []).filter(({ children }) => children?.[0]?.value === name)
  return second === undefined
    ? property
    : {
        problem: `has a second "${name}" in line ${lineAt(text, second.offset)}`,
        hint: "remove one of them, and run this again"
      }
}

export const isNode = (value: Node | Problem | undefined): value is Node => value !== undefined && "offset" in value

export const valueIn = (property: Node): Node | undefined => property.children?.[1]

export const endOf = ({ length, offset }: Node): number => offset + length

/** Space and comments up to the end of a line. */
const REST_OF_LINE = /(?:[ \t]|\/\*(?:(?!\*\/)[^\r\n])*\*\/)*(?:\/\/[^\r\n]*)?(?=\r?\n)/y

/** Returns the end of the line that `at` is in, if no token comes before it. */
const endOfLine = (text: string, at: number): number | undefined => {
  REST_OF_LINE.lastIndex = at
  return REST_OF_LINE.test(text) ? REST_OF_LINE.lastIndex : undefined
}

/** Returns the space that the line of `at` begins with. */
const indentAt = (text: string, at: number): string =>
  /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", at - 1) + 1))?.[0] ?? ""

const spaceBefore = (text: string, at: number): boolean => /\s/.test(text[at - 1] ?? "")

/** Returns the text with `property` as the first one of `object`. */
export const withProperty = (text: string, object: Node, property: string): string => {
  const insert = (at: number, added: string) => text.slice(0, at) + added + text.slice(at)
  const [first] = object.children ?? []
  const line = endOfLine(text, object.offset + 1)
  if (line !== undefined) {
    const outer = indentAt(text, object.offset)
    const indent = first === undefined ? `${outer}${outer.includes("\t") ? "\t" : "  "}` : indentAt(text, first.offset)
    return insert(line, `${breakOf(text)}${indent}${property}${first === undefined ? "" : ","}`)
  }
  if (first === undefined) return insert(object.offset + 1, property)
  return insert(first.offset, `${property},${spaceBefore(text, first.offset) ? " " : ""}`)
}

/** Returns where the first comma from `from` to `to` is that is not in a comment. */
const commaIn = (text: string, from: number, to: number): number | undefined => {
  const scanner = createScanner(text, true)
  scanner.setPosition(from)
  scanner.scan()
  const at = scanner.getTokenOffset()
  return at < to && text[at] === "," ? at : undefined
}

const cut = (text: string, from: number, to: number): string => text.slice(0, from) + text.slice(to)

/** Returns the text without `property` of `object`, which may have been moved since. */
export const withoutProperty = (text: string, object: Node, property: Node): string => {
  const children = object.children ?? []
  const at = children.indexOf(property)
  const end = endOf(property)
  const comma = commaIn(text, end, children[at + 1]?.offset ?? endOf(object))
  // The comma of the property is right behind it, unless somebody has written a comment in between.
  const after = comma === end ? end + 1 : end
  const rest = comma === undefined || comma === end ? text : cut(text, comma, comma + 1)
  const line = /\r?\n[ \t]*$/.exec(text.slice(0, property.offset))
  const ownLine = line !== null && /^[ \t]*\r?\n/.test(rest.slice(after))
  const space = !ownLine && comma === end && spaceBefore(text, property.offset) && text[after] === " " ? 1 : 0
  const without = cut(rest, ownLine ? line.index : property.offset, after + space)
  // If it was the last one without a comma of its own, the one before it must not have one either.
  const previous = comma === undefined ? children[at - 1] : undefined
  const former = previous === undefined ? undefined : commaIn(text, endOf(previous), property.offset)
  return former === undefined ? without : cut(without, former, former + 1)
}

/** Whether `object` was made for `property`, its only one. */
export const isMadeFor = (text: string, object: Node, property: Node): boolean =>
  object.children?.length === 1 &&
  text.slice(object.offset, property.offset) === "{ " &&
  text.slice(endOf(property), endOf(object)) === " }"

/** Returns the text of a property whose value is an object that is made for another property, or a value. */
export const made = (name: string, inside: string): string => `${JSON.stringify(name)}: { ${inside} }`

/** Returns the text with other values at these paths of `object`. */
export const withValues = (
  text: string,
  object: Node,
  values: ReadonlyArray<readonly [name: string, value: string]>
): string => {
  const places = values.flatMap(([name, value]) => {
    const node = findNodeAtLocation(object, [name])
    return node === undefined ? [] : [{ node, value }]
  })
  return places
    .sort((one, other) => other.node.offset - one.node.offset)
    .reduce((changed, { node, value }) => changed.slice(0, node.offset) + value + changed.slice(endOf(node)), text)
}
