import type { Listener } from "../domain/Listener.ts"
import { DASHBOARD_KEY } from "../domain/names.ts"
import { isOf, type KeyOwner, type Owner, otherAppOf, ownerOf } from "../domain/Owner.ts"
import type { Learned } from "../domain/portHealth.ts"
import { inWorktreeOf } from "../machine/gitWorktree.ts"

/** The app that serves an assigned port. Holds as long as `identity` is the same. */
export interface Serving {
  readonly key: string
  readonly owner: Owner | undefined
  /** Changes with the key, its owner or the sockets. The listeners then have to be identified again. */
  readonly identity: string
  readonly servedBy: "owner" | "other" | "unknown"
}

type Owners = ReadonlyMap<string, KeyOwner>

/** Returns an identity that changes when `key`, its owner or its `sockets` do. */
const servingIdentity = (key: string, owner: Owner | undefined, sockets: string): string =>
  [key, owner?.kind ?? "", owner?.name ?? "", sockets].join(" ")

/**
 * Decides whether `listeners` belong to the owner of `key`, and learns the owner if none is known yet. A process in another
 * app's directory is that app, on the wrong port: it is not learned, or it would pass for the app of `key` for good.
 */
const judge = (
  key: string,
  owners: Owners,
  listeners: ReadonlyArray<Listener>
): { readonly servedBy: Serving["servedBy"]; readonly learned?: Owner } => {
  const owner = owners.get(key)
  if (owner === undefined) {
    if (listeners.some((listener) => otherAppOf(key, listener, owners, inWorktreeOf) !== undefined))
      return { servedBy: "other" }
    // The daemon's own: the directory that it was started in says nothing.
    if (key === DASHBOARD_KEY) return { servedBy: "owner" }
    const learned = listeners.map(ownerOf).find((each) => each !== undefined)
    return learned === undefined ? { servedBy: "unknown" } : { servedBy: "owner", learned }
  }
  const verdicts = listeners.map((listener) => isOf(owner, listener, inWorktreeOf))
  if (verdicts.includes(false)) return { servedBy: "other" }
  return { servedBy: verdicts.includes(true) ? "owner" : "unknown" }
}

/** Returns the assigned ports whose listeners have to be identified, because they or their keys have changed. */
export const unfamiliar = (
  keys: ReadonlyMap<number, string>,
  owners: Owners,
  sockets: ReadonlyMap<number, string>,
  serving: ReadonlyMap<number, Serving>
): ReadonlyArray<number> =>
  [...keys].flatMap(([port, key]) => {
    const mine = sockets.get(port)
    const known = serving.get(port)?.identity
    return mine === undefined || known === servingIdentity(key, owners.get(key), mine) ? [] : [port]
  })

/** Returns what serves each port: as `before` if nothing changed, otherwise by the listeners that were `found`. */
export const recognise = (
  keys: ReadonlyMap<number, string>,
  owners: Owners,
  sockets: ReadonlyMap<number, string>,
  before: ReadonlyMap<number, Serving>,
  fresh: ReadonlySet<number>,
  found: ReadonlyArray<Listener>,
  at: string
): { readonly serving: ReadonlyMap<number, Serving>; readonly learned: ReadonlyArray<Learned> } => {
  const learned: Array<Learned> = []
  /** With the owners that this tick has learned: one directory may serve the ports of two apps. */
  let known = owners
  const serving = new Map<number, Serving>()
  for (const [port, key] of keys) {
    const mine = sockets.get(port)
    const last = before.get(port)
    if (mine === undefined) continue
    if (!fresh.has(port) && last !== undefined) {
      serving.set(port, last)
      continue
    }
    const verdict = judge(
      key,
      known,
      found.filter((listener) => listener.port === port)
    )
    if (verdict.learned !== undefined) {
      learned.push({ key, port, owner: verdict.learned, at })
      known = new Map(known).set(key, { ...verdict.learned, since: at, seen: at, said: false })
    }
    const theirs = verdict.learned ?? owners.get(key)
    serving.set(port, { key, owner: theirs, identity: servingIdentity(key, theirs, mine), servedBy: verdict.servedBy })
  }
  return { serving, learned }
}
