import { readFileSync } from "node:fs"
import * as Either from "effect/Either"
import { WrongConfig } from "../domain/errors.ts"
import { quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { SETTING_NAMES, type SettingName } from "./settings.ts"

/** Why `text` is not JSON. The rest of the parser's message quotes the file, which may contain a password. */
const notJson = (text: string, { message }: Error): string => {
  if (text.trim() === "") return "is empty"
  if (/^\s*(\/\/|\/\*|#)/m.test(text)) return "has a comment, which JSON does not allow"
  const position = /position (\d+)/.exec(message)?.[1]
  if (position === undefined) return message.includes("end of JSON") ? "is not JSON: it ends too early" : "is not JSON"
  const lines = text.slice(0, Number(position)).split("\n")
  return `is not JSON, at line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`
}

/** Reads the configuration file: setting → text. A missing file sets nothing. */
export const readConfigFile = (path: string): Either.Either<ReadonlyMap<SettingName, string>, WrongConfig> => {
  const wrong = (problem: string, hint = "correct it, or move it away to use the defaults") =>
    Either.left(new WrongConfig({ setting: path, problem, hint }))
  let text: string
  try {
    // Some editors begin a file with a byte order mark.
    text = readFileSync(path, "utf8").replace(/^\uFEFF/, "")
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
    return wrong(notJson(text, cause as Error))
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
