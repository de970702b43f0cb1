import type { OptionSpec } from "../commands/CommandSpec.ts"
import type { HealthState } from "../domain/Health.ts"
import { appOf, kindOf } from "../domain/names.ts"
import type { PastOperation } from "../domain/PastOperation.ts"
import { changeTexts } from "../text/changeTexts.ts"
import { escaped } from "../text/escape.ts"

/** The values that are in the registry, as a shell offers them. */

/** A value and what is shown beside it. */
export interface Candidate {
  readonly value: string
  readonly about: string
}

/** An assignment as far as completions show it. */
export interface KnownKey {
  readonly key: string
  readonly port: number
  readonly description: string | null
  /** By the last probe; undefined if there was none. */
  readonly state: HealthState | undefined
  /** The host that claimed the key. */
  readonly host: string | undefined
}

export interface Known {
  readonly keys: ReadonlyArray<KnownKey>
  readonly reserved: ReadonlyArray<{ readonly port: number; readonly reason: string }>
  /** The latest ones, newest first. */
  readonly operations: ReadonlyArray<Pick<PastOperation, "changes" | "number" | "what">>
}

export const NOTHING_KNOWN: Known = { keys: [], reserved: [], operations: [] }

const detailsOf = ({ description, state }: KnownKey): string =>
  [description, state === "unknown" ? undefined : state].filter(Boolean).join(", ")

const line = (...parts: ReadonlyArray<string>): string => parts.filter((part) => part !== "").join("  ")

const keyed = (each: KnownKey): Candidate => ({ value: each.key, about: line(String(each.port), detailsOf(each)) })

const byKey = (keys: ReadonlyArray<KnownKey>): ReadonlyArray<KnownKey> =>
  [...keys].sort((one, other) => (one.key < other.key ? -1 : 1))

/** The apps, each with the ports of its keys. */
const appsOf = (keys: ReadonlyArray<KnownKey>): ReadonlyArray<Candidate> => {
  const apps = new Map<string, Array<KnownKey>>()
  for (const each of keys) {
    const app = appOf(each.key)
    if (app !== null) apps.set(app, [...(apps.get(app) ?? []), each])
  }
  return [...apps].map(([value, own]) => ({
    value,
    about: line(own.map(({ port }) => port).join(", "), own.find(({ description }) => description)?.description ?? "")
  }))
}

const hostsOf = (keys: ReadonlyArray<KnownKey>): ReadonlyArray<Candidate> =>
  [...new Set(keys.flatMap(({ host }) => host ?? []))].sort().map((value) => ({ value, about: "" }))

const portsOf = (keys: ReadonlyArray<KnownKey>): ReadonlyArray<Candidate> =>
  [...keys]
    .sort((one, other) => one.port - other.port)
    .map((each) => ({ value: String(each.port), about: line(each.key, detailsOf(each)) }))

const reservedOf = ({ reserved }: Known): ReadonlyArray<Candidate> =>
  reserved.map(({ port, reason }) => ({ value: String(port), about: reason }))

/** The operations, each with its first change. */
const operationsOf = ({ operations }: Known): ReadonlyArray<Candidate> =>
  operations.map(({ changes, number, what }) => {
    const [first = "", ...more] = changeTexts(changes)
    return { value: String(number), about: line(what, more.length === 0 ? first : `${first}, and ${more.length} more`) }
  })

const candidatesOf = ({ isOperation, isReserved, type }: OptionSpec, known: Known): ReadonlyArray<Candidate> => {
  if (isOperation) return operationsOf(known)
  const keys = byKey(known.keys)
  switch (type) {
    case "app":
      return appsOf(keys)
    case "host":
      return hostsOf(keys)
    case "key":
      return keys.map(keyed)
    case "name":
      return [...appsOf(keys), ...keys.map(keyed)]
    case "special":
      return keys.filter(({ key }) => kindOf(key) === "special").map(keyed)
    case "port":
      return isReserved ? reservedOf(known) : portsOf(known.keys)
    default:
      return []
  }
}

/** Returns the values of an option that are in the registry. Nothing in them acts on a terminal. */
export const liveCandidates = (option: OptionSpec, known: Known): ReadonlyArray<Candidate> =>
  candidatesOf(option, known).map(({ about, value }) => ({ value: escaped(value), about: escaped(about) }))
