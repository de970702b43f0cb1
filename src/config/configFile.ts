import * as Either from "effect/Either"
import { WrongConfig } from "../domain/errors.ts"
import { quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { jsonProblem } from "./jsonProblem.ts"
import { SETTING_NAMES, type SettingName } from "./settings.ts"
import { settingsText } from "./settingsText.ts"

/** Reads the configuration file: setting → text. A missing file sets nothing. */
export const readConfigFile = (path: string): Either.Either<ReadonlyMap<SettingName, string>, WrongConfig> => {
  const wrong = (problem: string, hint = "correct it, or move it away to use the defaults") =>
    Either.left(new WrongConfig({ setting: path, problem, hint }))
  let text: string | undefined
  try {
    text = settingsText(path)
  } catch (cause) {
    return wrong(`cannot be read (${(cause as NodeJS.ErrnoException).code})`, `check: ls -ld ${shellWord(path)}`)
  }
  if (text === undefined) return Either.right(new Map())
  if (text.trim() === "") return wrong("is empty")
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return wrong(jsonProblem(text))
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
