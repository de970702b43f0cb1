import { appOf, keyProblem } from "../domain/names.ts"
import type { PortHealth } from "../domain/portHealth.ts"
import type { DoctorContext, View } from "./DoctorContext.ts"

/** A key with its port, and its health on this host. */
interface Seen {
  readonly key: string
  readonly port: number
  readonly health: PortHealth | undefined
}

/**
 * Returns the assignments that concern this host. A port that another host has claimed and that was never up here runs
 * there; invalid keys are reported by value-invalid.
 */
export const ofThisHost = (view: View, { settings }: DoctorContext): ReadonlyArray<Seen> =>
  [...view.ports].flatMap(([key, port]) => {
    const health = view.healthOf(key)
    const claim = view.claims.get(port)
    const elsewhere = (health?.lastUp ?? null) === null && claim !== undefined && claim.host !== settings.actor.host
    return elsewhere || keyProblem(key) !== undefined ? [] : [{ key, port, health }]
  })

/** Returns the stale keys by the app or special that has them. A pair is stale only as a whole, and not if it is pinned. */
export const staleOwners = (
  view: View,
  context: DoctorContext,
  silent: ReadonlySet<number>
): ReadonlyMap<string, ReadonlyArray<Seen>> => {
  const groups = new Map<string, Array<Seen>>()
  const busy = new Set<string>()
  for (const each of ofThisHost(view, context)) {
    const owner = appOf(each.key) === null ? each.key : `${appOf(each.key)}-`
    if (each.health?.state === "stale" && silent.has(each.port) && !view.pinned.has(each.key))
      groups.set(owner, [...(groups.get(owner) ?? []), each])
    else busy.add(owner)
  }
  for (const group of groups.values()) group.sort((a, b) => a.port - b.port)
  return new Map([...groups].filter(([owner]) => !busy.has(owner)))
}
