import * as Effect from "effect/Effect"
import type { Listener } from "../domain/Listener.ts"
import { appOf, groupOf, keyProblem } from "../domain/names.ts"
import type { KeyOwner } from "../domain/Owner.ts"
import type { Presence, Prunable, PruneReason, Sighted, Stay, Staying } from "../domain/Prune.ts"
import { type HostHealth, knownOf, type PortHealth, type UpElsewhere } from "../domain/portHealth.ts"
import type { Change, RegistryState } from "../domain/RegistryState.ts"

/** What of the world a decision to prune depends on. */
export interface Known {
  readonly health: HostHealth
  /** Whether another machine has stored the health under this host's name, or this one before it was restarted. */
  readonly isHealthForeign: boolean
  readonly elsewhere: ReadonlyArray<UpElsewhere>
  /** What other hosts know of the keys. */
  readonly sighted: ReadonlyMap<string, ReadonlyArray<Sighted>>
  readonly presences: ReadonlyMap<string, Presence>
  /** This host. */
  readonly here: string
  /** ISO 8601. */
  readonly now: string
}

/** Says for some ports that nothing answers there, what listens, or that this cannot be found out. */
export type Answers = (ports: ReadonlyArray<number>) => Effect.Effect<ReadonlyMap<number, Listener | null | "unclear">>

/** A key with what speaks for its being unused. */
interface Seen {
  readonly key: string
  readonly port: number
  readonly health: PortHealth | undefined
  readonly reasons: ReadonlyArray<PruneReason>
  /** What it belongs to, or its other half does, because an app is one thing; undefined if that is no directory. */
  readonly home: KeyOwner | undefined
  readonly presence: Presence | undefined
}

const homeOf = ({ owners }: RegistryState, key: string): KeyOwner | undefined => {
  const app = appOf(key)
  const keys = app === null ? [key] : [key, `${app}-prod`, `${app}-dev`]
  const [owner] = keys.flatMap((each) => owners.get(each) ?? [])
  return owner?.kind === "directory" ? owner : undefined
}

const reasonsOf = (health: PortHealth | undefined, presence: Presence | undefined): ReadonlyArray<PruneReason> => [
  ...(health?.state === "stale" ? ["stale" as const] : []),
  ...(presence?._tag === "Gone"
    ? [presence.repository === null ? ("directory-gone" as const) : ("worktree-gone" as const)]
    : [])
]

const seenIn = (state: RegistryState, known: Known, key: string, port: number): Seen => {
  const record = knownOf(known.health, state, port, known.now)
  const health = record?.key === key ? record : undefined
  const home = homeOf(state, key)
  // One that a key got since they were looked for is looked for the next time.
  const presence = home && known.presences.get(home.name)
  return { key, port, health, reasons: reasonsOf(health, presence), home, presence }
}

/** Whether a key seems to be unused, so that it is said why its port stays if it does. */
const isCandidate = ({ presence, reasons }: Seen): boolean => reasons.length > 0 || presence?._tag === "Doubtful"

/** Returns why a port stays that another host has a say in. */
const stayForOthers = (state: RegistryState, known: Known, { key, port }: Seen): Stay | undefined => {
  const up = known.elsewhere.find((each) => each.port === port && each.key === key)
  if (up !== undefined) return { why: "up-elsewhere", host: up.host }
  const sighted = known.sighted.get(key) ?? []
  const seen = sighted.find(({ lastUp }) => lastUp !== null)
  if (seen?.lastUp) return { why: "seen-elsewhere", host: seen.host, at: seen.lastUp }
  const owned = sighted.find(({ owner }) => owner !== null)
  if (owned?.owner) return { why: "owned-elsewhere", host: owned.host, owner: owned.owner }
  const claim = state.claims.get(port)
  return claim?.key === key && claim.host !== known.here ? { why: "claimed-elsewhere", host: claim.host } : undefined
}

/** How long a directory that was named, and never seen, may be missing because it is yet to be made. */
const NEW_MS = 86_400_000

/** Whether the directory of a key is missing because it is yet to be made, as far as is known. */
const mayBeMade = ({ health, home, reasons }: Seen, now: string): boolean =>
  home?.seen === null &&
  health?.lastUp === null &&
  reasons.includes("directory-gone") &&
  Date.parse(now) - Date.parse(home.since) < NEW_MS

/** Returns why a port stays, by what is stored and by the directory of its key. */
const stayOf = (state: RegistryState, known: Known, seen: Seen): Stay | undefined => {
  const { health, home, key, presence } = seen
  if (state.pinned.has(key)) return { why: "pinned" }
  const theirs = stayForOthers(state, known, seen)
  if (theirs !== undefined) return theirs
  if (health === undefined || health.state === "unknown" || known.isHealthForeign) return { why: "unknown" }
  if (health.state === "up") return { why: "up", by: null }
  if (home === undefined) return undefined
  if (presence?._tag === "Doubtful") return { why: "doubt", directory: home.name, doubt: presence.doubt }
  return mayBeMade(seen, known.now) ? { why: "new", since: home.since } : undefined
}

/** Returns the keys by the app or the special that has them. Invalid ones are another program's. */
const groupsOf = ({ ports }: RegistryState): ReadonlyArray<ReadonlyArray<readonly [key: string, port: number]>> => {
  const groups = new Map<string, Array<readonly [string, number]>>()
  for (const [key, port] of ports) {
    if (keyProblem(key) !== undefined) continue
    const group = groups.get(groupOf(key))
    if (group === undefined) groups.set(groupOf(key), [[key, port]])
    else group.push([key, port])
  }
  return [...groups.values()]
}

/** Returns why each key of a group stays: an app goes as a whole, or not at all. */
const together = (group: ReadonlyArray<Seen>, stays: ReadonlyMap<string, Stay>): ReadonlyMap<string, Stay> => {
  const kept = group.find(({ key }) => stays.has(key)) ?? group.find((each) => !isCandidate(each))
  if (kept === undefined) return new Map()
  return new Map(
    group.flatMap(({ key }): ReadonlyArray<readonly [string, Stay]> => {
      const own = stays.get(key)
      if (own !== undefined) return [[key, own]]
      return key === kept.key ? [] : [[key, { why: "half", other: kept.key }]]
    })
  )
}

/** What may go, and what stays although it seems to be unused, each by port. */
export interface Pruning {
  readonly pruned: ReadonlyArray<Prunable>
  readonly kept: ReadonlyArray<Staying>
}

const prunable = ({ health, home, key, port, presence, reasons }: Seen): Prunable => ({
  key,
  port,
  reasons,
  staleSince: health?.state === "stale" ? health.since : null,
  lastUp: health?.lastUp ?? null,
  directory: home?.name ?? null,
  repository: presence?._tag === "Gone" ? presence.repository : null
})

/** Returns why those that were asked for by name stay although they are not even candidates. */
const keptAsked = (
  keys: ReadonlyArray<string>,
  { ports }: RegistryState,
  told: ReadonlySet<string>
): ReadonlyArray<Staying> =>
  [...new Set(keys)]
    .filter((key) => !told.has(key))
    .map((key) => ({ key, port: ports.get(key) ?? null, stay: { why: ports.has(key) ? "used" : "no-port" } }))

/**
 * Decides on `state` what is unused: what is stale, or belongs to a directory that is gone. `asked` are the only keys that
 * may go; the other half of each goes with it.
 */
export const decidePrune = Effect.fn("decidePrune")(function* (
  state: RegistryState,
  known: Known,
  answers: Answers,
  asked: ReadonlyArray<string> = []
) {
  const groups = groupsOf(state)
    .map((group) => group.map(([key, port]) => seenIn(state, known, key, port)))
    .filter((group) => group.some(isCandidate))
    .filter((group) => asked.length === 0 || group.some(({ key }) => asked.includes(key)))
  const stored = new Map(
    groups.flat().flatMap((seen): ReadonlyArray<readonly [string, Stay]> => {
      const stay = stayOf(state, known, seen)
      return stay === undefined ? [] : [[seen.key, stay]]
    })
  )
  const quiet = groups.flat().filter(({ key }) => !stored.has(key))
  // Last, because it is asked while others wait: what came up a moment ago stays.
  const heard = yield* answers(quiet.map(({ port }) => port))
  for (const { key, port } of quiet) {
    const by = heard.get(port)
    if (by !== undefined) stored.set(key, by === "unclear" ? { why: "unclear" } : { why: "up", by })
  }
  const pruned: Array<Prunable> = []
  const kept: Array<Staying> = []
  for (const group of groups) {
    const stays = together(group, stored)
    for (const seen of group) {
      const stay = stays.get(seen.key)
      if (stays.size === 0) pruned.push(prunable(seen))
      else if (stay !== undefined && isCandidate(seen)) kept.push({ key: seen.key, port: seen.port, stay })
    }
  }
  kept.push(...keptAsked(asked, state, new Set([...pruned, ...kept].map(({ key }) => key))))
  const pruning: Pruning = { pruned: pruned.sort(byPort), kept: kept.sort(byPort) }
  return {
    pruning,
    changes: pruning.pruned.map(({ key }): Change => ({ _tag: "Remove", what: "prune", key }))
  }
})

const byPort = (a: { readonly port: number | null }, b: { readonly port: number | null }): number =>
  (a.port ?? 0) - (b.port ?? 0)
