import { parsePort } from "./names.ts"

/** Where ports of a kind come from, both ends included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** `3000-3499`, or `undefined` where `text` is no range. */
export const parseRange = (text: string): PortRange | undefined => {
  const [first, last, ...more] = text.split("-").map(parsePort)
  return first === undefined || last === undefined || more.length > 0 || first > last ? undefined : { first, last }
}

export const formatRange = (range: PortRange): string => `${range.first}-${range.last}`

export const contains = (range: PortRange, port: number): boolean => port >= range.first && port <= range.last

export const overlaps = (a: PortRange, b: PortRange): boolean => a.first <= b.last && b.first <= a.last

/** The other port of the pair that `port` is in. */
export const partnerOf = (port: number): number => (port % 2 === 0 ? port + 1 : port - 1)

/** The slots of `size` ports of `range` that `ports` lie in, counted from 0. */
export const slotsOf = (range: PortRange, size: 1 | 2, ports: Iterable<number>): Set<number> =>
  new Set([...ports].filter((port) => contains(range, port)).map((port) => Math.floor((port - range.first) / size)))

export const slotCount = ({ first, last }: PortRange, size: 1 | 2): number => (last - first + 1) / size

/** Why a range has no place left. Each slot is counted once, under the first of these that holds for it. */
export interface Figures {
  readonly slots: number
  readonly claimed: number
  readonly reserved: number
  readonly busy: number
}

/** Why one port cannot be had. */
export type Obstacle =
  | { readonly _tag: "Assigned"; readonly key: string }
  | { readonly _tag: "Reserved"; readonly reason: string }
  | { readonly _tag: "Bound" }
