import type { Altered, KeyAltered, PastChange } from "../domain/PastOperation.ts"
import { formatPorts } from "../domain/portList.ts"
import { nameOf } from "./describe.ts"

/** The words for the changes of an operation. */

/** How a text is shown: whole, or shortened. */
export interface Shown {
  readonly description: (text: string) => string
  readonly owner: (text: string) => string
}

export const WHOLE: Shown = { description: (text) => text, owner: (text) => text }

const portText = (port: number | null): string => (port === null ? "none" : String(port))

const alteredText = ({ after, before }: Altered, show: (text: string) => string, none: string): string =>
  [...(before === null ? [] : [show(before)]), after === null ? none : show(after)].join(" → ")

/** Tells what is known of a key, before and after: what was not known before is told by what is. */
const knownTexts = ({ description, owner }: KeyAltered, shown: Shown): ReadonlyArray<string> => [
  ...(description === undefined ? [] : [alteredText(description, shown.description, "no description")]),
  ...(owner === undefined ? [] : [`in ${alteredText(owner, shown.owner, "no directory")}`])
]

const happened = (change: PastChange, shown: Shown): ReadonlyArray<string> => {
  const { detail, newPort, oldPort, what } = change
  const known = knownTexts(change, shown)
  const ports = `${portText(oldPort)} → ${portText(newPort)}`
  // What a key gets or loses with its port goes without saying.
  if ((oldPort === null) !== (newPort === null)) return [ports]
  if (oldPort !== null && (oldPort !== newPort || known.length === 0)) return [ports, ...known]
  if (known.length > 0) return known
  if (what === "bind") return [`in ${shown.owner(detail ?? "")}`]
  if (what === "describe") return [detail === null ? "no description" : shown.description(detail)]
  if (what === "pin" || what === "unpin") return [what === "pin" ? "pinned" : "no longer pinned"]
  return [what === "ignore" || what === "unignore" ? (detail ?? "") : "what is known of it"]
}

const ofKey = (key: string, change: PastChange, shown: Shown): ReadonlyArray<string> =>
  change.what === "rename"
    ? [`${nameOf(change.detail ?? "")} → ${nameOf(key)}`]
    : happened(change, shown).map((text) => `${nameOf(key)}: ${text}`)

/** Describes changes without a key: ports that were reserved, or no longer, each reason once; and rules of the doctor. */
const ofPorts = (changes: ReadonlyArray<PastChange>): ReadonlyArray<string> => {
  const groups = new Map<string, Array<number>>()
  for (const { detail, newPort, oldPort, what } of changes) {
    const isFree = newPort === null
    const isRestored = what === "undo" || what === "redo" || what === "import"
    const why = isRestored ? (isFree ? "not reserved" : "reserved") : (detail ?? "")
    const text = what === "ignore" || what === "unignore" ? `\0${why}` : why
    const port = newPort ?? oldPort
    groups.set(text, [...(groups.get(text) ?? []), ...(port === null ? [] : [port])])
  }
  return [...groups].map(([why, ports]) =>
    why.startsWith("\0") ? why.slice(1) : ports.length === 0 ? "a rule of the doctor" : `${formatPorts(ports)}: ${why}`
  )
}

/** Describes changes, a line each. */
export const changeTexts = (changes: ReadonlyArray<PastChange>, shown = WHOLE): ReadonlyArray<string> => [
  ...changes.flatMap((change) => (change.key === null ? [] : ofKey(change.key, change, shown))),
  ...ofPorts(changes.filter(({ key }) => key === null))
]
