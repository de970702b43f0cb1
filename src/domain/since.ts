import { parseSpan } from "./span.ts"

const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/

/** Parses a point in time: a date, a date with a time, or a time span before `now`, in milliseconds. Undefined if it is none. */
export const parseSince = (text: string, now: number): number | undefined => {
  const span = parseSpan(text)
  if (span !== undefined) return now - span
  if (!TIME.test(text)) return undefined
  // Without a zone a date alone would be UTC's.
  const time = Date.parse(text.length === "2026-11-26".length ? `${text}T00:00` : text.replace(" ", "T"))
  return Number.isNaN(time) ? undefined : time
}

/** Returns what is wrong with `text` as a point in time, or `undefined`. */
export const sinceProblem = (text: string): string | undefined =>
  parseSince(text, 0) === undefined
    ? "is not a time: write 2026-11-26, 2026-11-26T14:00, or a time span such as 5m, 3d or '2 days'"
    : undefined
