import type { Shell } from "../commands/shell.ts"
import { shellWord } from "../text/shell.ts"
import type { Completion } from "./complete.ts"
import { type Known, liveCandidates } from "./known.ts"

/** The first word of an answer: what begins otherwise is none. */
export const MARK = "d-complete"

/**
 * Writes a completion as the functions of a shell read it: a line that says what belongs here, and one for each word. To
 * bash, which shows nothing beside them, those that fit; to zsh and fish, which choose themselves, all of them after a tab
 * with what is shown: to zsh the whole line, to fish what it puts beside the word.
 */
export const completionText = (
  shell: Shell,
  { belongs, candidates, inline, live, typed }: Completion,
  known: Known
): string => {
  const all = [...candidates, ...live.flatMap((option) => liveCandidates(option, known))]
  const at = belongs._tag === "command" ? ` ${belongs.count}` : inline === "" ? "" : " inline"
  const width = Math.max(0, ...all.map(({ value }) => value.length))
  const lines = all.flatMap(({ about, value }) => {
    // bash inserts a word as it is, and another program may have written one that a shell acts on.
    if (shell === "bash") return value.startsWith(typed) && shellWord(value) === value ? [value] : []
    if (shell === "fish") return [`${inline}${value}\t${about}`]
    return [`${value}\t${about === "" ? value : `${value.padEnd(width)}  -- ${about}`}`]
  })
  return [`${MARK} ${belongs._tag}${at}`, ...lines].join("\n")
}
