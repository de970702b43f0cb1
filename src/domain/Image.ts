import { type Ignored, isSameTarget } from "./Ignored.ts"
import { type KeyOwner, type StoredOwner, storedOwner } from "./Owner.ts"
import type { Pin } from "./Pin.ts"
import type { Change, Claim, KeyRecord, RegistryState, Reservation } from "./RegistryState.ts"
import { vanishing } from "./RegistryState.ts"

/** A rule of the doctor with the name under which it is stored. */
export interface StoredRule {
  readonly name: string
  readonly rule: Ignored
}

/** One thing that an operation changed: its name, and its value before and after; null if it was not there. */
export type Difference =
  | readonly ["row", key: string, before: string | null, after: string | null]
  | readonly ["claim", port: number, before: Claim | null, after: Claim | null]
  | readonly ["record", key: string, before: KeyRecord | null, after: KeyRecord | null]
  | readonly ["owner", host: string, key: string, before: StoredOwner | null, after: StoredOwner | null]
  | readonly ["reserved", port: number, before: Reservation | null, after: Reservation | null]
  | readonly ["rule", before: StoredRule | null, after: StoredRule | null]
  | readonly ["pin", key: string, before: Pin | null, after: Pin | null]
  /** The port of a key of which something else changed: by it, a later change is found if the key has got another name. */
  | readonly ["port", key: string, port: number]
  /** The key got another name, and its owners on all hosts with it. */
  | readonly ["rename", key: string, to: string]
  /** Other keys that had the port, too. */
  | readonly ["shared", port: number, keys: ReadonlyArray<string>]

/** Everything that an operation changed. */
export type Image = ReadonlyArray<Difference>

// Written field by field: two values with the same fields are the same text.
const ownClaim = ({ by, claimedAt, host, key }: Claim): Claim => ({ key, claimedAt, host, by })
const ownRecord = ({ by, createdAt, description, host }: KeyRecord): KeyRecord => ({ description, createdAt, host, by })
const ownReservation = ({ at, by, host, reason }: Reservation): Reservation => ({ reason, at, host, by })
const ownPin = ({ at, by, host }: Pin): Pin => ({ at, host, by })
const ownOwner = (owner: KeyOwner): StoredOwner => storedOwner(owner)
const ownRule = ({ at, by, check, host, key, port, reason }: Ignored): Ignored => ({
  check,
  key,
  port,
  reason,
  at,
  host,
  by
})

const orNull = <A, B>(value: A | undefined, own: (value: A) => B): B | null => (value === undefined ? null : own(value))

export const claimAt = ({ claims }: Pick<RegistryState, "claims">, port: number) => orNull(claims.get(port), ownClaim)
export const recordOf = ({ keys }: Pick<RegistryState, "keys">, key: string) => orNull(keys.get(key), ownRecord)
export const reservationOf = ({ reserved }: Pick<RegistryState, "reserved">, port: number) =>
  orNull(reserved.get(port), ownReservation)
export const pinOf = ({ pinned }: Pick<RegistryState, "pinned">, key: string) => orNull(pinned.get(key), ownPin)

/** Returns the stored rule about the target of `about`. */
export const ruleLike = ({ ignored }: Pick<RegistryState, "ignored">, about: Ignored): StoredRule | null => {
  for (const [name, rule] of ignored)
    if (rule !== undefined && isSameTarget(rule, about)) return { name, rule: ownRule(rule) }
  return null
}

/** Returns whether two values are the same. */
export const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** The names of everything that `changes` may touch. */
const touchedBy = (changes: ReadonlyArray<Change>) => {
  const keys = new Set<string>()
  const reserved = new Set<number>()
  for (const change of changes) {
    if ("key" in change) keys.add(change.key)
    if (change._tag === "Rename") keys.add(change.to)
    if (change._tag === "Reserve" || change._tag === "Unreserve") for (const port of change.ports) reserved.add(port)
    if (change._tag !== "Restore") continue
    for (const { key } of [...change.rows, ...change.records, ...change.owners, ...change.pins]) keys.add(key)
    for (const { port } of change.reserved) reserved.add(port)
  }
  return { keys: [...keys], reserved: [...reserved] }
}

const rulesThatDiffer = (before: RegistryState, after: RegistryState): Image => {
  if (before.ignored === after.ignored) return []
  const all = [...before.ignored.values(), ...after.ignored.values()].filter((rule) => rule !== undefined)
  const differences = all.map((rule) => ["rule", ruleLike(before, rule), ruleLike(after, rule)] as const)
  const seen = new Set<string>()
  return differences.filter(([, was, is]) => {
    const text = JSON.stringify([was, is])
    return !isSame(was, is) && !seen.has(text) && seen.add(text).size > 0
  })
}

/** Returns the other keys that have one of the ports that `changes` take from a key. */
const sharedBefore = ({ ports }: RegistryState, keys: ReadonlyArray<string>, left: RegistryState): Image => {
  const given = new Set(keys.flatMap((key) => (left.ports.get(key) === ports.get(key) ? [] : (ports.get(key) ?? []))))
  if (given.size === 0) return []
  const others = new Map<number, Array<string>>()
  for (const [key, port] of ports)
    if (given.has(port) && !keys.includes(key)) others.set(port, [...(others.get(port) ?? []), key])
  return [...others].map(([port, holders]) => ["shared", port, holders.sort()])
}

/**
 * Returns everything that `changes` change when they turn the state `before`, whose claims agree with its rows, into
 * `after`. Owners on other hosts than `here` are not part of the states; those of keys that vanish are recorded by the
 * database.
 */
export const imageOf = (
  before: RegistryState,
  after: RegistryState,
  changes: ReadonlyArray<Change>,
  here: string
): Image => {
  const { keys, reserved } = touchedBy(changes)
  const renames = changes.flatMap((change) =>
    change._tag === "Rename" ? [change] : change._tag === "Restore" ? change.renames : []
  )
  const moved = new Set(renames.map(({ key }) => key))
  const taken = new Set(renames.map(({ to }) => to))
  const gone = new Set(changes.flatMap(vanishing))
  const ports = new Set(keys.flatMap((key) => [before.ports.get(key) ?? [], after.ports.get(key) ?? []].flat()))
  const ownerOf = ({ owners }: RegistryState, key: string) => orNull(owners.get(key), ownOwner)
  const elsewhere = changes.flatMap((change) => (change._tag === "Restore" ? change.owners : []))
  const found: Image = [
    ...renames.map(({ key, to }) => ["rename", key, to] as const),
    ...keys.map((key) => ["row", key, before.rows.get(key) ?? null, after.rows.get(key) ?? null] as const),
    ...[...ports].map((port) => ["claim", port, claimAt(before, port), claimAt(after, port)] as const),
    ...keys.map((key) => ["record", key, recordOf(before, key), recordOf(after, key)] as const),
    ...keys.map((key) => ["pin", key, pinOf(before, key), pinOf(after, key)] as const),
    ...keys
      // What moves with its key is not lost; what was there before is.
      .filter((key) => !moved.has(key) && !(taken.has(key) && !before.owners.has(key)))
      .map((key) => ["owner", here, key, ownerOf(before, key), ownerOf(after, key)] as const),
    ...elsewhere
      .filter(({ host, key }) => host !== here && !gone.has(key))
      .map(({ host, key, now, owner }) => ["owner", host, key, now, owner] as const),
    ...reserved.map((port) => ["reserved", port, reservationOf(before, port), reservationOf(after, port)] as const)
  ]
  const kept = keys.flatMap((key): Image => {
    const port = after.ports.get(key)
    return port === undefined || before.rows.get(key) !== after.rows.get(key) ? [] : [["port", key, port]]
  })
  return [
    ...found.filter((each) => each[0] === "rename" || !isSame(each.at(-2), each.at(-1))),
    ...kept,
    ...rulesThatDiffer(before, after),
    ...sharedBefore(before, keys, after)
  ]
}

/** Returns the keys that an image is about. */
export const keysIn = (image: Image): ReadonlyArray<string> => [
  ...new Set(
    image.flatMap((each) => {
      switch (each[0]) {
        case "row":
        case "record":
        case "pin":
          return each[1]
        case "owner":
          return each[2]
        case "rename":
          return [each[1], each[2]]
        default:
          return []
      }
    })
  )
]
