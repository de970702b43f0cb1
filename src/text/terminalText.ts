import { wrapAnsi } from "fast-wrap-ansi"
import { splitAtCommands } from "./commandsIn.ts"
import { joined, type Printed } from "./printed.ts"
import { widthOf } from "./width.ts"

/** Text for a terminal: wrapped between words, with times as a clock on the wall shows them. */

/** Stands for a column of a command while a line is wrapped: a character that no text contains, because it is no character. */
const MARK = "\uffff"

/** By how much the further lines of a sentence are indented. */
const HANG = 2
/** In a terminal that is narrower than that, lines may be longer. */
const ROOM_MIN = 8

/**
 * Wraps a line, which may have colours, to `width` columns. `label` is the width of the label that it begins with, under
 * which nothing stands. A command is never broken. If it is longer than a line, it has one of its own, for the terminal to
 * wrap, so that it can be copied.
 */
const wrapLine = (line: string, width: number, label: number): string => {
  if (widthOf(line) <= width || line.includes(MARK)) return line
  const start = label > 0 ? label : line.length - line.trimStart().length
  const hang = label > 0 ? label : start + HANG
  const room = Math.max(ROOM_MIN, width - hang)
  const parts = splitAtCommands(line.slice(start))
  const commands = parts.filter((_, at) => at % 2 === 1)
  const marked = parts.map((part, at) => {
    if (at % 2 === 0) return part
    return widthOf(part) <= room ? MARK.repeat(widthOf(part)) : `\n${MARK}\n`
  })
  const lines = wrapAnsi(marked.join(""), room, { hard: true })
    .split("\n")
    .filter((each) => each !== "")
    .map((each) => each.replaceAll(new RegExp(`${MARK}+`, "g"), () => commands.shift() ?? ""))
  return line.slice(0, start) + lines.join(`\n${" ".repeat(hang)}`)
}

/**
 * Wraps the lines of `text` to `width` columns; leaves them as they are if it is undefined. `label` is the width of the
 * labels that all lines begin with, if they have one.
 */
export const wrapped = (text: Printed, width: number | undefined, label = 0): Printed =>
  width === undefined ? text : joined(text.split("\n").map((line) => wrapLine(line, width, label) as Printed))

const UNITS: ReadonlyArray<readonly [seconds: number, unit: string]> = [
  [86_400, "day"],
  [3600, "h"],
  [60, "min"],
  [1, "s"]
]

/** Formats a time span in its largest whole unit, briefly. */
export const span = (seconds: number): string => {
  const [size, unit] = UNITS.find(([each]) => seconds >= each) ?? [1, "s"]
  const count = Math.floor(seconds / size)
  return `${count} ${unit === "day" && count !== 1 ? "days" : unit}`
}

const two = (value: number): string => String(value).padStart(2, "0")

/** Formats a time as the clocks of this place show it, with the date if it is another day's than `now`. */
export const localTime = (time: Date, now: Date): string => {
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}`
  return time.toDateString() === now.toDateString()
    ? clock
    : `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`
}

/** A time as d writes it, as a word of its own. */
const TIMES = /(?<![^\s(])\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z(?![^\s,;.)])/g

/** Replaces the times in `text` by local ones, with how long ago that was: `14:03 (2 min ago)`. */
export const localTimes = (text: string, now = new Date()): string =>
  text.replaceAll(TIMES, (written) => {
    const time = new Date(written)
    const seconds = (now.getTime() - time.getTime()) / 1000
    return `${localTime(time, now)}${seconds < 0 ? "" : ` (${span(seconds)} ago)`}`
  })
