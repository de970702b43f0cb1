import { LIMITS } from "./foreignText.ts"
import type { Claim, Ports } from "./RegistryState.ts"

/** Keys that fit in a claim's row, whatever the character set of its column. */
const CLAIMABLE = new RegExp(`^[\\0-\\x7f]{0,${LIMITS.key}}$`)

type Claims = ReadonlyMap<number, Claim>

/**
 * Returns `claims` made to agree with `ports`, which are the source of truth:
 *
 * - a claim whose key still has its port stays;
 * - a claim whose key now has another port moves there, unless that port is claimed;
 * - a claim whose key has no port is dropped: deleting the row is a release;
 * - a key without a claim gets one, if its port has none, the lowest name first. `stamp` has the time, host and user. A
 *   key that is too long for a claim, or not ASCII, gets none: it is invalid, and if the database refused its row, the
 *   other claims could not be written either.
 *
 * If two keys have the same port, the older claim stays and the other key has none.
 */
export const reconcile = (ports: Ports, claims: Claims, stamp: Omit<Claim, "key">): Map<number, Claim> => {
  const reconciled = new Map<number, Claim>()
  const moving: Array<Claim> = []
  for (const [port, claim] of claims) {
    if (ports.get(claim.key) === port) reconciled.set(port, claim)
    else if (ports.has(claim.key)) moving.push(claim)
  }
  const assign = (claim: Claim) => {
    const port = ports.get(claim.key)
    if (port !== undefined && !reconciled.has(port)) reconciled.set(port, claim)
  }
  for (const claim of moving.sort((a, b) => compare(a.claimedAt, b.claimedAt) || compare(a.key, b.key))) assign(claim)
  const without: Array<string> = []
  for (const [key, port] of ports) if (reconciled.get(port)?.key !== key && CLAIMABLE.test(key)) without.push(key)
  for (const key of without.sort()) assign({ ...stamp, key })
  return reconciled
}

/** Returns `claims` after `key` was renamed: its claim moves with it. */
export const renameClaim = (claims: Claims, key: string, to: string): Map<number, Claim> =>
  new Map([...claims].map(([port, claim]) => [port, claim.key === key ? { ...claim, key: to } : claim]))

/** Returns the claims of `some` that are missing from `others` or differ there. */
const missingFrom = (others: Claims, some: Claims): ReadonlyArray<readonly [port: number, claim: Claim]> => {
  const missing: Array<readonly [number, Claim]> = []
  for (const [port, claim] of some) if (others.get(port) !== claim) missing.push([port, claim])
  return missing
}

/** One difference between two states of the claims: without `from` the claim is new, without `to` it was dropped. */
export interface ClaimMove {
  readonly claim: Claim
  readonly from?: number
  readonly to?: number
}

/** Returns the differences that have to be written to turn the claims `before` into `after`. */
export const diffClaims = (before: Claims, after: Claims): ReadonlyArray<ClaimMove> => {
  // Few of many claims differ, so only those are compared by key.
  const old = missingFrom(after, before)
  const fresh = missingFrom(before, after)
  const held = new Map(old.map(([port, claim]) => [claim.key, port]))
  const holds = new Set(fresh.map(([, claim]) => claim.key))
  const dropped = old.filter(([, claim]) => !holds.has(claim.key)).map(([from, claim]) => ({ claim, from }))
  const given = fresh.flatMap(([to, claim]): ReadonlyArray<ClaimMove> => {
    const from = held.get(claim.key)
    // A later claim on the same port is a new one: the old one was dropped in between.
    if (from === to && before.get(to)?.claimedAt === claim.claimedAt) return []
    return [from === undefined ? { claim, to } : { claim, from, to }]
  })
  return [...dropped, ...given]
}

/** Returns the differences to write so that the claims agree with `ports`, which other programs wrote. */
export const findDrift = (ports: Ports, claims: Claims, stamp: Omit<Claim, "key">): ReadonlyArray<ClaimMove> =>
  diffClaims(claims, reconcile(ports, claims, stamp))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
