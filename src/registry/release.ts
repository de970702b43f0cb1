import * as Effect from "effect/Effect"
import type { CommandResult } from "../domain/CommandResult.ts"
import { StillUp } from "../domain/errors.ts"
import type { Note } from "../domain/Note.ts"
import type { AppName, SpecialKey } from "../domain/PortKey.ts"
import type { UpElsewhere } from "../domain/portHealth.ts"
import type { Change, RegistryState } from "../domain/RegistryState.ts"
import { Listeners } from "../machine/Listeners.ts"
import { heldBy } from "./named.ts"

export interface ReleaseRequest {
  readonly apps: ReadonlyArray<AppName>
  readonly specials: ReadonlyArray<SpecialKey>
  /** Release what is up, too. */
  readonly force: boolean
}

/**
 * Fails with the first of `keys` that is up, on this host or on another: its app would go on on a port that is no longer its
 * own. `number` is the operation that is to be taken back, if that is why.
 */
export const refuseUp = Effect.fnUntraced(function* (
  { ports }: RegistryState,
  keys: ReadonlyArray<string>,
  elsewhere: ReadonlyArray<UpElsewhere>,
  number?: number
) {
  const held = keys.flatMap((key) => {
    const port = ports.get(key)
    return port === undefined ? [] : [{ key, port }]
  })
  const { on, still } = yield* Listeners
  const seen = yield* on(new Set(held.map(({ port }) => port)))
  // Another process's bind test of a port is over a moment later.
  const stayed = seen.length === 0 ? new Set() : yield* still(seen.map(({ port }) => port))
  const found = seen.filter(({ port }) => stayed.has(port))
  for (const { key, port } of held) {
    const by = found.find((listener) => listener.port === port)
    if (by !== undefined) return yield* new StillUp({ key, port, on: { by }, number })
    const there = elsewhere.find((each) => each.port === port && each.key === key)
    if (there !== undefined) return yield* new StillUp({ key, port, on: { host: there.host }, number })
  }
})

/** Returns notes about what other hosts than `here` have claimed. */
const claimedElsewhere = (
  { claims }: RegistryState,
  keys: ReadonlyArray<string>,
  here: string
): ReadonlyArray<Note> => {
  const theirs = [...claims.values()].filter(({ host, key }) => keys.includes(key) && host !== here)
  const claimants = new Map(theirs.map((claim) => [`${claim.host} ${claim.by}`, claim]))
  return [...claimants.values()].map(({ by, host }) => ({
    _tag: "ReleasedElsewhere",
    keys: theirs.filter((claim) => claim.host === host && claim.by === by).map(({ key }) => key),
    host,
    by
  }))
}

/** Decides a release on `state`. `elsewhere` has the ports that are up on other hosts, `here` is this host. */
export const decideRelease = Effect.fn("decideRelease")(function* (
  { apps, force, specials }: ReleaseRequest,
  state: RegistryState,
  elsewhere: ReadonlyArray<UpElsewhere>,
  here: string
) {
  const wanted = [
    ...[...new Set(apps)].map((name) => ({ name, kind: "app" as const })),
    ...[...new Set(specials)].map((name) => ({ name, kind: "special" as const }))
  ].map(({ kind, name }) => ({ name, kind, keys: heldBy(state, kind, name) }))
  const keys = wanted.flatMap((each) => each.keys)
  // A release that was already made and is answered again is not refused.
  if (!force && state.assigned === undefined) yield* refuseUp(state, keys, elsewhere)
  const nothingHeld = wanted
    .filter((each) => each.keys.length === 0)
    .map(({ kind, name }): Note => {
      const other = kind === "app" ? "special" : "app"
      return { _tag: "NothingHeld", name, kind, isOther: heldBy(state, other, name).length > 0 }
    })
  const released = keys.map((key) => ({ key, port: state.ports.get(key) ?? null }))
  const answer: CommandResult<{ readonly released: typeof released }> = {
    result: { released },
    notes: [...nothingHeld, ...claimedElsewhere(state, keys, here)]
  }
  return { answer, changes: keys.map((key): Change => ({ _tag: "Remove", what: "release", key })) }
})
