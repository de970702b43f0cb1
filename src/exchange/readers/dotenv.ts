import type { Incoming } from "../../domain/Exchange.ts"
import { parsePort } from "../../domain/names.ts"
import { type Content, contentLines, type Source } from "../Source.ts"

const VARIABLE = /^(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/
/** A variable that is a port of something with a name. */
const NAMED = /^(.*[A-Za-z0-9])_PORT$/

/** Whether every line sets a variable, and one of them is a port. */
export const isDotenv = (source: Source): boolean => {
  const names = contentLines(source).map(({ content }) => VARIABLE.exec(content)?.[1])
  return names.every((name) => name !== undefined) && names.some((name) => NAMED.test(name ?? ""))
}

/** Takes off quotes, or a comment at the end. */
const plainValue = (value: string): string => /^(["'])(.*)\1/.exec(value)?.[2] ?? value.replace(/\s+#.*$/, "")

/** Reads the variables `NAME_PORT` of an environment file: `cad-dev` is what `CAD_DEV_PORT` may stand for. */
export const readDotenv = (source: Source): Content => {
  const assignments: Array<Incoming> = []
  const doubts: Array<string> = []
  for (const { content, line } of contentLines(source)) {
    const [, name = "", value = ""] = VARIABLE.exec(content) ?? []
    const [, word] = NAMED.exec(name) ?? []
    const port = plainValue(value)
    if (name === "PORT" && parsePort(port) !== undefined)
      doubts.push(`line ${line}: PORT was left out: it does not say whose port it is`)
    if (word !== undefined) assignments.push({ key: word.toLowerCase().replaceAll("_", "-"), port, line })
  }
  if (assignments.length > 0)
    doubts.push("the keys are made of the names of the variables, which do not tell ., _ and - apart")
  return { assignments, doubts }
}
