/** The text of a hook with the lines of `d` in it. Texts are read as Latin-1, so that no byte of others is changed. */

const BEGIN = "# >>> automatelinux-ports >>>"
const END = "# <<< automatelinux-ports <<<"

/** Says in the lines themselves that the file would not be there without them. */
const MADE = "# The file was made for them."

const SHEBANG = "#!/bin/sh\n"

/** Is in the text of our program, and of a script that starts it. */
export const OWN_TEXT = /automatelinux[-/]/

/**
 * The lines. They run for a new worktree only, for which git says that there was no commit before, and always succeed. They
 * find the program on PATH, because a path that is written here would break with the next version of Node; another program
 * called d is known by its text. Standard error may say something that nobody who makes a worktree needs to know.
 */
const linesOf = (made: boolean): string => `${BEGIN}
# Gives a new worktree ports of its own. "d worktree install" wrote these lines, and "d worktree uninstall" removes them.
${made ? `${MADE}\n` : ""}case "\${1-}" in
'' | *[!0]*) ;;
*)
  [ ! -f .git ] || (
    program=$(command -v automatelinux-ports) ||
      { program=$(command -v d) && grep -q '${OWN_TEXT.source}' "$program"; } || exit 0
    "$program" worktree setup
  ) </dev/null 2>/dev/null || :
  ;;
esac
${END}
`

/** What is wrong with a hook: the lines cannot be put into it, or taken out of it. */
export interface HookProblem {
  readonly problem: string
  readonly hint: string
}

const damaged = (problem: string): HookProblem => ({ problem, hint: "delete these lines, then d worktree install" })

const SHELLS = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"]

/** Returns the name of the program that runs a hook: that of its first line, or sh, which git runs if there is none. */
const interpreterOf = (text: string): string => {
  if (!text.startsWith("#!")) return text.includes("\0") ? "" : "sh"
  const words = text.slice(2).split("\n", 1).join("").trim().split(/\s+/)
  const names = words.map((word) => word.replace(/^.*\//, ""))
  const [first = "", ...rest] = names
  return first === "env" ? (rest.find((word) => !word.startsWith("-") && !word.includes("=")) ?? first) : first
}

/** Where the lines are in a text, from the first character to the one after them. */
interface Place {
  readonly from: number
  readonly to: number
}

const isMark = (line: string, mark: string): boolean => line.trimEnd() === mark

/** Finds the lines; undefined if there are none. */
const findLines = (text: string): Place | HookProblem | undefined => {
  let at = 0
  const found: Array<Place & { readonly mark: string; readonly row: number }> = []
  for (const [index, line] of text.split("\n").entries()) {
    const mark = [BEGIN, END].find((each) => isMark(line, each))
    const to = Math.min(at + line.length + 1, text.length)
    if (mark !== undefined) found.push({ mark, row: index + 1, from: at, to })
    at = to
  }
  const [begin, end, extra] = found
  if (begin === undefined) return undefined
  if (begin.mark !== BEGIN) return damaged(`line ${begin.row} ends lines of d that do not begin`)
  if (end?.mark !== END) return damaged(`the lines of d that begin at line ${begin.row} do not end`)
  return extra === undefined
    ? { from: begin.from, to: end.to }
    : damaged(`line ${extra.row} is a mark of d for the second time`)
}

/** Returns the text with the lines, after its first line if that names a shell. `undefined` if there is no file yet. */
export const withLines = (text: string | undefined): string | HookProblem => {
  if (text === undefined) return SHEBANG + linesOf(true)
  const place = findLines(text)
  if (place !== undefined && "problem" in place) return place
  if (place !== undefined) {
    const made = text.slice(place.from, place.to).includes(MADE)
    const isLast = place.to === text.length && !text.endsWith("\n")
    const lines = linesOf(made)
    return text.slice(0, place.from) + (isLast ? lines.trimEnd() : lines) + text.slice(place.to)
  }
  const interpreter = interpreterOf(text)
  if (!SHELLS.includes(interpreter))
    return {
      problem: interpreter === "" ? "it is no script" : `it is no shell script, but one of ${interpreter}`,
      hint: "let it run d worktree setup if its first argument is all zeros"
    }
  const head = /^#![^\n]*(\n|$)/.exec(text)?.[0] ?? ""
  // A first line without an end gets one, and the lines go without, so that what was there before can be told.
  if (head !== "" && !head.endsWith("\n")) return `${head}\n${linesOf(false).trimEnd()}`
  return head + linesOf(false) + text.slice(head.length)
}

/** Returns the text without the lines, as it was before; undefined if there was no file, so that it is to be removed. */
export const withoutLines = (text: string): string | undefined | HookProblem => {
  const place = findLines(text)
  if (place === undefined) return text
  if ("problem" in place) return place
  const before = text.slice(0, place.from)
  const isLast = place.to === text.length && !text.endsWith("\n")
  const rest = (isLast ? before.replace(/\n$/, "") : before) + text.slice(place.to)
  return rest === SHEBANG && text.slice(place.from, place.to).includes(MADE) ? undefined : rest
}

/** Whether the first line of a script ends as on Windows: on other systems it then names a program that is not there. */
export const hasCrlfShebang = (text: string): boolean => /^#![^\n]*\r\n/.test(text)
