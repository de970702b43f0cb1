import type { CommandResult } from "../domain/CommandResult.ts"
import {
  type Imported,
  type Incoming,
  type IncomingOwner,
  type IncomingRegistry,
  NOTHING_IMPORTED,
  type OnConflict,
  type Stamp
} from "../domain/Exchange.ts"
import { type Ignored, nameFor } from "../domain/Ignored.ts"
import { recordOf, ruleLike } from "../domain/Image.ts"
import type { Note } from "../domain/Note.ts"
import { parsePort } from "../domain/names.ts"
import type { Done } from "../domain/Operation.ts"
import { LEARNED, type StoredOwner } from "../domain/Owner.ts"
import { contains, type PortRange } from "../domain/PortRange.ts"
import type { Change, RegistryState, Restore } from "../domain/RegistryState.ts"
import type { OwnerRow } from "../store/takingBack.ts"
import { type ImportRequest, type makePorts, sortRows, textOf } from "./importRows.ts"
import { misplaced } from "./set.ts"

/** What the decision depends on beside the state. */
export interface ImportRules {
  readonly reserved: ReadonlyMap<number, string>
  readonly rangeOf: (key: string) => PortRange
  /** The owners on all hosts. */
  readonly owners: ReadonlyArray<OwnerRow>
  /** Now, here, by this user. */
  readonly stamp: Stamp
}

const storedOwner = ({ kind, name, said = true, seen, since }: IncomingOwner, now: string): StoredOwner => ({
  kind: said ? kind : LEARNED + kind,
  name,
  since: since ?? now,
  seen: seen ?? null
})

/** Returns the claims that come with new keys, and those that they get now. The others follow from the rows. */
const claimsOf = (rows: ReadonlyArray<Incoming>, state: RegistryState, { stamp }: ImportRules): Restore["claims"] =>
  rows.flatMap(({ claimed = stamp, key, shared, ...row }) => {
    const port = parsePort(textOf({ key, ...row }))
    if (port === undefined || claimed === null || state.claims.has(port) || (shared && claimed === stamp)) return []
    return [{ port, claim: { key, claimedAt: claimed.at, host: claimed.host, by: claimed.by } }]
  })

/** Returns the records of the keys: new ones, and those with another description. */
const recordsOf = (rows: ReadonlyArray<Incoming>, state: RegistryState, { stamp }: ImportRules): Restore["records"] =>
  rows.flatMap(({ created, description, key }) => {
    const known = recordOf(state, key)
    if (known !== null) {
      const isSame = (description ?? "") === "" || description === known.description
      return isSame ? [] : [{ key, record: { ...known, description: description ?? null } }]
    }
    const { at, by, host } = created ?? stamp
    const isKnown = created !== null || (description ?? "") !== ""
    return isKnown ? [{ key, record: { description: description || null, createdAt: at, host, by } }] : []
  })

/** Returns the owners of keys that have none on their host, or by force another one, and how many were kept. */
const ownersOf = ({ incoming, onConflict }: ImportRequest, keys: (key: string) => boolean, rules: ImportRules) => {
  const { owners, stamp } = rules
  const known = new Map(owners.map(({ host, key, owner }) => [`${host} ${key}`, owner]))
  const added = new Map<string, Restore["owners"][number]>()
  let kept = 0
  for (const each of incoming.owners) {
    const { host = stamp.host, key } = each
    const id = `${host} ${key}`
    const now = known.get(id) ?? null
    const owner = storedOwner(each, stamp.at)
    if (!keys(key) || (now?.kind === owner.kind && now.name === owner.name)) continue
    if (now !== null && onConflict !== "force") kept++
    // A file may name several for one key: the first one counts.
    else if (!added.has(id)) added.set(id, { host, key, owner, now })
  }
  return { added: [...added.values()], kept }
}

const rulesOf = ({ ignored }: IncomingRegistry, state: RegistryState, { stamp }: ImportRules): Restore["rules"] => {
  const names = new Map(state.ignored)
  return ignored.flatMap(({ at, by, check, host, key, port, reason }) => {
    const rule: Ignored = {
      check,
      key,
      port,
      reason,
      at: at ?? stamp.at,
      host: host ?? stamp.host,
      by: by ?? stamp.by
    }
    if (ruleLike({ ignored: names }, rule) !== null) return []
    const name = nameFor(rule, names)
    names.set(name, rule)
    return [{ name, rule }]
  })
}

const reservationsOf = ({ reservations }: IncomingRegistry, state: RegistryState, { stamp }: ImportRules) => {
  const added = new Map<number, Restore["reserved"][number]>()
  let kept = 0
  for (const { at, by, host, port, reason } of reservations) {
    const now = state.reserved.get(port)
    if (now !== undefined && now.reason !== reason) kept++
    if (now !== undefined || added.has(port)) continue
    const reservation = { reason, at: at ?? stamp.at, host: host ?? stamp.host, by: by ?? stamp.by }
    added.set(port, { port, reservation })
  }
  return { added: [...added.values()], kept }
}

/** What a user should know of the rows that were taken in. */
const notesOf = (
  fresh: ReadonlyArray<Incoming>,
  { holdersOf, of }: ReturnType<typeof makePorts>,
  { rangeOf, reserved }: ImportRules
): ReadonlyArray<Note> => {
  const placed = fresh.flatMap(({ key }) => {
    const port = of(key)
    return port === undefined ? [] : [{ key, port }]
  })
  const shared = placed.filter(({ key, port }) => holdersOf(port, key).length > 0)
  const onReserved = placed.filter(({ port }) => reserved.has(port))
  const outside = placed.filter(({ key, port }) => !contains(rangeOf(key), port))
  const odd = placed.filter(({ key, port }) =>
    misplaced(key, port, rangeOf(key)).some(({ _tag }) => _tag === "WrongParity")
  )
  const all = [
    { what: "shared", rows: shared },
    { what: "reserved", rows: onReserved },
    { what: "outside", rows: outside },
    { what: "odd", rows: odd }
  ] as const
  return all.flatMap(({ rows, what }): ReadonlyArray<Note> => {
    const keys = rows.map(({ key }) => key)
    return keys.length === 0 ? [] : [{ _tag: "ImportedOdd", what, keys }]
  })
}

/** Decides on `state` what an import adds. Without `skip`, it is all or nothing. */
export const decideImport = (request: ImportRequest, state: RegistryState, rules: ImportRules) => {
  const { dryRun, incoming, onConflict } = request
  const { ports, refused, taken } = sortRows(request, state, rules.reserved)
  const isRefused = refused.length > 0 && onConflict !== "skip"
  const nothing: Imported = { ...NOTHING_IMPORTED, dryRun, onConflict, refused }
  const none: CommandResult<Imported> = { result: nothing, notes: [] }
  if (isRefused) return { answer: none, changes: [] }

  const isPresent = (row: Incoming) => state.rows.get(row.key) === textOf(row)
  const fresh = taken.filter((row) => !isPresent(row))
  const records = recordsOf(taken, state, rules)
  const present = new Set(taken.filter(isPresent).map(({ key }) => key))
  const described = records.flatMap(({ key }) => (present.has(key) ? key : []))
  const newKeys = new Set(fresh.map(({ key }) => key))
  const unfit = new Set(refused.map(({ key }) => key))
  const hasOwner = (key: string) => newKeys.has(key) || (state.rows.has(key) && !unfit.has(key))
  const owners = ownersOf(request, hasOwner, rules)
  const reservations = reservationsOf(incoming, state, rules)
  const ignored = rulesOf(incoming, state, rules)
  const pins = taken.flatMap(({ key, pinned }) => (pinned && !state.pinned.has(key) ? [{ key, pin: pinned }] : []))
  const change: Restore = {
    _tag: "Restore",
    what: "import",
    number: null,
    rows: fresh.map((row) => ({ key: row.key, stored: textOf(row) })),
    renames: [],
    records,
    claims: claimsOf(
      fresh.filter(({ key }) => !state.rows.has(key)),
      state,
      rules
    ),
    owners: owners.added,
    reserved: reservations.added,
    rules: ignored,
    pins
  }
  const changed = [change.rows, records, owners.added, reservations.added, ignored, pins].some(
    (each) => each.length > 0
  )
  const kept = owners.kept + reservations.kept
  const answer: CommandResult<Imported> = {
    result: {
      ...nothing,
      changed,
      imported: fresh.map((row) => ({
        key: row.key,
        port: parsePort(textOf(row)) ?? null,
        from: state.ports.get(row.key) ?? null
      })),
      described,
      present: present.size - described.length,
      owners: owners.added.length,
      pinned: pins.length,
      reservations: reservations.added.length,
      ignored: ignored.length
    },
    notes: [
      ...notesOf(fresh, ports, rules),
      ...(kept === 0 ? [] : [{ _tag: "ImportKept", owners: owners.kept, reservations: reservations.kept } as const])
    ]
  }
  const changes: ReadonlyArray<Change> = changed ? [change] : []
  return { answer, changes }
}

/** Returns the answer to an import that was made before, as far as its events have it. */
export const importedBefore = (events: ReadonlyArray<Done>, onConflict: OnConflict): CommandResult<Imported> => ({
  result: {
    ...NOTHING_IMPORTED,
    dryRun: false,
    onConflict,
    changed: true,
    imported: events.flatMap(({ key, newPort, oldPort }) =>
      key === null || newPort === null ? [] : [{ key, port: newPort, from: oldPort }]
    ),
    described: events.flatMap(({ key, newPort, oldPort }) =>
      key === null || newPort !== null || oldPort !== null ? [] : [key]
    ),
    reservations: events.filter(({ key, newPort }) => key === null && newPort !== null).length
  },
  notes: []
})
