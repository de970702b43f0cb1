import { findNodeAtLocation, parseTree } from "jsonc-parser"
import type { Incoming, IncomingRegistry } from "../domain/Exchange.ts"
import { isObject } from "../machine/json.ts"
import type { Fields, Place } from "./document.ts"

export { type Fields, isObject }

/** A file that is imported. */
export interface Source {
  /** The name of the file; `standard input` for that. */
  readonly name: string
  /** The directory that it is in; null for standard input. */
  readonly directory: string | null
  readonly text: string
}

/** What a reader makes of a file. */
export interface Content extends Partial<Omit<IncomingRegistry, "assignments">> {
  readonly assignments: ReadonlyArray<Incoming>
  /** What the reader left out, or is not sure of. */
  readonly doubts?: ReadonlyArray<string>
}

/** A file is not what its reader takes it for. */
export class Unreadable extends Error {
  readonly problem: string

  constructor(problem: string) {
    super(problem)
    this.problem = problem
  }
}

/** A line of a file without blanks around it. */
export interface Line {
  readonly content: string
  /** Counted from 1. */
  readonly line: number
}

/** Returns the lines of a file but for blank ones and comments. */
export const contentLines = ({ text }: Source): ReadonlyArray<Line> =>
  text
    .split(/\r\n?|\n/)
    .map((content, at) => ({ content: content.trim(), line: at + 1 }))
    .filter(({ content }) => content !== "" && !content.startsWith("#"))

/** Returns a function that finds the line of a position in `text`, both counted from the first: 1 and 0. */
export const makeLines = (text: string) => {
  const starts = [0]
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1)
  return (offset: number): number => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}

/** Parses JSON; undefined if the text is none. */
export const parseJson = ({ text }: Source): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Returns a function that finds the line of a place in a JSON document. */
export const linesOfJson = ({ text }: Source) => {
  const tree = parseTree(text)
  const lineAt = makeLines(text)
  return (place: Place): number | undefined => {
    const node = tree && findNodeAtLocation(tree, [...place])
    return node && lineAt(node.offset)
  }
}

/** Takes a value for a port as it was written; what cannot be one is refused with its row. */
export const portOf = (value: unknown): string | number | null =>
  typeof value === "number" || typeof value === "string" ? value : null

/** Returns the text of a field, if it is text. */
export const textIn = (fields: Fields, name: string): string | undefined => {
  const value = fields[name]
  return typeof value === "string" ? value : undefined
}
