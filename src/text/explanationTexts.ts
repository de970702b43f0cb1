import type { Explanation } from "../domain/Explanation.ts"
import { inside, type KeyOwner } from "../domain/Owner.ts"
import { describeContainer } from "./describe.ts"

/** The words for what is known of a port. */

/** Words a text for its reader, who may want local times. */
export type Told = (text: string) => string

const asItIs: Told = (text) => text

export const healthText = ({ lastUp, since, state }: Explanation["keys"][number]["health"]): string => {
  const seen = lastUp === null ? "never up here" : `last up ${lastUp}`
  if (state === "unknown") return "unknown: never probed"
  if (since !== null) return `${state} since ${since}, ${seen}`
  return state === "up" ? "up now" : `${state} now, ${seen}`
}

/** When an owner was seen on its port: now, if one of the `listeners` works in its directory or below. */
const seenThere = ({ kind, name, seen }: KeyOwner, listeners: Explanation["listeners"], told: Told): string => {
  if (kind === "directory" && listeners.some(({ directory }) => directory !== null && inside(directory, name)))
    return "seen there now"
  return seen === null ? "not seen there yet" : `last seen there ${told(seen)}`
}

/** When an owner was seen, and how it became known if no user named it. */
export const sightText = (owner: KeyOwner, listeners: Explanation["listeners"], told = asItIs): string =>
  [seenThere(owner, listeners, told), ...(owner.said ? [] : ["learned from what listened first"])].join(", ")

export const listenerText = (listener: Explanation["listeners"][number], told = asItIs): string => {
  const { address, command, container, containerDetails, directory, pid, since, unit, user } = listener
  const unseen = containerDetails ? [] : ["a process that you may not see"]
  return [
    address,
    ...(containerDetails ? [describeContainer(containerDetails)] : []),
    ...(pid === null ? unseen : [`${command ?? "a process"}, pid ${pid}`]),
    `of ${user}`,
    ...(directory === null || containerDetails ? [] : [`in ${directory}`]),
    ...(unit === null ? [] : [unit]),
    ...(container === null || containerDetails ? [] : [`container ${container}`]),
    ...(since === null ? [] : [`since ${told(since)}`])
  ].join(", ")
}

/** Describes a port on which no listener is visible. */
export const unlisted = (inUse: Explanation["inUse"]): string =>
  inUse === null ? "nothing visible" : inUse ? "nothing visible, but something has bound the port" : "nothing"

/** Describes the findings that are ignored, with the reason of each. */
export const ignoredTexts = (ignored: Explanation["ignored"]): ReadonlyArray<string> =>
  ignored.flatMap((rule) => rule.findings.map(({ message }) => `${rule.check}: ${message}; ${rule.reason}`))
