import stringWidth from "fast-string-width"
import { wrapAnsi } from "fast-wrap-ansi"

/** Returns the columns that `text` takes on a terminal: none for a combining character, two for a wide one. */
export const widthOf = (text: string): number => stringWidth(text)

/** Cuts `text` to `width` columns, with `…` at the end if it was wider. */
export const cutTo = (text: string, width: number): string => {
  if (widthOf(text) <= width) return text
  const [start = ""] = width > 1 ? wrapAnsi(text, width - 1, { hard: true, wordWrap: false }).split("\n") : []
  return `${start.trimEnd()}…`
}
