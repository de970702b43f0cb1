import { readFileSync } from "node:fs"
import { type PortRange, parseRange } from "../domain/PortRange.ts"
import { tryRead } from "./tryRead.ts"

/** The range of ports that the kernel uses for outgoing connections, and the ports it excludes from that. */
export interface Ephemeral {
  readonly range: PortRange
  readonly reserved: ReadonlyArray<PortRange>
}

const read = (name: string): string => tryRead(() => readFileSync(`/proc/sys/net/ipv4/${name}`, "utf8"), "").trim()

/** Reads the kernel's settings; `undefined` if they cannot be read. */
export const readEphemeral = (): Ephemeral | undefined => {
  const range = parseRange(read("ip_local_port_range").split(/\s+/).join("-"))
  const reserved = read("ip_local_reserved_ports")
    .split(",")
    .flatMap((item) => parseRange(item.includes("-") ? item : `${item}-${item}`) ?? [])
  return range && { range, reserved }
}
