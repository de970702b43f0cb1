/** The lines around a change that are shown with it, as `diff -u` does. */
const CONTEXT = 3

/** The largest table of common lines. Beyond it, everything between the first and the last change counts as changed. */
const CELLS_MAX = 25_000_000

/** A line of both texts, or of one of them: its mark, the line, and the number of lines of each text before it. */
interface Edit {
  readonly mark: " " | "-" | "+"
  readonly line: string
  readonly before: number
  readonly after: number
}

/** Splits a text into lines with their line breaks. */
const linesOf = (text: string): ReadonlyArray<string> => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

/** Returns for each pair of positions how many lines in order the rests have in common, as one row after the other. */
const commonLines = (old: ReadonlyArray<string>, now: ReadonlyArray<string>): Uint16Array => {
  const width = now.length + 1
  const common = new Uint16Array((old.length + 1) * width)
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      common[i * width + j] =
        old[i] === now[j]
          ? (common[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0)
  return common
}

/** Returns the marks of the lines that lead from `old` to `now`, as few changes as possible. */
const marksOf = (old: ReadonlyArray<string>, now: ReadonlyArray<string>): ReadonlyArray<Edit["mark"]> => {
  if (old.length * now.length > CELLS_MAX) return [...old.map(() => "-" as const), ...now.map(() => "+" as const)]
  const common = commonLines(old, now)
  const width = now.length + 1
  const marks: Array<Edit["mark"]> = []
  let i = 0
  let j = 0
  while (i < old.length || j < now.length) {
    const isSame = i < old.length && j < now.length && old[i] === now[j]
    const isRemoved =
      j === now.length || (i < old.length && (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0))
    const mark = isSame ? " " : isRemoved ? "-" : "+"
    marks.push(mark)
    if (mark !== "+") i++
    if (mark !== "-") j++
  }
  return marks
}

const countSame = (old: ReadonlyArray<string>, now: ReadonlyArray<string>, max: number, fromEnd: boolean): number => {
  const at = (lines: ReadonlyArray<string>, count: number) => lines[fromEnd ? lines.length - 1 - count : count]
  let count = 0
  while (count < max && at(old, count) === at(now, count)) count++
  return count
}

const editsOf = (old: ReadonlyArray<string>, now: ReadonlyArray<string>): ReadonlyArray<Edit> => {
  const shorter = Math.min(old.length, now.length)
  const first = countSame(old, now, shorter, false)
  const last = countSame(old, now, shorter - first, true)
  const same = (count: number) => Array.from({ length: count }, () => " " as const)
  const marks = [
    ...same(first),
    ...marksOf(old.slice(first, old.length - last), now.slice(first, now.length - last)),
    ...same(last)
  ]
  let before = 0
  let after = 0
  return marks.map((mark) => {
    const edit = { mark, line: (mark === "+" ? now[after] : old[before]) ?? "", before, after }
    if (mark !== "+") before++
    if (mark !== "-") after++
    return edit
  })
}

/** Returns the numbers of the first and last edit of each hunk: changes that are close to each other share one. */
const hunksIn = (edits: ReadonlyArray<Edit>): ReadonlyArray<readonly [from: number, to: number]> => {
  const hunks: Array<readonly [number, number]> = []
  for (const [at, { mark }] of edits.entries()) {
    if (mark === " ") continue
    const [from, to] = hunks.at(-1) ?? [0, -1]
    const begin = Math.max(0, at - CONTEXT)
    const end = Math.min(edits.length - 1, at + CONTEXT)
    if (hunks.length > 0 && begin <= to + 1) hunks[hunks.length - 1] = [from, end]
    else hunks.push([begin, end])
  }
  return hunks
}

/** Formats the place of a hunk in one of the texts. The line before an empty one is named. */
const placeOf = (before: number, count: number): string => `${count === 0 ? before : before + 1},${count}`

const hunkText = (edits: ReadonlyArray<Edit>): string => {
  const [first] = edits
  const old = placeOf(first?.before ?? 0, edits.filter(({ mark }) => mark !== "+").length)
  const now = placeOf(first?.after ?? 0, edits.filter(({ mark }) => mark !== "-").length)
  const lines = edits.map(({ line, mark }) =>
    line.endsWith("\n") ? mark + line : `${mark}${line}\n\\ No newline at end of file\n`
  )
  return `@@ -${old} +${now} @@\n${lines.join("")}`
}

/**
 * Returns a unified diff, which `patch` takes; "" if the texts are the same. `old` is undefined if there is no such file yet.
 */
export const unifiedDiff = (name: string, old: string | undefined, now: string): string => {
  const edits = editsOf(linesOf(old ?? ""), linesOf(now))
  const hunks = hunksIn(edits).map(([from, to]) => hunkText(edits.slice(from, to + 1)))
  return hunks.length === 0 ? "" : `--- ${old === undefined ? "/dev/null" : name}\n+++ ${name}\n${hunks.join("")}`
}
