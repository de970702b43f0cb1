import { parsePort } from "./names.ts"
import type { KeyOwner, Owner } from "./Owner.ts"

/** The exclusive right of one key to one port. */
export interface Claim {
  readonly key: string
  /** ISO 8601, UTC. */
  readonly claimedAt: string
  readonly host: string
  readonly by: string
}

/** What is known of a key beside its port. */
export interface KeyRecord {
  readonly description: string | null
  /** When and by whom it was first claimed; ISO 8601. */
  readonly createdAt: string
  readonly host: string
  readonly by: string
}

/** Key → port, as far as the rows of `settings` are ports. */
export type Ports = ReadonlyMap<string, number>

/** Everything a decision may rest on, read inside one transaction. */
export interface RegistryState {
  /** Key → what its row in `settings` holds, to the byte. */
  readonly rows: ReadonlyMap<string, string>
  readonly ports: Ports
  readonly claims: ReadonlyMap<number, Claim>
  readonly keys: ReadonlyMap<string, KeyRecord>
  /** Whose each key is on this host, as far as that is known. */
  readonly owners: ReadonlyMap<string, KeyOwner>
  /** Ports held back at run time, with the reason. */
  readonly reserved: ReadonlyMap<number, string>
  /** The keys that this very change has assigned, if it was made before and is answered again. */
  readonly assigned?: ReadonlySet<string>
  readonly facts?: RegistryFacts
}

/** What a registry says of itself, once anything was changed. */
export interface RegistryFacts {
  /** The table of settings that the claims belong to. */
  readonly settingsTable: string | undefined
  /** The version of the tables, as it is stored. */
  readonly version: string | undefined
}

/** One thing that a decision wants written. */
export type Change =
  | { readonly _tag: "Assign"; readonly what: "set" | "allocate"; readonly key: string; readonly port: number }
  | { readonly _tag: "Remove"; readonly what: "delete" | "release"; readonly key: string }
  | { readonly _tag: "Rename"; readonly key: string; readonly to: string }
  | { readonly _tag: "Describe"; readonly key: string; readonly description: string | null }
  /** Says whose the key is on this host; `seen` where that one serves its port now. */
  | { readonly _tag: "Bind"; readonly key: string; readonly owner: Owner; readonly seen: boolean }
  | { readonly _tag: "Reserve"; readonly port: number; readonly reason: string }
  | { readonly _tag: "Unreserve"; readonly port: number }

/** The valid ports among `rows`. */
export const portsOf = (rows: ReadonlyMap<string, string>): Map<string, number> => {
  const ports = new Map<string, number>()
  for (const [key, value] of rows) {
    const port = parsePort(value)
    if (port !== undefined) ports.set(key, port)
  }
  return ports
}

/** Port → the keys that it is assigned to, lowest name first. */
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

/** The keys that `port` is assigned to, lowest name first. More than one where somebody forced it. */
export const holdersOf = (ports: Ports, port: number): ReadonlyArray<string> =>
  [...ports]
    .filter(([, assigned]) => assigned === port)
    .map(([key]) => key)
    .sort()
