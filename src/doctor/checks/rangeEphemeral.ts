import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { formatRange, overlaps, type PortRange } from "../../domain/PortRange.ts"
import { sudo } from "../../text/describe.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"

const PATH = "/proc/sys/net/ipv4/ip_local_reserved_ports"

/** Checks that the kernel uses no port of a managed range for outgoing connections. */
export const rangeEphemeral: Check = ({ machine, settings }) =>
  Effect.map(machine.ephemeral, (kernel): ReadonlyArray<FindingDraft> => {
    if (kernel === undefined) return []
    const spared = (range: PortRange) =>
      kernel.reserved.some(({ first, last }) => first <= range.first && last >= range.last)
    const met = [settings.appRange, settings.specialRange].filter(
      (range) => overlaps(range, kernel.range) && !spared(range)
    )
    if (met.length === 0) return []
    const list = [...kernel.reserved, ...met].map(formatRange).join(",")
    return [
      {
        severity: "info",
        keys: [],
        ports: [],
        message: `${met.map(formatRange).join(" and ")} ${met.length === 1 ? "overlaps" : "overlap"} the ports that the kernel uses for outgoing connections`,
        evidence: `net.ipv4.ip_local_port_range is ${formatRange(kernel.range)}`,
        ...fix(`echo ${list} | ${sudo}tee ${PATH}`, "to keep it after a reboot, put it in /etc/sysctl.d")
      }
    ]
  })
