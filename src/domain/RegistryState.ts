import type { Ignored, IgnoredTarget } from "./Ignored.ts"
import { parsePort } from "./names.ts"
import type { KeyOwner, Owner, StoredOwner } from "./Owner.ts"
import type { Pin } from "./Pin.ts"

/** The exclusive right of one key to one port. */
export interface Claim {
  readonly key: string
  /** ISO 8601, UTC. */
  readonly claimedAt: string
  readonly host: string
  readonly by: string
}

/** Facts about a key other than its port. */
export interface KeyRecord {
  readonly description: string | null
  /** When it was first claimed; ISO 8601. */
  readonly createdAt: string
  readonly host: string
  readonly by: string
}

/** A port that was reserved with `d reserve`. */
export interface Reservation {
  readonly reason: string
  /** ISO 8601. */
  readonly at: string
  readonly host: string
  readonly by: string
}

/** Key → port, for the rows of the settings table that contain a valid port. */
export type Ports = ReadonlyMap<string, number>

/** Everything a decision may depend on, read in one transaction. */
export interface RegistryState {
  /** Key → the exact value of its row in the settings table. */
  readonly rows: ReadonlyMap<string, string>
  readonly ports: Ports
  readonly claims: ReadonlyMap<number, Claim>
  readonly keys: ReadonlyMap<string, KeyRecord>
  /** The known owners of the keys on this host. */
  readonly owners: ReadonlyMap<string, KeyOwner>
  /** Ports reserved with `d reserve`. */
  readonly reserved: ReadonlyMap<number, Reservation>
  /** The rules by which the doctor keeps findings quiet, by the name under which each is stored; undefined if unreadable. */
  readonly ignored: ReadonlyMap<string, Ignored | undefined>
  /** The keys that keep their ports even if they are not used. */
  readonly pinned: ReadonlyMap<string, Pin>
  /** The keys that this change assigned, if it was already made and is being answered again. */
  readonly assigned?: ReadonlySet<string>
  readonly facts?: RegistryFacts
}

/** Facts that a registry stores about itself, from its first change on. */
export interface RegistryFacts {
  /** The settings table that the claims belong to. */
  readonly settingsTable: string | undefined
  /** The version of the tables, as it is stored. */
  readonly version: string | undefined
}

/** One change that a decision makes. */
export type Change =
  | { readonly _tag: "Assign"; readonly what: "set" | "allocate"; readonly key: string; readonly port: number }
  | { readonly _tag: "Remove"; readonly what: "delete" | "prune" | "release"; readonly key: string }
  | { readonly _tag: "Rename"; readonly key: string; readonly to: string }
  | { readonly _tag: "Describe"; readonly key: string; readonly description: string | null }
  /** Sets the owner of the key on this host; `seen` if that owner is serving its port now. */
  | { readonly _tag: "Bind"; readonly key: string; readonly owner: Owner; readonly seen: boolean }
  | { readonly _tag: "Reserve"; readonly ports: ReadonlyArray<number>; readonly reason: string }
  | { readonly _tag: "Unreserve"; readonly ports: ReadonlyArray<number> }
  | { readonly _tag: "Ignore"; readonly target: IgnoredTarget; readonly reason: string }
  | { readonly _tag: "Unignore"; readonly target: IgnoredTarget }
  | { readonly _tag: "Pin" | "Unpin"; readonly key: string }
  | Restore

/** Gives everything in it a value: the one before an operation, or the one in a file; null if it was not there. */
export interface Restore {
  readonly _tag: "Restore"
  readonly what: "undo" | "redo" | "import"
  /** The number of the operation that is taken back; null for an import. */
  readonly number: number | null
  readonly rows: ReadonlyArray<{ readonly key: string; readonly stored: string | null }>
  /** Keys whose owners, on all hosts, go back to another name. */
  readonly renames: ReadonlyArray<{ readonly key: string; readonly to: string }>
  readonly records: ReadonlyArray<{ readonly key: string; readonly record: KeyRecord | null }>
  readonly claims: ReadonlyArray<{ readonly port: number; readonly claim: Claim | null }>
  /** `now` is the owner that is replaced. */
  readonly owners: ReadonlyArray<{
    readonly host: string
    readonly key: string
    readonly owner: StoredOwner | null
    readonly now: StoredOwner | null
  }>
  readonly reserved: ReadonlyArray<{ readonly port: number; readonly reservation: Reservation | null }>
  readonly rules: ReadonlyArray<{ readonly name: string; readonly rule: Ignored | null }>
  readonly pins: ReadonlyArray<{ readonly key: string; readonly pin: Pin | null }>
}

/** Returns the reason of each reservation. */
export const reasonsOf = (reserved: ReadonlyMap<number, Reservation>): ReadonlyArray<readonly [number, string]> =>
  [...reserved].map(([port, { reason }]) => [port, reason])

/** Returns the keys that are gone after `change`, with everything known of them, and those whose place another key takes. */
export const vanishing = (change: Change): ReadonlyArray<string> => {
  switch (change._tag) {
    case "Remove":
      return [change.key]
    case "Rename":
      return [change.to]
    case "Restore": {
      const forgotten = new Set(change.records.flatMap(({ key, record }) => (record === null ? key : [])))
      return [
        ...change.rows.flatMap(({ key, stored }) =>
          stored === null && forgotten.has(key) && !change.renames.some((each) => each.key === key) ? key : []
        ),
        ...change.renames.map(({ to }) => to)
      ]
    }
    default:
      return []
  }
}

/** Returns the valid ports among `rows`. */
export const portsOf = (rows: ReadonlyMap<string, string>): Map<string, number> => {
  const ports = new Map<string, number>()
  for (const [key, value] of rows) {
    const port = parsePort(value)
    if (port !== undefined) ports.set(key, port)
  }
  return ports
}

/** Returns the keys that each port is assigned to, in order of name. */
export const holdersByPort = (ports: Ports): ReadonlyMap<number, ReadonlyArray<string>> => {
  const holders = new Map<number, Array<string>>()
  for (const key of [...ports.keys()].sort()) {
    const port = ports.get(key) ?? 0
    const others = holders.get(port)
    if (others === undefined) holders.set(port, [key])
    else others.push(key)
  }
  return holders
}

/** Returns the keys that `port` is assigned to, in order of name. There is more than one only if it was forced. */
export const holdersOf = (ports: Ports, port: number): ReadonlyArray<string> =>
  [...ports]
    .filter(([, assigned]) => assigned === port)
    .map(([key]) => key)
    .sort()
