import { escaped, escapedJson } from "./escape.ts"
import type { Paint } from "./terminalStyle.ts"

declare const mark: unique symbol

/**
 * Text that is safe to print: nothing in it acts on a terminal but its line breaks and the colours that `d` chose. All
 * output has this type, so that no new sentence can forget to escape.
 */
export type Printed = string & { readonly [mark]: true }

/** A part of a line, formatted if the terminal has colours. */
export type Span = string | { readonly format: Parameters<Paint>[0]; readonly text: string }

/** A line, whole or in parts. */
export type Line = Span | ReadonlyArray<Span>

/** Escapes lines for a terminal, a pipe, the log or the wire: each stays one line, whatever it contains. */
export const printed = (lines: ReadonlyArray<Line>, paint: Paint = (_, text) => text): Printed => {
  const part = (span: Span) => (typeof span === "string" ? escaped(span) : paint(span.format, escaped(span.text)))
  const whole = (line: Line) => (typeof line === "string" || "format" in line ? part(line) : line.map(part).join(""))
  return lines.map(whole).join("\n") as Printed
}

/** Joins lines that are printed already. */
export const joined = (lines: ReadonlyArray<Printed>): Printed => lines.join("\n") as Printed

/** Text for a file, exactly as it is. Never for a terminal, which some of its characters may act on. */
export const forFile = (text: string): Printed => text as Printed

/** Formats `value` as JSON on one line. */
export const printedJson = (value: unknown): Printed => escapedJson(JSON.stringify(value)) as Printed
