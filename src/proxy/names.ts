import { digest } from "../domain/digest.ts"
import { appOf, type Kind, kindOf } from "../domain/names.ts"
import { LABEL_MAX } from "../domain/Proxy.ts"

/** Gives each key a host name. */

const DIGEST_LENGTH = "-123456".length

/** The word that a key would like as its name: the app for its dev port, and otherwise the key. */
const wordOf = (key: string): string => (kindOf(key) === "dev" ? (appOf(key) ?? key) : key)

const withDigest = (label: string, of: string): string =>
  `${label.slice(0, LABEL_MAX - DIGEST_LENGTH).replace(/-$/, "")}-${digest(of)}`

/** Makes a label of a valid key. A hyphen stands for everything that a host name cannot have. */
const labelOf = (key: string): string => {
  const label = wordOf(key)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/-$/, "")
  return label.length > LABEL_MAX ? withDigest(label, key) : label
}

const RANKS: Readonly<Record<Kind, number>> = { dev: 0, prod: 1, special: 2 }

/** Compares keys that would like the same label: first the one that is spelled like it, then an app's. */
const compare = (one: string, other: string): number => {
  const isSpelledSo = (key: string) => Number(wordOf(key) !== labelOf(key))
  const order = isSpelledSo(one) - isSpelledSo(other) || RANKS[kindOf(one)] - RANKS[kindOf(other)]
  return order || (one < other ? -1 : 1)
}

/** A key with its label. `instead` is the label that it would have, if another key did not have that. */
export interface Labelled {
  readonly key: string
  readonly label: string
  readonly instead: string | undefined
}

/** Returns a label for each of `keys`, no label twice. The same keys always get the same labels. */
export const labelled = (keys: ReadonlyArray<string>): ReadonlyArray<Labelled> => {
  const taken = new Set<string>()
  const found: Array<Labelled> = []
  const late: Array<string> = []
  for (const key of [...new Set(keys)].sort(compare)) {
    const label = labelOf(key)
    if (taken.has(label)) late.push(key)
    else found.push({ key, label, instead: undefined })
    taken.add(label)
  }
  for (const key of late) {
    const instead = labelOf(key)
    let label = withDigest(instead, key)
    for (let attempt = 2; taken.has(label); attempt++) label = withDigest(instead, `${key} ${attempt}`)
    taken.add(label)
    found.push({ key, label, instead })
  }
  return found.sort((one, other) => (one.label < other.label ? -1 : 1))
}
