import * as Effect from "effect/Effect"
import { formatRange, overlaps, type PortRange } from "../domain/PortRange.ts"
import type { Check, Draft } from "./scene.ts"

/** The kernel gives no port of a managed range to an outgoing connection. */
export const rangeEphemeral: Check = ({ machine, settings }) =>
  Effect.map(machine.ephemeral, (kernel) => {
    if (kernel === undefined) return []
    const { appRange, specialRange } = settings
    const spared = (range: PortRange) =>
      kernel.reserved.some(({ first, last }) => first <= range.first && last >= range.last)
    return [appRange, specialRange]
      .filter((range) => overlaps(range, kernel.range) && !spared(range))
      .map(
        (range): Draft => ({
          severity: "info",
          keys: [],
          ports: [],
          message: `${formatRange(range)} meets the ports that the kernel gives to outgoing connections`,
          evidence: `net.ipv4.ip_local_port_range is ${formatRange(kernel.range)}`,
          remedy: `echo ${[...kernel.reserved, range].map(formatRange).join(",")} > /proc/sys/net/ipv4/ip_local_reserved_ports  # as root; sysctl.d keeps it`
        })
      )
  })
