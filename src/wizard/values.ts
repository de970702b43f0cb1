import type { OptionSpec, ValueType } from "../commands/CommandSpec.ts"
import {
  appOf,
  appProblem,
  countProblem,
  keyProblem,
  kindOf,
  portProblem,
  reasonProblem,
  specialProblem,
  textProblem
} from "../domain/names.ts"
import { domainProblem } from "../domain/Proxy.ts"
import { parsePortList } from "../domain/portList.ts"
import { sinceProblem } from "../domain/since.ts"
import { waitProblem } from "../domain/span.ts"
import { quote } from "../text/escape.ts"

/** What the value of an option may be. */

type Rule = (text: string) => string | undefined

const pathProblem: Rule = (text) => (text === "" ? "is empty: write a path" : undefined)

/** A rule for each type whose values are not counted. */
const RULES: Readonly<Partial<Record<ValueType, Rule>>> = {
  app: appProblem,
  directory: pathProblem,
  domain: domainProblem,
  file: pathProblem,
  host: textProblem,
  key: keyProblem,
  name: keyProblem,
  number: countProblem,
  port: portProblem,
  reason: reasonProblem,
  since: sinceProblem,
  special: specialProblem,
  text: (text) => textProblem(text),
  time: waitProblem
}

const portsProblem: Rule = (text) => {
  const ports = parsePortList(text)
  return typeof ports === "string" ? ports : undefined
}

/** Returns what is wrong with a value of an option, as a sentence. */
export const valueProblem = ({ name, repeated, type = "text" }: OptionSpec, text: string): string | undefined => {
  // What may be given several times may be a range, too.
  const problem = type === "port" && repeated ? portsProblem(text) : RULES[type]?.(text)
  return problem === undefined ? undefined : `${name} ${quote(text)} ${problem}`
}

/** Returns those of `keys`, or their apps, that an option may name. */
export const existing = ({ isNew, type }: OptionSpec, keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  const apps = [...new Set(keys.flatMap((key) => appOf(key) ?? []))]
  if (isNew) return []
  switch (type) {
    case "app":
      return apps
    case "key":
      return keys
    case "name":
      return [...apps, ...keys]
    case "special":
      return keys.filter((key) => kindOf(key) === "special")
    default:
      return []
  }
}
