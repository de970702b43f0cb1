import type { Node } from "jsonc-parser"
import { lineAt } from "../files/block.ts"
import { isProblem, type Problem } from "../files/problem.ts"
import {
  isMadeFor,
  isNode,
  made,
  parseObject,
  propertyOf,
  valueIn,
  withoutProperty,
  withProperty,
  withValues
} from "./jsonEntry.ts"
import type { McpFile } from "./McpFile.ts"
import type { Program } from "./program.ts"

/** The place of an entry in a JSON file. */
interface Place {
  readonly root: Node
  readonly container: Node | undefined
  readonly containerValue: Node | undefined
  readonly entry: Node | undefined
}

/** JSON.parse takes none, but editors write it. */
const MARK = "\ufeff"

const list = (words: ReadonlyArray<string>): string => `[${words.map((word) => JSON.stringify(word)).join(", ")}]`

const find = (text: string, containerName: string, name: string): Place | Problem => {
  const root = parseObject(text)
  if (!isNode(root)) return root
  const container = propertyOf(text, root, containerName)
  if (container === undefined) return { root, container, containerValue: undefined, entry: undefined }
  if (!isNode(container)) return container
  const containerValue = valueIn(container)
  if (containerValue?.type !== "object")
    return {
      problem: `has a "${containerName}" in line ${lineAt(text, container.offset)} that is not an object`,
      hint: "correct it, and run this again"
    }
  const entry = propertyOf(text, containerValue, name)
  return isProblem(entry) ? entry : { root, container, containerValue, entry }
}

const isBlank = (text: string): boolean => text.trim() === ""

const add = (text: string, { containerValue, root }: Place, container: string, entry: string): string =>
  containerValue === undefined
    ? withProperty(text, root, made(container, entry))
    : withProperty(text, containerValue, entry)

const remove = (text: string, { container, containerValue, entry, root }: Place): string | undefined => {
  if (container === undefined || containerValue === undefined || entry === undefined) return text
  if (!isMadeFor(text, containerValue, entry)) return withoutProperty(text, containerValue, entry)
  if (!isMadeFor(text, root, container)) return withoutProperty(text, root, container)
  const rest = text.slice(0, root.offset) + text.slice(root.offset + root.length)
  return root.offset === 0 && rest === "\n" ? undefined : rest
}

const plainValue = (node: Node): unknown => {
  if (node.type === "array") return (node.children ?? []).map(plainValue)
  if (node.type === "object")
    return Object.fromEntries(
      (node.children ?? []).map((each) => {
        const value = valueIn(each)
        return [String(each.children?.[0]?.value), value === undefined ? undefined : plainValue(value)]
      })
    )
  return node.value
}

/** Returns how an agent's JSON file has its entries: in the object `container`, with `type` if the agent wants one. */
export const jsonFile = (container: string, name: string, type: string | undefined): McpFile => {
  const entryOf = ({ args, command }: Program): string =>
    `${JSON.stringify(name)}: { ${type === undefined ? "" : `"type": ${JSON.stringify(type)}, `}"command": ${JSON.stringify(command)}, "args": ${list(args)} }`
  /** Edits the text behind a byte order mark. */
  const behindMark = (text: string, edit: (bare: string) => string | Problem | undefined) => {
    const mark = text.startsWith(MARK) ? MARK : ""
    const edited = edit(text.slice(mark.length))
    return typeof edited === "string" ? mark + edited : edited
  }
  return {
    read: (text) => {
      const bare = text.replace(MARK, "")
      if (isBlank(bare)) return { entry: undefined }
      const place = find(bare, container, name)
      if (isProblem(place)) return place
      const value = place.entry && valueIn(place.entry)
      return { entry: value && plainValue(value) }
    },
    add: (text, program) => {
      const entry = entryOf(program)
      const whole = `{ ${made(container, entry)} }`
      if (text === undefined) return `${whole}\n`
      return behindMark(text, (bare) => {
        if (isBlank(bare)) return bare + whole
        const place = find(bare, container, name)
        return isProblem(place) ? place : add(bare, place, container, entry)
      })
    },
    change: (text, { args, command }) =>
      behindMark(text, (bare) => {
        const place = find(bare, container, name)
        if (isProblem(place)) return place
        const value = place.entry && valueIn(place.entry)
        if (value === undefined) return bare
        return withValues(bare, value, [
          ["command", JSON.stringify(command)],
          ["args", list(args)]
        ])
      }),
    remove: (text) =>
      behindMark(text, (bare) => {
        const place = find(bare, container, name)
        return isProblem(place) ? place : remove(bare, place)
      }),
    lines: (program) => [entryOf(program)]
  }
}
