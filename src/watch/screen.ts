/** A screen of a terminal of which only the lines are written that have changed. */

import { widthOf } from "../text/width.ts"
import type { Size } from "./State.ts"

const ESC = "\u001b["

/** A terminal that knows this mode shows everything between the two at once. Others ignore it. */
const TOGETHER = { begin: `${ESC}?2026h`, end: `${ESC}?2026l` }

/** The alternate screen, without a cursor, and without wrapping: a line that a terminal takes for wider stays one line. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l${ESC}2J`
const LEAVE = `${ESC}?2026l${ESC}0m${ESC}?7h${ESC}?25h${ESC}?1049l`

/** Makes a screen that is written by `write`. */
export const makeScreen = (write: (text: string) => void) => {
  let shown: ReadonlyArray<string> = []
  let isEntered = false
  return {
    enter: (): void => {
      shown = []
      isEntered = true
      write(ENTER)
    },
    /** Restores what was there before. May be called at any time. */
    leave: (): void => {
      if (isEntered) write(LEAVE)
      isEntered = false
    },
    /** Draws everything with the next lines. */
    clear: (): void => {
      shown = []
      write(`${ESC}2J`)
    },
    draw: (lines: ReadonlyArray<string>, { columns }: Size): void => {
      if (!isEntered) return
      const changed = lines.flatMap((line, at) => {
        if (line === (shown[at] ?? "")) return []
        // To erase the rest of a line that is full would take its last character away.
        return `${ESC}${at + 1}H${line}${widthOf(line) < columns ? `${ESC}K` : ""}`
      })
      shown = lines
      if (changed.length > 0) write(TOGETHER.begin + changed.join("") + TOGETHER.end)
    }
  }
}

export type Screen = ReturnType<typeof makeScreen>
