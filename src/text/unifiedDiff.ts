import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff"

/** The most changed lines that are looked for: the time grows with their square. Beyond them, all lines count as changed. */
const CHANGED_MAX = 1000

const linesOf = (text: string): ReadonlyArray<string> => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

const marked = (mark: "-" | "+", lines: ReadonlyArray<string>): string =>
  lines.map((line) => mark + (line.endsWith("\n") ? line : `${line}\n\\ No newline at end of file\n`)).join("")

/** Returns the hunk that removes all of `old` and adds all of `now`. */
const wholeHunk = (old: ReadonlyArray<string>, now: ReadonlyArray<string>): string => {
  const place = ({ length }: ReadonlyArray<string>) => `${Math.min(1, length)},${length}`
  return `@@ -${place(old)} +${place(now)} @@\n${marked("-", old)}${marked("+", now)}`
}

/**
 * Returns a unified diff, which `patch` takes; "" if the texts are the same. `old` is undefined if there is no such file yet.
 */
export const unifiedDiff = (name: string, old: string | undefined, now: string): string => {
  const [before, text] = old === undefined ? ["/dev/null", ""] : [name, old]
  if (text === now) return ""
  return (
    createTwoFilesPatch(before, name, text, now, undefined, undefined, {
      context: 3,
      headerOptions: FILE_HEADERS_ONLY,
      maxEditLength: CHANGED_MAX
    }) ?? `--- ${before}\n+++ ${name}\n${wholeHunk(linesOf(text), linesOf(now))}`
  )
}
