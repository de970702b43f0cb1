import { reconcile, renameClaim } from "./claims.ts"
import { nameFor, rulesOf } from "./Ignored.ts"
import type { Change, Claim, RegistryState } from "./RegistryState.ts"
import { put, restore } from "./restore.ts"

/**
 * Returns the state after `changes`. `stamp` has the time, host and user of the changes; `agrees` is whether the claims
 * are known to agree with the rows.
 */
export const applyChanges = (
  state: RegistryState,
  changes: ReadonlyArray<Change>,
  stamp: Omit<Claim, "key">,
  agrees = false
): RegistryState => {
  /** Copies `map` only if one of the changes writes to it: there may be very many keys. */
  const copied = <K, V>(map: ReadonlyMap<K, V>, ...writers: ReadonlyArray<Change["_tag"]>): Map<K, V> =>
    changes.some(({ _tag }) => writers.includes(_tag)) ? new Map(map) : (map as Map<K, V>)
  const rows = copied(state.rows, "Assign", "Remove", "Rename", "Restore")
  const ports = copied(state.ports, "Assign", "Remove", "Rename", "Restore")
  const keys = copied(state.keys, "Assign", "Remove", "Rename", "Describe", "Bind", "Restore")
  const owners = copied(state.owners, "Remove", "Rename", "Bind", "Restore")
  const reserved = copied(state.reserved, "Reserve", "Unreserve", "Restore")
  const pinned = copied(state.pinned, "Remove", "Rename", "Pin", "Unpin", "Restore")
  let claims = agrees ? state.claims : reconcile(state.ports, state.claims, stamp)
  const introduce = (key: string) => {
    const { by, claimedAt: createdAt, host } = stamp
    if (!keys.has(key)) keys.set(key, { description: null, createdAt, host, by })
  }
  for (const change of changes) {
    switch (change._tag) {
      case "Assign":
        introduce(change.key)
        rows.set(change.key, String(change.port))
        ports.set(change.key, change.port)
        break
      case "Remove":
        for (const each of [rows, ports, keys, owners, pinned]) each.delete(change.key)
        break
      case "Rename":
        moveKey(rows, change)
        moveKey(ports, change)
        moveKey(keys, change)
        moveKey(owners, change)
        moveKey(pinned, change)
        claims = renameClaim(claims, change.key, change.to)
        break
      case "Describe": {
        introduce(change.key)
        const known = keys.get(change.key)
        if (known !== undefined) keys.set(change.key, { ...known, description: change.description })
        break
      }
      case "Bind":
        introduce(change.key)
        owners.set(change.key, {
          ...change.owner,
          since: stamp.claimedAt,
          seen: change.seen ? stamp.claimedAt : null,
          said: true
        })
        break
      case "Reserve":
        for (const port of change.ports)
          reserved.set(port, { reason: change.reason, at: stamp.claimedAt, host: stamp.host, by: stamp.by })
        break
      case "Unreserve":
        for (const port of change.ports) reserved.delete(port)
        break
      case "Pin":
        pinned.set(change.key, { at: stamp.claimedAt, host: stamp.host, by: stamp.by })
        break
      case "Unpin":
        pinned.delete(change.key)
        break
      case "Restore":
        claims = restore({ rows, ports, keys, owners, reserved, pinned }, claims, change, stamp.host)
    }
  }
  const ignored = ignoredAfter(state.ignored, changes, stamp)
  return { ...state, rows, ports, keys, owners, reserved, pinned, ignored, claims: reconcile(ports, claims, stamp) }
}

/** Returns the rules of the doctor after `changes`: a rule about a key goes with the key. */
const ignoredAfter = (
  before: RegistryState["ignored"],
  changes: ReadonlyArray<Change>,
  { by, claimedAt: at, host }: Omit<Claim, "key">
): RegistryState["ignored"] => {
  if (!changes.some(({ _tag }) => ["Remove", "Rename", "Ignore", "Unignore", "Restore"].includes(_tag))) return before
  const ignored = new Map(before)
  for (const change of changes) {
    switch (change._tag) {
      case "Remove":
        for (const [name] of rulesOf(change.key, ignored)) ignored.delete(name)
        break
      case "Rename":
        for (const [name, rule] of rulesOf(change.key, ignored)) ignored.set(name, { ...rule, key: change.to })
        break
      case "Ignore":
        ignored.set(nameFor(change.target, ignored), { ...change.target, reason: change.reason, at, host, by })
        break
      case "Unignore":
        ignored.delete(nameFor(change.target, ignored))
        break
      case "Restore":
        for (const { name, rule } of change.rules) put(ignored, name, rule)
    }
  }
  return ignored
}

const moveKey = <A>(map: Map<string, A>, { key, to }: { readonly key: string; readonly to: string }): void => {
  const moved = map.get(key)
  map.delete(key)
  map.delete(to)
  if (moved !== undefined) map.set(to, moved)
}
