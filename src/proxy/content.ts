import { breakOf, findBlock, withBlock } from "../files/block.ts"
import { isProblem, type Problem } from "../files/problem.ts"
import { type Authorship, authorshipOf } from "./mark.ts"

/** Puts signed lines into a file: they are the whole of it, or a marked block. */

const BEGIN = "# >>> d proxy >>>"
const END = "# <<< d proxy <<<"

/** A file as it would be, and whose lines would be replaced. */
export interface Planned {
  readonly text: string
  readonly replaces: Authorship | "nothing"
}

/** Returns the lines of a text, whatever ends them. */
const linesIn = (text: string): ReadonlyArray<string> => text.replace(/\r?\n$/, "").split(/\r?\n/)

/** Returns the lines as they are printed, and as the end of a file that is shared. */
export const asPrinted = (lines: ReadonlyArray<string>, isShared: boolean): string =>
  withBlock(undefined, isShared ? [BEGIN, ...lines, END] : lines)

const plannedBlock = (before: string, lines: ReadonlyArray<string>): Planned | Problem => {
  const block = [BEGIN, ...lines, END]
  const place = findBlock(before, BEGIN, END)
  if (place === undefined) return { text: withBlock(before, block), replaces: "nothing" }
  if (isProblem(place)) return place
  const inside = linesIn(before.slice(place.from, place.to)).slice(1, -1)
  return {
    text: before.slice(0, place.from) + block.join(breakOf(before)) + before.slice(place.to),
    // Between the marks nothing is another program's.
    replaces: authorshipOf(inside) === "ours" ? "ours" : "edited"
  }
}

/** Returns a file with signed lines in it. `before` is its text; undefined if there is no such file. */
export const planned = (
  before: string | undefined,
  lines: ReadonlyArray<string>,
  isShared: boolean
): Planned | Problem => {
  if (isShared && before) return plannedBlock(before, lines)
  const text = asPrinted(lines, isShared)
  return { text, replaces: before === undefined || before.trim() === "" ? "nothing" : authorshipOf(linesIn(before)) }
}
