import { readFileSync } from "node:fs"
import * as Either from "effect/Either"
import { WrongConfig } from "../domain/errors.ts"
import { quote } from "../text/escape.ts"

export const PREFIX = "AUTOMATELINUX_"

/** Every variable of ours; the file has the same names, in lower camel case and without the prefix. */
export const NAMES = [
  "DATABASE_URL",
  "DATABASE_TIMEOUT",
  "SETTINGS_TABLE",
  "APP_RANGE",
  "SPECIAL_RANGE",
  "RESERVED_PORTS",
  "HOST",
  "PROBE_INTERVAL",
  "DOWN_AFTER",
  "STALE_AFTER",
  "STALE_AFTER_DEV",
  "LOG_LEVEL",
  "SOCKET_GROUP"
] as const

export type Name = (typeof NAMES)[number]

/** The name of a variable, without its prefix, as the file has it. */
export const camel = (name: string): string =>
  name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

/** What the file says, by variable. A missing file says nothing. */
export const readFile = (path: string): Either.Either<ReadonlyMap<string, string>, WrongConfig> => {
  const wrong = (problem: string) => Either.left(new WrongConfig({ setting: path, problem }))
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    return code === "ENOENT" || code === "ENOTDIR" ? Either.right(new Map()) : wrong(`cannot be read (${code})`)
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    // The rest of the message quotes the file, which may hold a password.
    const place = /position \d+/.exec((cause as Error).message)?.[0]
    return wrong(`is not JSON${place === undefined ? "" : `, at ${place}`}`)
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return wrong('is not a JSON object: write {"appRange": "3000-3499"}')
  }
  const values = new Map<string, string>()
  for (const [key, value] of Object.entries(content)) {
    const name = NAMES.find((each) => camel(each) === key)
    if (name === undefined) return wrong(`has ${quote(key)}, which is no setting: use ${NAMES.map(camel).join(", ")}`)
    if (typeof value !== "string" && typeof value !== "number")
      return wrong(
        `gives ${key} as ${typeof value === "object" ? "a list or an object" : typeof value}: write it as text, between quotes`
      )
    values.set(PREFIX + name, String(value))
  }
  return Either.right(values)
}
