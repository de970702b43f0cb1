import { parsePort } from "./names.ts"

/** A range of ports, both ends included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** Parses a range such as `3000-3499`; `undefined` if `text` is not one. */
export const parseRange = (text: string): PortRange | undefined => {
  const [first, last, ...more] = text.split("-").map(parsePort)
  return first === undefined || last === undefined || more.length > 0 || first > last ? undefined : { first, last }
}

export const formatRange = (range: PortRange): string => `${range.first}-${range.last}`

export const contains = (range: PortRange, port: number): boolean => port >= range.first && port <= range.last

export const overlaps = (a: PortRange, b: PortRange): boolean => a.first <= b.last && b.first <= a.last

/** Returns the other port of the pair that contains `port`. */
export const partnerOf = (port: number): number => (port % 2 === 0 ? port + 1 : port - 1)

/** Returns the slots of `range`, of `size` ports each and counted from 0, that contain any of `ports`. */
export const slotsOf = (range: PortRange, size: 1 | 2, ports: Iterable<number>): Set<number> =>
  new Set([...ports].filter((port) => contains(range, port)).map((port) => Math.floor((port - range.first) / size)))

export const slotCount = ({ first, last }: PortRange, size: 1 | 2): number => (last - first + 1) / size

/** Why a range is full. Each slot is counted once, under the first reason that applies. */
export interface Figures {
  readonly slots: number
  readonly claimed: number
  readonly reserved: number
  readonly busy: number
}

/** Why a port is not available. */
export type Obstacle =
  | { readonly _tag: "Assigned"; readonly key: string }
  | { readonly _tag: "Reserved"; readonly reason: string }
  | { readonly _tag: "Bound" }
