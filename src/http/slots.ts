import { type PortRange, slotCount, slotsOf } from "../domain/PortRange.ts"
import type { Sample } from "./exposition.ts"
import type { Snapshot } from "./Snapshot.ts"

/** Counts the slots of a range, each under the first state that applies: pairs for apps, single ports for specials. */
const slotsIn = (
  name: string,
  range: PortRange,
  size: 1 | 2,
  { assignments, listening, reserved }: NonNullable<Snapshot["registry"]>
): ReadonlyArray<Sample> => {
  const states = [
    ["claimed", assignments.map(({ port }) => port)],
    ["reserved", reserved],
    ["bound", listening]
  ] as const
  const counted = new Set<number>()
  const samples = states.map(([state, ports]) => {
    const slots = [...slotsOf(range, size, ports)].filter((slot) => !counted.has(slot))
    for (const slot of slots) counted.add(slot)
    return { labels: { range: name, state }, value: slots.length }
  })
  return [...samples, { labels: { range: name, state: "free" }, value: slotCount(range, size) - counted.size }]
}

export const slotSamples = ({ ranges, registry }: Snapshot): ReadonlyArray<Sample> =>
  registry === undefined
    ? []
    : [...slotsIn("app", ranges.app, 2, registry), ...slotsIn("special", ranges.special, 1, registry)]
