import { wrapAnsi } from "fast-wrap-ansi"
import { escaped } from "./escape.ts"
import { type Printed, printed, type Span } from "./printed.ts"
import type { Paint } from "./terminalStyle.ts"
import { cutTo, widthOf } from "./width.ts"

/** Lines of a screen: none is wider than it. */

/** Makes a line of spans, cut to `width` columns. The spans after the one that is cut are left out. */
export const screenLine = (spans: ReadonlyArray<Span>, width: number, paint: Paint): Printed => {
  const fitting: Array<Span> = []
  let left = width
  for (const span of spans) {
    if (left <= 0) break
    const text = escaped(typeof span === "string" ? span : span.text)
    const kept = cutTo(text, left)
    fitting.push(typeof span === "string" ? kept : { ...span, text: kept })
    left -= widthOf(text)
  }
  return printed([fitting], paint)
}

/** Formats a line as a whole, over all of `width` columns: a bar. */
export const bar = (line: Printed, width: number, format: Parameters<Paint>[0], paint: Paint): Printed =>
  paint(format, line + " ".repeat(Math.max(0, width - widthOf(line)))) as Printed

/** Cuts a line, which may have colours, to `width` columns. */
export const fitted = (line: Printed, width: number): Printed => cutTo(line, width) as Printed

/** Returns the lines of a text, each broken where it is wider than `width` columns. */
export const screenLines = (text: Printed, width: number): ReadonlyArray<Printed> =>
  text
    .split("\n")
    .flatMap((line) =>
      widthOf(line) <= width ? [line] : wrapAnsi(line, width, { hard: true, trim: false }).split("\n")
    )
    .map((line) => line as Printed)

/** Joins the parts of a line that are printed already. */
export const beside = (...parts: ReadonlyArray<Printed>): Printed => parts.join("") as Printed
