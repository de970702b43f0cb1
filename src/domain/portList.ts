import { parsePort } from "./names.ts"
import { formatRange, type PortRange, parseRange } from "./PortRange.ts"

/** Lists of ports and ranges, as people write them: `3128,3200-3210`. */

/** The maximum number of ports in one command: each is a row, and a longer range is probably a mistake. */
export const PORTS_MAX = 4096

/** Parses a port or a range. */
export const parsePortOrRange = (text: string): PortRange | undefined => {
  const port = parsePort(text)
  return port === undefined ? parseRange(text) : { first: port, last: port }
}

/** Parses a list, with commas between. Returns what is wrong with it as text. */
export const parsePortList = (text: string): ReadonlyArray<PortRange> | string => {
  const items = text.split(/, */)
  const ranges = items.map(parsePortOrRange).filter((range) => range !== undefined)
  if (ranges.length === items.length) return ranges
  return items.some((item) => parsePortOrRange(item.split("-").reverse().join("-")) && !parsePortOrRange(item))
    ? "has a range that ends before it begins: write its lower port first"
    : "is neither a port from 1 to 65535 nor a range: write 3128, 3200-3210, or both with a comma between"
}

/** Returns the number of ports in `ranges`. */
export const countPorts = (ranges: ReadonlyArray<PortRange>): number =>
  ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)

/** Returns the ports in `ranges`, each once, in order. */
export const portsIn = (ranges: ReadonlyArray<PortRange>): ReadonlyArray<number> =>
  [
    ...new Set(ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at)))
  ].sort((a, b) => a - b)

/** Formats a port, or a range of more than one. */
export const formatPortOrRange = (range: PortRange): string =>
  range.first === range.last ? String(range.first) : formatRange(range)

/** Formats ports, which are in order, as a list that can be parsed again. */
export const formatPorts = (ports: ReadonlyArray<number>): string => {
  const ranges: Array<PortRange> = []
  for (const port of ports) {
    const before = ranges.at(-1)
    if (before?.last === port - 1) ranges[ranges.length - 1] = { first: before.first, last: port }
    else ranges.push({ first: port, last: port })
  }
  return ranges.map(formatPortOrRange).join(",")
}
