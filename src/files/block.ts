import type { Problem } from "./problem.ts"

/** Puts marked lines at the end of a text, and takes them out: what was there before is left to the byte. */

/** The lines of a block, between the marks that it begins and ends with. */
export type Block = ReadonlyArray<string>

interface Place {
  /** The first character of the block, and the one after its last line, without the line break. */
  readonly from: number
  readonly to: number
}

/** Returns the line break of `text`. */
export const breakOf = (text: string): string => /\r?\n/.exec(text)?.[0] ?? "\n"

/** Returns the number of the line that `at` is in. */
export const lineAt = (text: string, at: number): number => text.slice(0, at).split("\n").length

/** Returns where the lines are that consist of `mark`. */
const linesOf = (text: string, mark: string): ReadonlyArray<Place> => {
  const places: Array<Place> = []
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) {
    const to = at + mark.length
    if (/(^|\n)[ \t]*$/.test(text.slice(0, at)) && /^[ \t]*(\r?\n|$)/.test(text.slice(to)))
      places.push({ from: at, to })
  }
  return places
}

/** Finds the block that begins and ends with these marks. */
export const findBlock = (text: string, begin: string, end: string): Place | Problem | undefined => {
  const [first, second] = linesOf(text, begin)
  const [last, another] = linesOf(text, end)
  const damaged = (place: Place, what: string): Problem => ({
    problem: `has a damaged mark in line ${lineAt(text, place.from)}: ${what}`,
    hint: `remove the lines between ${begin} and ${end}, and these two, by hand`
  })
  if (second !== undefined) return damaged(second, "a second block begins there")
  if (another !== undefined) return damaged(another, "a second block ends there")
  if (first === undefined) return last === undefined ? undefined : damaged(last, "a block ends that does not begin")
  if (last === undefined || last.from < first.from) return damaged(first, "a block begins that does not end")
  return { from: first.from, to: last.to }
}

/**
 * Returns the text with a block at its end. The block ends with a line break if the text did, and one that is the whole of a new
 * file always does: so `withoutBlock` knows what was there before.
 */
export const withBlock = (text: string | undefined, block: Block): string => {
  if (text === undefined) return `${block.join("\n")}\n`
  const end = breakOf(text)
  const lines = block.join(end)
  if (text === "") return lines
  return text.endsWith("\n") ? text + end + lines + end : text + end + end + lines
}

/** Returns the text without the block at `place`; undefined if the file was made for it. */
export const withoutBlock = (text: string, { from, to }: Place): string | undefined => {
  const end = breakOf(text)
  const [before, after] = [text.slice(0, from), text.slice(to)]
  if (before === "") return after === end ? undefined : after.replace(/^\r?\n/, "")
  // The blank line before it, and the end of the last line if it had none.
  const blank = after === "" ? end + end : before.endsWith(`\n${end}`) ? end : ""
  return (before.endsWith(blank) ? before.slice(0, before.length - blank.length) : before) + after.replace(/^\r?\n/, "")
}
