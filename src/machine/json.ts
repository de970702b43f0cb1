/** Reads what another program wrote as JSON, and may be anything. */

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Returns the field that `names` lead to, from one object into the next; undefined if there is none. */
export const fieldIn = (value: unknown, ...names: ReadonlyArray<string>): unknown =>
  names.reduce<unknown>((found, name) => (isObject(found) ? found[name] : undefined), value)
