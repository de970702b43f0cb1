/** Limits the length of text that other programs and people wrote. */

/** The maximum number of characters that are kept, by kind of text. */
export const LIMITS = {
  /** The name of a process or a container. */
  name: 80,
  /** A unit of the service manager, at the manager's own limit: a truncated name could match another service. */
  unit: 255,
  /** A value quoted in a message. */
  quoted: 80,
  /** A name or a time in the registry's tables: the width of their columns. */
  column: 255,
  /** A key. A longer one may be stored, but is invalid. */
  key: 250,
  /** A message of a server, a driver or another daemon. */
  message: 300,
  /** A description or a reason. */
  text: 500,
  /** A directory or a file: PATH_MAX on Linux. */
  path: 4096
} as const

/** Truncates `text` to `max` characters, ending in `…` if it was longer. Never splits a surrogate pair. */
export const cut = (text: string, max: number): string => {
  if (text.length <= max) return text
  const characters = Array.from(text.slice(0, 2 * (max + 1)))
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join("")}…`
}

/** Reads the text of a column, to which another program may have written anything, even binary data. */
export const columnText = (value: unknown, max: number = LIMITS.column): string =>
  cut(value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value ?? ""), max)

/** The same for a column that may be null. */
export const columnTextOrNull = (value: unknown, max: number): string | null =>
  value === null ? null : columnText(value, max)

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

/** Reads a time from a column, ISO 8601 in UTC; null if the column does not contain one. */
export const columnTime = (value: unknown): string | null =>
  typeof value === "string" && TIME.test(value) ? value : null
