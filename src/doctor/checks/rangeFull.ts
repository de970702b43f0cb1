import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { contains, formatRange, type PortRange, slotCount, slotsOf } from "../../domain/PortRange.ts"
import type { Check, DoctorContext, FindingDraft, View } from "../DoctorContext.ts"
import { configure, larger } from "../remedies.ts"

const FULL = 0.9

const judge = (
  context: DoctorContext,
  view: View,
  range: PortRange,
  size: 1 | 2,
  other: PortRange
): ReadonlyArray<FindingDraft> => {
  const slots = slotCount(range, size)
  const claimed = slotsOf(range, size, view.ports.values())
  const reserved = [...slotsOf(range, size, view.reserved.keys())].filter((slot) => !claimed.has(slot))
  const stale = [...view.ports].filter(([key, port]) => contains(range, port) && view.healthOf(key)?.state === "stale")
  const used = claimed.size + reserved.length
  if (used <= FULL * slots) return []
  const name = size === 2 ? "appRange" : "specialRange"
  const room = larger(range, other)
  return [
    {
      severity: "warning",
      keys: [],
      ports: [],
      message: `${formatRange(range)} is ${used < slots ? "almost " : ""}full: ${slots - used} of ${slots} ${size === 2 ? "pairs" : "ports"} are left`,
      evidence: `claimed ${claimed.size}, reserved ${reserved.length}, stale keys ${stale.length}`,
      ...(room === undefined ? fix("d prune", "shows what may be released") : configure(context, name, room))
    }
  ]
}

/** Checks that the ranges have room left. */
export const rangeFull: Check = (context) =>
  Effect.map(context.view, (view) => {
    const { appRange, specialRange } = context.settings
    return [...judge(context, view, appRange, 2, specialRange), ...judge(context, view, specialRange, 1, appRange)]
  })
