import { CHECK_NAMES, type CheckName, type Finding } from "./Finding.ts"
import { columnText, LIMITS } from "./foreignText.ts"

/** The findings that a user does not want to hear of: those of a check, all of them or only those of a key or a port. */
export interface IgnoredTarget {
  readonly check: CheckName
  readonly key: string | null
  readonly port: number | null
}

/** A rule by which the doctor keeps findings quiet. */
export interface Ignored extends IgnoredTarget {
  readonly reason: string
  /** ISO 8601. */
  readonly at: string
  readonly host: string
  readonly by: string
}

/** Returns whether `rule` is about `finding`: the findings of an app are about both of its keys. */
export const ignores = (rule: IgnoredTarget, finding: Pick<Finding, "check" | "keys" | "ports">): boolean =>
  rule.check === finding.check &&
  (rule.key === null || finding.keys.includes(rule.key)) &&
  (rule.port === null || finding.ports.includes(rule.port))

export const isSameTarget = (a: IgnoredTarget, b: IgnoredTarget): boolean =>
  a.check === b.check && a.key === b.key && a.port === b.port

/** The rules that this `d` can read. Others are kept, so that their names are not used again. */
export const readable = (stored: ReadonlyMap<string, Ignored | undefined>): ReadonlyArray<Ignored> =>
  [...stored.values()].filter((rule) => rule !== undefined)

/** The name under which a rule is stored in port_registry, followed by a number. */
export const IGNORED = "ignored:"

/** Returns the name for a rule about `target`: that of the stored one about it, or a new one. */
export const nameFor = (target: IgnoredTarget, stored: ReadonlyMap<string, Ignored | undefined>): string => {
  for (const [name, rule] of stored) if (rule !== undefined && isSameTarget(rule, target)) return name
  let number = 1
  while (stored.has(`${IGNORED}${number}`)) number++
  return `${IGNORED}${number}`
}

/** Returns the stored rules about `key`, which go with the key. */
export const rulesOf = (
  key: string,
  stored: ReadonlyMap<string, Ignored | undefined>
): ReadonlyArray<readonly [string, Ignored]> =>
  [...stored].flatMap(([name, rule]) => (rule?.key === key ? [[name, rule] as const] : []))

/** Parses a stored rule; `undefined` if another program wrote it, or a `d` with other checks. */
export const parseIgnored = (text: string): Ignored | undefined => {
  try {
    const { at, by, check, host, key, port, reason } = JSON.parse(text)
    const name = CHECK_NAMES.find((each) => each === check)
    if (name === undefined) return undefined
    return {
      check: name,
      key: typeof key === "string" ? columnText(key) : null,
      port: typeof port === "number" ? port : null,
      reason: columnText(reason, LIMITS.text),
      at: columnText(at),
      host: columnText(host),
      by: columnText(by)
    }
  } catch {
    return undefined
  }
}
