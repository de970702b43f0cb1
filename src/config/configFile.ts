import { readFileSync } from "node:fs"
import * as Either from "effect/Either"
import { WrongConfig } from "../domain/errors.ts"
import { quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { SETTING_NAMES, type SettingName } from "./settings.ts"

/** Reads the configuration file: setting → text. A missing file sets nothing. */
export const readConfigFile = (path: string): Either.Either<ReadonlyMap<SettingName, string>, WrongConfig> => {
  const wrong = (problem: string, hint = "correct it, or move it away to use the defaults") =>
    Either.left(new WrongConfig({ setting: path, problem, hint }))
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    return code === "ENOENT" || code === "ENOTDIR"
      ? Either.right(new Map())
      : wrong(`cannot be read (${code})`, `check: ls -ld ${shellWord(path)}`)
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    // The rest of the message quotes the file, which may contain a password.
    const place = /position \d+/.exec((cause as Error).message)?.[0]
    return wrong(`is not JSON${place === undefined ? "" : `, at ${place}`}`)
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return wrong('is not a JSON object: write {"appRange": "3000-3499"}')
  }
  const values = new Map<SettingName, string>()
  for (const [key, value] of Object.entries(content)) {
    const name = SETTING_NAMES.find((each) => each === key)
    if (name === undefined) return wrong(`has ${quote(key)}, which is not a setting: use ${SETTING_NAMES.join(", ")}`)
    if (typeof value !== "string" && typeof value !== "number")
      return wrong(`gives ${key} as ${quote(value)}: write it as text, between quotes`)
    values.set(name, String(value))
  }
  return Either.right(values)
}
