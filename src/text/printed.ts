import { escaped, escapedJson } from "./escape.ts"
import type { Paint } from "./terminalStyle.ts"

declare const mark: unique symbol

/**
 * Text that may be given to a terminal: nothing in it acts upon one but the ends of its lines and the colours that `d`
 * chose. Whatever leaves is of this type, so that no new sentence can forget it.
 */
export type Printed = string & { readonly [mark]: true }

/** A part of a line, painted if the terminal has colours. */
export type Span = string | { readonly format: Parameters<Paint>[0]; readonly text: string }

/** A line, whole or in parts. */
export type Line = Span | ReadonlyArray<Span>

/** Text for a terminal, a pipe, the log or the wire: each of `lines` is one line, whatever was put into it. */
export const printed = (lines: ReadonlyArray<Line>, paint: Paint = (_, text) => text): Printed => {
  const part = (span: Span) => (typeof span === "string" ? escaped(span) : paint(span.format, escaped(span.text)))
  const whole = (line: Line) => (typeof line === "string" || "format" in line ? part(line) : line.map(part).join(""))
  return lines.map(whole).join("\n") as Printed
}

/** `value` as a document of JSON on one line. */
export const printedJson = (value: unknown): Printed => escapedJson(JSON.stringify(value)) as Printed
