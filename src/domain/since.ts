const UNITS: Readonly<Record<string, number>> = {
  s: 1,
  second: 1,
  min: 60,
  minute: 60,
  h: 3600,
  hour: 3600,
  d: 86_400,
  day: 86_400,
  week: 604_800
}

const SPAN = /^(\d{1,6}) ?([a-z]+?)s?$/
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/

/** Parses a point in time: a date, a date with a time, or a time span before `now`, in milliseconds. Undefined if it is none. */
export const parseSince = (text: string, now: number): number | undefined => {
  const [, count = "", unit = ""] = SPAN.exec(text) ?? []
  const seconds = UNITS[unit]
  if (seconds !== undefined) return now - Number(count) * seconds * 1000
  if (!TIME.test(text)) return undefined
  // Without a zone a date alone would be UTC's.
  const time = Date.parse(text.length === "2026-11-26".length ? `${text}T00:00` : text.replace(" ", "T"))
  return Number.isNaN(time) ? undefined : time
}
