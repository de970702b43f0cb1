import { parsePort } from "./names.ts"
import { type KeyOwner, ownerFrom } from "./Owner.ts"
import type { Pin } from "./Pin.ts"
import { type Claim, type KeyRecord, type Reservation, type Restore, vanishing } from "./RegistryState.ts"

/** The parts of a state that a Restore changes. */
interface Restored {
  readonly rows: Map<string, string>
  readonly ports: Map<string, number>
  readonly keys: Map<string, KeyRecord>
  /** Those of `here`, this host. */
  readonly owners: Map<string, KeyOwner>
  readonly reserved: Map<number, Reservation>
  readonly pinned: Map<string, Pin>
}

/** Sets a value, or deletes it if there is none. */
export const put = <K, V>(map: Map<K, V>, key: K, value: V | null | undefined): void => {
  if (value === null || value === undefined) map.delete(key)
  else map.set(key, value)
}

/** Changes `state` as `change` says, and returns the claims, which need not agree with the rows yet. */
export const restore = (
  state: Restored,
  claims: ReadonlyMap<number, Claim>,
  change: Restore,
  here: string
): Map<number, Claim> => {
  const { keys, owners, pinned, ports, reserved, rows } = state
  for (const { key, stored } of change.rows) {
    put(rows, key, stored)
    put(ports, key, stored === null ? null : parsePort(stored))
  }
  const leaving = change.renames.map(({ key }) => owners.get(key))
  for (const key of vanishing(change)) owners.delete(key)
  for (const [at, { key, to }] of change.renames.entries()) {
    owners.delete(key)
    put(owners, to, leaving[at])
  }
  for (const { key, record } of change.records) put(keys, key, record)
  for (const { host, key, owner } of change.owners)
    if (host === here) put(owners, key, owner === null ? null : ownerFrom(owner))
  for (const { port, reservation } of change.reserved) put(reserved, port, reservation)
  for (const { key, pin } of change.pins) put(pinned, key, pin)
  const restored = new Map(claims)
  for (const { claim, port } of change.claims) put(restored, port, claim)
  return restored
}

/** The part of a history event that says what happened. */
interface Happened {
  readonly key: string | null
  readonly oldPort: number | null
  readonly newPort: number | null
}

/** Returns what the history records of `change`: each key and each port that it touches, once. */
export const happeningsOf = (change: Restore, ports: ReadonlyMap<string, number>): ReadonlyArray<Happened> => {
  const found = new Map<string, Happened>()
  for (const { key, stored } of change.rows)
    found.set(key, {
      key,
      oldPort: ports.get(key) ?? null,
      newPort: stored === null ? null : (parsePort(stored) ?? null)
    })
  for (const { key } of [...change.records, ...change.owners, ...change.pins])
    if (!found.has(key)) found.set(key, { key, oldPort: null, newPort: null })
  const ruled = change.rules.map(({ rule }): Happened => ({ key: rule?.key ?? null, oldPort: null, newPort: null }))
  return [
    ...found.values(),
    ...change.reserved.map(
      ({ port, reservation }): Happened => ({
        key: null,
        oldPort: reservation === null ? port : null,
        newPort: reservation === null ? null : port
      })
    ),
    // A rule about a key that is told of already goes with the key.
    ...ruled
      .filter(({ key }) => key === null || !found.has(key))
      .slice(0, found.size + change.reserved.length > 0 ? 0 : 1)
  ]
}
