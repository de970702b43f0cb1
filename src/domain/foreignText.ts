/** Text that other programs and people wrote, cut to a length that is safe to keep. */

/** The most characters that are kept of a text, by what it is. */
export const LIMITS = {
  /** A process or a container. */
  name: 80,
  /** A unit of the service manager, which makes no longer one: it tells one service from another. */
  unit: 255,
  /** A value that a sentence quotes. */
  quoted: 80,
  /** A name or a time in a row of the registry's tables, whose columns are as wide. */
  column: 255,
  /** A key. A row may have a longer one, which is no key. */
  key: 250,
  /** What a server, a driver or another daemon says. */
  message: 300,
  /** A description or a reason. */
  text: 500,
  /** A directory or a file: the system knows no longer one. */
  path: 4096
} as const

/** At most `max` characters of `text`, with `…` for what is left out. Half of a character is never kept. */
export const cut = (text: string, max: number): string => {
  if (text.length <= max) return text
  const characters = Array.from(text.slice(0, 2 * (max + 1)))
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join("")}…`
}

/** Text of a column, to which another program may have written anything, bytes included. */
export const columnText = (value: unknown, max: number = LIMITS.column): string =>
  cut(value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value ?? ""), max)

/** The same for a column that may be empty. */
export const columnTextOrNull = (value: unknown, max: number): string | null =>
  value === null ? null : columnText(value, max)

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

/** A time of a column, ISO 8601 in UTC, or null if the column holds none. */
export const columnTime = (value: unknown): string | null =>
  typeof value === "string" && TIME.test(value) ? value : null
