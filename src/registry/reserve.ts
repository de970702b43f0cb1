import * as Either from "effect/Either"
import type { CommandResult } from "../domain/CommandResult.ts"
import { NotReserved } from "../domain/errors.ts"
import type { Note } from "../domain/Note.ts"
import { contains, type PortRange } from "../domain/PortRange.ts"
import { type Change, holdersByPort, type RegistryState, reasonsOf } from "../domain/RegistryState.ts"
import type { ReservedPort } from "../domain/ReservedPort.ts"
import { builtInReserved, type Reserved } from "../domain/reservedPorts.ts"

/** Decides `reserve` on `state`. The ports are in order. */
export const decideReserve = (ports: ReadonlyArray<number>, reason: string, state: RegistryState) => {
  const holders = holdersByPort(state.ports)
  const held = ports.filter((port) => holders.has(port))
  const notes: ReadonlyArray<Note> = [
    ...(held.length === 0
      ? []
      : [{ _tag: "StaysHeld", ports: held, holders: held.flatMap((port) => holders.get(port) ?? []) } as const]),
    ...byReason(
      ports.filter((port) => state.reserved.get(port)?.reason !== reason),
      new Map(reasonsOf(state.reserved))
    ).map((each) => ({ _tag: "WasReserved", ...each }) as const)
  ]
  const fresh = ports.filter((port) => state.reserved.get(port)?.reason !== reason)
  const changes: ReadonlyArray<Change> = fresh.length === 0 ? [] : [{ _tag: "Reserve", ports: fresh, reason }]
  return { answer: { result: { port: only(ports), reason, ports }, notes }, changes }
}

/** Decides `unreserve` on `state`. Ports among others that are not reserved are left out, with a note. */
export const decideUnreserve = (ports: ReadonlyArray<number>, state: RegistryState, configured: Reserved) => {
  const freed = ports.filter((port) => state.reserved.has(port))
  const reason = ports.length === 1 ? configured.get(ports[0] ?? 0) : undefined
  if (freed.length === 0) return Either.left(new NotReserved(reason === undefined ? { ports } : { ports, reason }))
  const others = ports.filter((port) => !state.reserved.has(port))
  const notes: ReadonlyArray<Note> = [
    ...(others.length === 0 ? [] : [{ _tag: "WasNotReserved", ports: others } as const]),
    ...byReason(freed, configured).map((each) => ({ _tag: "StillReserved", ...each }) as const)
  ]
  const changes: ReadonlyArray<Change> = [{ _tag: "Unreserve", ports: freed }]
  return Either.right({ answer: { result: { port: only(ports), ports: freed }, notes }, changes })
}

/** Groups those of `ports` that are `reserved` by their reason. */
const byReason = (ports: ReadonlyArray<number>, reserved: Reserved) =>
  [...new Set(ports.flatMap((port) => reserved.get(port) ?? []))].map((reason) => ({
    ports: ports.filter((port) => reserved.get(port) === reason),
    reason
  }))

const only = (ports: ReadonlyArray<number>): number | null => (ports.length === 1 ? (ports[0] ?? null) : null)

/** Which of the built-in reservations are of interest: those in the managed ranges, unless `all` are. */
interface Selection {
  readonly ranges: ReadonlyArray<PortRange>
  readonly all: boolean
}

/** Returns the result of `listReserved`, by port: what is configured, and what was `reserved` with `d reserve`. */
export const listingOfReserved = (
  configured: Reserved,
  reserved: ReadonlyArray<ReservedPort>,
  { all, ranges }: Selection
): CommandResult<ReadonlyArray<ReservedPort>> => {
  const fixed = [...configured].map(
    ([port, reason]): ReservedPort => ({
      port,
      source: builtInReserved.get(port) === reason ? "built-in" : "configuration",
      reason,
      at: null,
      by: null,
      host: null
    })
  )
  const matters = ({ port, source }: ReservedPort) =>
    all || source !== "built-in" || ranges.some((range) => contains(range, port))
  // The sort is stable: of two for one port, what was configured comes first.
  return { result: [...fixed.filter(matters), ...reserved].sort((a, b) => a.port - b.port), notes: [] }
}
