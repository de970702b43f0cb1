import { contains, type Figures, type Obstacle, type PortRange } from "../domain/PortRange.ts"
import type { Ports } from "../domain/RegistryState.ts"

/** What a choice rests on. Ports beyond the range do no harm. */
export interface PortUsage {
  readonly ports: Ports
  /** Port → why it is held back. */
  readonly reserved: ReadonlyMap<number, string>
  /** What something on this machine has bound right now. */
  readonly bound: ReadonlySet<number>
}

/** The lowest free slot, or none, and the bound ports that were passed over on the way. */
export type Slot =
  | { readonly _tag: "Free"; readonly port: number; readonly skipped: ReadonlyArray<number> }
  | { readonly _tag: "Full"; readonly figures: Figures; readonly skipped: ReadonlyArray<number> }

/** What `allocate --app` comes to. */
export type PairChoice =
  | Slot
  /** Both keys are assigned, wherever that is. */
  | { readonly _tag: "Kept"; readonly prod: number; readonly dev: number }
  /** One half is assigned and the other can join it. */
  | { readonly _tag: "Completed"; readonly prod: number; readonly dev: number }
  /** One half is assigned and the other cannot: out of place (no obstacle), or its partner is not free. */
  | { readonly _tag: "Blocked"; readonly half: "prod" | "dev"; readonly port: number; readonly obstacle?: Obstacle }

const obstacle = (port: number, world: PortUsage, owners: ReadonlyMap<number, string>): Obstacle | undefined => {
  const key = owners.get(port)
  if (key !== undefined) return { _tag: "Assigned", key }
  const reason = world.reserved.get(port)
  if (reason !== undefined) return { _tag: "Reserved", reason }
  return world.bound.has(port) ? { _tag: "Bound" } : undefined
}

/** Port → one of the keys that have it, the lowest name where there are several. */
const ownersIn = (ports: Ports): Map<number, string> => {
  const owners = new Map<number, string>()
  for (const [key, port] of ports) {
    const other = owners.get(port)
    if (other === undefined || key < other) owners.set(port, key)
  }
  return owners
}

/** The lowest slot of `size` neighbouring ports of `range` (2 for a pair, 1 for a special) of which all are free. */
export const nextSlot = (range: PortRange, size: 1 | 2, world: PortUsage): Slot => {
  const assigned = new Set(world.ports.values())
  const skipped: Array<number> = []
  const figures = { slots: 0, claimed: 0, reserved: 0, busy: 0 }
  for (let port = range.first; port + size - 1 <= range.last; port += size) {
    const last = port + size - 1
    figures.slots++
    if (assigned.has(port) || assigned.has(last)) figures.claimed++
    else if (world.reserved.has(port) || world.reserved.has(last)) figures.reserved++
    else if (world.bound.has(port) || world.bound.has(last)) {
      figures.busy++
      for (let each = port; each <= last; each++) if (world.bound.has(each)) skipped.push(each)
    } else return { _tag: "Free", port, skipped }
  }
  return { _tag: "Full", figures, skipped }
}

/** The pair of the app whose keys are `prod` and `dev`: kept, completed, or the lowest free one. */
export const choosePair = (prod: string, dev: string, range: PortRange, world: PortUsage): PairChoice => {
  const prodPort = world.ports.get(prod)
  const devPort = world.ports.get(dev)
  if (prodPort !== undefined && devPort !== undefined) return { _tag: "Kept", prod: prodPort, dev: devPort }
  if (prodPort === undefined && devPort === undefined) return nextSlot(range, 2, world)
  const half = prodPort !== undefined ? "prod" : "dev"
  const port = prodPort ?? devPort ?? 0
  const inPlace = port % 2 === (half === "prod" ? 0 : 1) && contains(range, port)
  if (!inPlace) return { _tag: "Blocked", half, port }
  const partner = half === "prod" ? port + 1 : port - 1
  const inTheWay = obstacle(partner, world, ownersIn(world.ports))
  if (inTheWay !== undefined) return { _tag: "Blocked", half, port, obstacle: inTheWay }
  return half === "prod"
    ? { _tag: "Completed", prod: port, dev: partner }
    : { _tag: "Completed", prod: partner, dev: port }
}
