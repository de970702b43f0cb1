import * as Effect from "effect/Effect"
import { alteredIn, takenBack } from "../domain/altered.ts"
import { ChangedSince, NotUndoable, TakenSince } from "../domain/errors.ts"
import { nameFor } from "../domain/Ignored.ts"
import {
  claimAt,
  type Difference,
  type Image,
  isSame,
  pinOf,
  recordOf,
  reservationOf,
  ruleLike
} from "../domain/Image.ts"
import type { Note } from "../domain/Note.ts"
import { parsePort } from "../domain/names.ts"
import type { Done } from "../domain/Operation.ts"
import { LEARNED, type StoredOwner } from "../domain/Owner.ts"
import { isForeign, type TakenBack, takesBack } from "../domain/PastOperation.ts"
import type { UpElsewhere } from "../domain/portHealth.ts"
import { holdersOf, type RegistryState, type Restore, vanishing } from "../domain/RegistryState.ts"
import { happeningsOf } from "../domain/restore.ts"
import { Listeners } from "../machine/Listeners.ts"
import type { Target } from "../store/Store.ts"
import { refuseUp } from "./release.ts"

export interface TakeBackRequest {
  /** The number of the operation; undefined for the newest one of this user on this host. */
  readonly asked: number | undefined
  readonly what: "undo" | "redo"
  /** Share a port that others have by now, and take back what is up. */
  readonly force: boolean
  readonly dryRun: boolean
}

/** Returns the answer to an undo that was made before, as far as its events have it. */
export const againFrom = (events: ReadonlyArray<Done>) => ({
  number: events.map(takesBack).find((number) => number !== null) ?? 0,
  changes: events.map(({ key, newPort, oldPort }) => ({ key, oldPort, newPort }))
})

type OwnerNow = (host: string, key: string) => StoredOwner | null

const isSaid = (owner: StoredOwner | null): owner is StoredOwner => owner !== null && !owner.kind.startsWith(LEARNED)

/** Whether a user has named another owner since. What the daemon learns, and when it saw the owner, does not count. */
const isOtherOwner = (now: StoredOwner | null, after: StoredOwner | null): boolean =>
  isSaid(now) && !(now.kind === after?.kind && now.name === after.name)

/** Returns what `difference` is about if its value is no longer the one that the operation left. */
const changedSince = (
  difference: Difference,
  state: RegistryState,
  ownerNow: OwnerNow,
  moved: ReadonlySet<string>
): ChangedSince["about"] | undefined => {
  switch (difference[0]) {
    case "row": {
      const [, key, before, after] = difference
      const had = parsePort(after ?? before ?? "")
      return (state.rows.get(key) ?? null) === after ? undefined : { key, had }
    }
    case "record": {
      const [, key, , after] = difference
      return isSame(recordOf(state, key), after) ? undefined : { key }
    }
    case "pin": {
      const [, key, , after] = difference
      return isSame(pinOf(state, key), after) ? undefined : { key }
    }
    case "owner": {
      const [, host, key, , after] = difference
      return !moved.has(key) && isOtherOwner(ownerNow(host, key), after) ? { key } : undefined
    }
    case "reserved": {
      const [, port, , after] = difference
      return isSame(reservationOf(state, port), after) ? undefined : { port }
    }
    case "rule": {
      const [, before, after] = difference
      const rule = after?.rule ?? before?.rule
      if (rule === undefined || isSame(ruleLike(state, rule)?.rule, after?.rule)) return undefined
      return { target: rule }
    }
    default:
      return undefined
  }
}

/** Returns the port of a key that kept it. */
const portIn = (image: Image, key: string): number | undefined =>
  image.flatMap((each) => (each[0] === "port" && each[1] === key ? each[2] : []))[0]

/** Returns the rules to write. One whose name is used by another by now gets a new one. */
const rulesOf = (image: Image, state: RegistryState): Restore["rules"] => {
  const ignored = new Map(state.ignored)
  const rules: Array<Restore["rules"][number]> = []
  const pairs = image.flatMap((each) => (each[0] === "rule" ? [each] : []))
  for (const [, , after] of pairs) {
    const now = after === null ? null : ruleLike(state, after.rule)
    if (now === null) continue
    ignored.delete(now.name)
    rules.push({ name: now.name, rule: null })
  }
  for (const [, before] of pairs) {
    if (before === null) continue
    const name = ignored.has(before.name) ? nameFor(before.rule, ignored) : before.name
    ignored.set(name, before.rule)
    rules.push({ name, rule: before.rule })
  }
  return rules
}

/** Returns the change that gives everything in `image` its value before. */
const restoring = (
  image: Image,
  state: RegistryState,
  ownerNow: OwnerNow,
  named: Pick<Restore, "what" | "number">
): Restore => ({
  _tag: "Restore",
  ...named,
  rows: image.flatMap((each) => (each[0] === "row" ? [{ key: each[1], stored: each[2] }] : [])),
  renames: image.flatMap((each) => (each[0] === "rename" ? [{ key: each[2], to: each[1] }] : [])),
  records: image.flatMap((each) => (each[0] === "record" ? [{ key: each[1], record: each[2] }] : [])),
  claims: image.flatMap((each) => {
    if (each[0] !== "claim") return []
    const [, port, before, after] = each
    const now = claimAt(state, port)
    // What is claimed by others by now stays theirs.
    return now === null || isSame(now, after) ? [{ port, claim: before }] : []
  }),
  owners: image.flatMap((each) => {
    if (each[0] !== "owner") return []
    const [, host, key, before] = each
    return [{ host, key, owner: before, now: ownerNow(host, key) }]
  }),
  reserved: image.flatMap((each) => (each[0] === "reserved" ? [{ port: each[1], reservation: each[2] }] : [])),
  rules: rulesOf(image, state),
  pins: image.flatMap((each) => (each[0] === "pin" ? [{ key: each[1], pin: each[2] }] : []))
})

/** Returns the keys that get a port back, with the others that have it by now and had it not then. */
const holdersMet = ({ rows }: Restore, image: Image, { ports }: RegistryState) => {
  const before = new Map(image.flatMap((each) => (each[0] === "shared" ? [[each[1], each[2]] as const] : [])))
  const touched = new Set(rows.map(({ key }) => key))
  return rows.flatMap(({ key, stored }) => {
    const port = stored === null ? undefined : parsePort(stored)
    if (port === undefined || ports.get(key) === port) return []
    const others = holdersOf(ports, port).filter((holder) => !touched.has(holder))
    return [{ key, port, holders: others.filter((holder) => before.get(port)?.includes(holder) !== true) }]
  })
}

/** Returns what to know of the ports that keys get back. A key that is renamed keeps what listens on its port. */
const notesOn = Effect.fnUntraced(function* (
  met: ReturnType<typeof holdersMet>,
  reserved: ReadonlyMap<number, string>,
  isRename: boolean
) {
  const notes: Array<Note> = []
  const listeners = yield* Listeners
  for (const { holders, port } of met) {
    if (holders.length > 0) notes.push({ _tag: "Shared", port, holders })
    const reason = reserved.get(port)
    if (reason !== undefined) notes.push({ _tag: "Reserved", port, reason })
    if (!isRename && (yield* listeners.inUse(port)) === true) {
      const [by = null] = yield* listeners.on(new Set([port]))
      notes.push({ _tag: "InUse", port, by })
    }
  }
  return notes
})

interface Circumstances {
  readonly dryRun: boolean
  readonly force: boolean
  /** The ports that are up on other hosts. */
  readonly elsewhere: ReadonlyArray<UpElsewhere>
  readonly reserved: ReadonlyMap<number, string>
}

/** Returns a key that `change` would forget, and of which something is said by now that it does not give back. */
const learnedSince = (
  change: Restore,
  { owners, state }: { readonly owners: Target["owners"]; readonly state: RegistryState },
  moved: ReadonlySet<string>
): { readonly key: string } | undefined => {
  const gone = new Set(vanishing(change).filter((key) => !moved.has(key)))
  const known = new Set(change.owners.map(({ host, key }) => `${host} ${key}`))
  const owned = owners.find(({ host, key, owner }) => gone.has(key) && isSaid(owner) && !known.has(`${host} ${key}`))
  const pins = new Set(change.pins.map(({ key }) => key))
  const key = owned?.key ?? [...gone].find((each) => state.pinned.has(each) && !pins.has(each))
  return key === undefined ? undefined : { key }
}

/** Decides on `state` the change that takes `target` back. Refuses if what it changed was changed since. */
export const decideTakeBack = Effect.fn("decideTakeBack")(function* (
  { image, operation, owners }: Target,
  state: RegistryState,
  { dryRun, elsewhere, force, reserved }: Circumstances
) {
  const { number } = operation
  if (isForeign(operation.what) || image === undefined)
    return yield* new NotUndoable({ number, isForeign: isForeign(operation.what) })
  const ownerNow: OwnerNow = (host, key) => owners.find((each) => each.host === host && each.key === key)?.owner ?? null
  const moved = new Set(image.flatMap((each) => (each[0] === "rename" ? [each[1], each[2]] : [])))
  const what = operation.what === "undo" ? "redo" : "undo"
  const change = restoring(image, state, ownerNow, { what, number })
  const about = image.map((each) => changedSince(each, state, ownerNow, moved)).find((each) => each !== undefined)
  const learned = about ?? learnedSince(change, { owners, state }, moved)
  if (learned !== undefined)
    return yield* new ChangedSince({
      number,
      about: "key" in learned ? { had: portIn(image, learned.key), ...learned } : learned
    })

  const met = holdersMet(change, image, state)
  const taken = met.find(({ holders }) => holders.length > 0)
  if (taken !== undefined && !force) return yield* new TakenSince({ number, ...taken })
  const leaving = change.rows.flatMap(({ key, stored }) => (stored === null && !moved.has(key) ? key : []))
  if (!force) yield* refuseUp(state, leaving, elsewhere, number)

  const notes = yield* notesOn(met, reserved, change.renames.length > 0)
  const changes = happeningsOf(change, state.ports).map((each) => ({
    ...each,
    ...takenBack(alteredIn(image, each.key, operation.host))
  }))
  const result: TakenBack = { operation, dryRun, changes }
  return { answer: { result, notes }, changes: [change] }
})

/** Returns the keys and ports by which the operation in the way of an undo is found, the surest first. */
export const meetingPoints = (error: ChangedSince | TakenSince) => {
  const keysThenPorts = (keys: ReadonlyArray<string>, ports: ReadonlyArray<number>) => [
    { keys, ports: [] },
    { keys: [], ports }
  ]
  if (error._tag === "TakenSince") return keysThenPorts(error.holders, [error.port])
  const { about } = error
  if ("port" in about) return keysThenPorts([], [about.port])
  // After a rename the history has it under another name.
  if ("key" in about) return keysThenPorts([about.key], about.had === undefined ? [] : [about.had])
  const { key, port } = about.target
  return keysThenPorts(key === null ? [] : [key], port === null ? [] : [port])
}
