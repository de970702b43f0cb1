import { contains, type Figures, type Obstacle, type PortRange } from "../domain/PortRange.ts"
import type { Ports } from "../domain/RegistryState.ts"

/** The ports that are not free. May include ports outside the range. */
export interface PortUsage {
  readonly ports: Ports
  /** Port → why it is reserved. */
  readonly reserved: ReadonlyMap<number, string>
  /** The ports that are in use on this machine. */
  readonly bound: ReadonlySet<number>
}

/** The lowest free slot, if there is one, and the bound ports that were skipped. */
export type Slot =
  | { readonly _tag: "Free"; readonly port: number; readonly skipped: ReadonlyArray<number> }
  | { readonly _tag: "Full"; readonly figures: Figures; readonly skipped: ReadonlyArray<number> }

/** The outcome of `allocate --app`. */
export type PairChoice =
  | Slot
  /** Both keys have a port, not necessarily a pair or in the range. */
  | { readonly _tag: "Kept"; readonly prod: number; readonly dev: number }
  /** One half is assigned and the other can join it. */
  | { readonly _tag: "Completed"; readonly prod: number; readonly dev: number }
  /** One half is assigned and the other cannot join it: it is misplaced (no obstacle), or its partner is taken. */
  | { readonly _tag: "Blocked"; readonly half: "prod" | "dev"; readonly port: number; readonly obstacle?: Obstacle }

const obstacle = (port: number, usage: PortUsage, owners: ReadonlyMap<number, string>): Obstacle | undefined => {
  const key = owners.get(port)
  if (key !== undefined) return { _tag: "Assigned", key }
  const reason = usage.reserved.get(port)
  if (reason !== undefined) return { _tag: "Reserved", reason }
  return usage.bound.has(port) ? { _tag: "Bound" } : undefined
}

/** Returns the key that has each port; if several do, the first one by name. */
const ownersIn = (ports: Ports): Map<number, string> => {
  const owners = new Map<number, string>()
  for (const [key, port] of ports) {
    const other = owners.get(port)
    if (other === undefined || key < other) owners.set(port, key)
  }
  return owners
}

/** Returns the lowest slot of `size` adjacent ports of `range` (2 for a pair, 1 for a special) that are all free. */
export const nextSlot = (range: PortRange, size: 1 | 2, usage: PortUsage): Slot => {
  const assigned = new Set(usage.ports.values())
  const skipped: Array<number> = []
  const figures = { slots: 0, claimed: 0, reserved: 0, busy: 0 }
  for (let port = range.first; port + size - 1 <= range.last; port += size) {
    const last = port + size - 1
    figures.slots++
    if (assigned.has(port) || assigned.has(last)) figures.claimed++
    else if (usage.reserved.has(port) || usage.reserved.has(last)) figures.reserved++
    else if (usage.bound.has(port) || usage.bound.has(last)) {
      figures.busy++
      for (let each = port; each <= last; each++) if (usage.bound.has(each)) skipped.push(each)
    } else return { _tag: "Free", port, skipped }
  }
  return { _tag: "Full", figures, skipped }
}

/** Chooses the pair of the app with the keys `prod` and `dev`: kept, completed, or the lowest free one. */
export const choosePair = (prod: string, dev: string, range: PortRange, usage: PortUsage): PairChoice => {
  const prodPort = usage.ports.get(prod)
  const devPort = usage.ports.get(dev)
  if (prodPort !== undefined && devPort !== undefined) return { _tag: "Kept", prod: prodPort, dev: devPort }
  if (prodPort === undefined && devPort === undefined) return nextSlot(range, 2, usage)
  const half = prodPort !== undefined ? "prod" : "dev"
  const port = prodPort ?? devPort ?? 0
  const inPlace = port % 2 === (half === "prod" ? 0 : 1) && contains(range, port)
  if (!inPlace) return { _tag: "Blocked", half, port }
  const partner = half === "prod" ? port + 1 : port - 1
  const inTheWay = obstacle(partner, usage, ownersIn(usage.ports))
  if (inTheWay !== undefined) return { _tag: "Blocked", half, port, obstacle: inTheWay }
  return half === "prod"
    ? { _tag: "Completed", prod: port, dev: partner }
    : { _tag: "Completed", prod: partner, dev: port }
}
