import type { Assignment } from "../domain/Assignment.ts"
import type { CommandResult } from "../domain/CommandResult.ts"
import { type HealthState, healthFrom, healthNow } from "../domain/Health.ts"
import type { Listener } from "../domain/Listener.ts"
import type { Note } from "../domain/Note.ts"
import { appOf, kindOf } from "../domain/names.ts"
import { type HostHealth, knownOf, OLD_HEALTH_MS, past } from "../domain/portHealth.ts"
import type { RegistryState } from "../domain/RegistryState.ts"

type Stored = Pick<RegistryState, "rows" | "ports" | "claims" | "keys"> & { readonly health: HostHealth }

const shown = ({ address, process, user }: Listener): Assignment["listener"] => ({
  address,
  pid: process?.pid ?? null,
  command: process?.command ?? null,
  directory: process?.directory ?? null,
  user
})

/** Returns the result of `listPorts` for the `selected` assignments, with the listeners that were `found`. */
export const listing = (
  selected: Iterable<readonly [key: string, port: number]>,
  state: HealthState | undefined,
  stored: Stored,
  found: ReadonlyArray<Listener>,
  now: number
): CommandResult<ReadonlyArray<Assignment>> => {
  const { health, keys, ports, rows } = stored
  const at = new Date(now).toISOString()
  const checkedAt = past(health.probedAt, at)
  const byPort = new Map(found.map((listener) => [listener.port, shown(listener)]))
  const result = [...selected]
    .map(
      ([key, port]): Assignment => ({
        key,
        port,
        kind: kindOf(key),
        app: appOf(key),
        description: keys.get(key)?.description ?? null,
        health: healthNow(healthFrom(knownOf(health, stored, port, at), checkedAt), byPort.has(port), at),
        listener: byPort.get(port) ?? null
      })
    )
    .filter((each) => state === undefined || each.health.state === state)
    .sort((a, b) => a.port - b.port || (a.key < b.key ? -1 : 1))
  const age = checkedAt === null ? 0 : now - Date.parse(checkedAt)
  const notes = [...rows]
    .filter(([key]) => !ports.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]): Note => ({ _tag: "NoPort", key, stored: value }))
  if (health.probedAt !== null && checkedAt === null) notes.push({ _tag: "HealthAhead", at: health.probedAt })
  if (age > OLD_HEALTH_MS) notes.push({ _tag: "OldHealth", seconds: Math.round(age / 1000) })
  return { result, notes }
}
