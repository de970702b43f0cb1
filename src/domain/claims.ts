import { LIMITS } from "./foreignText.ts"
import type { Claim, Ports } from "./RegistryState.ts"

/** What a claim can hold, whatever the character set of its column. */
const CLAIMABLE = new RegExp(`^[\\0-\\x7f]{0,${LIMITS.key}}$`)

type Claims = ReadonlyMap<number, Claim>

/**
 * The claims that agree with `ports`, which are the truth:
 *
 * - a claim whose key still has its port stays;
 * - a claim whose key has another port now moves there, unless that port is claimed;
 * - a claim whose key has no port is dropped: somebody deleted the row, and that is a release;
 * - a key without a claim gets its port's, if nobody has it, the lowest name first. `stamp` says when and by whom. What
 *   is too long for a claim, or not ASCII, goes without: it is no key, and a row that is refused would stop all others.
 *
 * Where two keys have one port the older claim stays and the other key goes without.
 */
export const reconcile = (ports: Ports, claims: Claims, stamp: Omit<Claim, "key">): Map<number, Claim> => {
  const settled = new Map<number, Claim>()
  const moving: Array<Claim> = []
  for (const [port, claim] of claims) {
    if (ports.get(claim.key) === port) settled.set(port, claim)
    else if (ports.has(claim.key)) moving.push(claim)
  }
  const give = (claim: Claim) => {
    const port = ports.get(claim.key)
    if (port !== undefined && !settled.has(port)) settled.set(port, claim)
  }
  for (const claim of moving.sort((a, b) => compare(a.claimedAt, b.claimedAt) || compare(a.key, b.key))) give(claim)
  const without: Array<string> = []
  for (const [key, port] of ports) if (settled.get(port)?.key !== key && CLAIMABLE.test(key)) without.push(key)
  for (const key of without.sort()) give({ ...stamp, key })
  return settled
}

/** `claims` after `key` was renamed: the right to the port goes with it. */
export const renameClaim = (claims: Claims, key: string, to: string): Map<number, Claim> =>
  new Map([...claims].map(([port, claim]) => [port, claim.key === key ? { ...claim, key: to } : claim]))

/** The claims of `some` that are not the same in `others`. */
const missingFrom = (others: Claims, some: Claims): ReadonlyArray<readonly [port: number, claim: Claim]> => {
  const missing: Array<readonly [number, Claim]> = []
  for (const [port, claim] of some) if (others.get(port) !== claim) missing.push([port, claim])
  return missing
}

/** One step from `before` to `after`, by key: `from` or `to` is missing where a claim was given or dropped. */
export interface ClaimMove {
  readonly claim: Claim
  readonly from?: number
  readonly to?: number
}

/** What has to be written to turn the claims `before` into `after`. */
export const diffClaims = (before: Claims, after: Claims): ReadonlyArray<ClaimMove> => {
  // Few of many differ, so only these are gone through by key.
  const old = missingFrom(after, before)
  const fresh = missingFrom(before, after)
  const held = new Map(old.map(([port, claim]) => [claim.key, port]))
  const holds = new Set(fresh.map(([, claim]) => claim.key))
  const dropped = old.filter(([, claim]) => !holds.has(claim.key)).map(([from, claim]) => ({ claim, from }))
  const given = fresh.flatMap(([to, claim]): ReadonlyArray<ClaimMove> => {
    const from = held.get(claim.key)
    // Dropped and given anew between the two, it is another right to the same port.
    if (from === to && before.get(to)?.claimedAt === claim.claimedAt) return []
    return [from === undefined ? { claim, to } : { claim, from, to }]
  })
  return [...dropped, ...given]
}

/** What has to be written for the claims to agree with `ports`: other programs wrote these. */
export const findDrift = (ports: Ports, claims: Claims, stamp: Omit<Claim, "key">): ReadonlyArray<ClaimMove> =>
  diffClaims(claims, reconcile(ports, claims, stamp))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
