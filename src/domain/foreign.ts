import { contains, type PortRange } from "./PortRange.ts"

/** A port of the ranges that is not registered, and on which something listens. */
export interface ForeignPort {
  readonly port: number
  /** The program, or the container by its name; null if this user may not know. */
  readonly command: string | null
}

interface Ports {
  readonly has: (port: number) => boolean
}

/** Returns whether what listens on a port is foreign: the port is in one of `ranges`, but neither assigned nor reserved. */
export const isForeign = (port: number, ranges: ReadonlyArray<PortRange>, assigned: Ports, reserved: Ports): boolean =>
  ranges.some((range) => contains(range, port)) && !assigned.has(port) && !reserved.has(port)
