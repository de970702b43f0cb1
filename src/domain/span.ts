const UNITS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["sec", 1000],
  ["second", 1000],
  ["m", 60_000],
  ["min", 60_000],
  ["minute", 60_000],
  ["h", 3_600_000],
  ["hour", 3_600_000],
  ["d", 86_400_000],
  ["day", 86_400_000],
  ["w", 604_800_000],
  ["week", 604_800_000]
])

const SPAN = /^(\d{1,6}(?:\.\d{1,3})?) ?([a-z]+)$/
const NUMBER = /^\d{1,6}(?:\.\d{1,3})?$/

/** Parses a time span such as `30s`, `1.5h` or `2 days`, to milliseconds. Undefined if it is none. */
export const parseSpan = (text: string): number | undefined => {
  const [, amount = "", unit = ""] = SPAN.exec(text) ?? []
  const milliseconds = UNITS.get(unit) ?? UNITS.get(unit.replace(/s$/, ""))
  return milliseconds === undefined ? undefined : Number(amount) * milliseconds
}

/** A longer wait is probably a mistake. */
const WAIT_MAX_MS = 86_400_000

/** Parses how long to wait: a time span, or a number of seconds. Undefined if it is none, or longer than a day. */
export const parseWait = (text: string): number | undefined => {
  const milliseconds = parseSpan(NUMBER.test(text) ? `${text}s` : text)
  return milliseconds !== undefined && milliseconds <= WAIT_MAX_MS ? milliseconds : undefined
}

/** Returns what is wrong with `text` as a time to wait, or `undefined`. */
export const waitProblem = (text: string): string | undefined =>
  parseWait(text) === undefined ? "is not a time: write 30s, 500ms or 2m" : undefined
