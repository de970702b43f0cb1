import type { IgnoredTarget } from "./Ignored.ts"
import type { ListenerProcess } from "./Listener.ts"

/** The form in which a registry is moved: what `d export` prints, and what `d import` takes. */

export const FORMAT = "automatelinux-ports"
/** Raised if an older `d` could no longer read it without losing something. New fields alone do not raise it. */
export const FORMAT_VERSION = 1

/** When, where and by whom. */
export interface Stamp {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly host: string
  readonly by: string
}

export interface ExportedAssignment {
  readonly key: string
  /** Null if the row does not contain a port. */
  readonly port: number | null
  readonly description: string | null
  /** Whether other keys have the port, too. */
  readonly shared: boolean
  /** The text of the row, if another program wrote something else than a valid key with a valid port; otherwise null. */
  readonly stored: string | null
  /** Null if the key has no claim: another key with the same port has it, or no change has noticed the row yet. */
  readonly claimed: Stamp | null
  /** Null if another program made the key and nobody has described it. */
  readonly created: Stamp | null
  /** Null if it is not pinned. */
  readonly pinned: Stamp | null
}

export interface ExportedOwner {
  readonly key: string
  readonly host: string
  readonly kind: string
  readonly name: string
  /** A user named it; otherwise it was learned. */
  readonly said: boolean
  readonly since: string
  readonly seen: string | null
}

export interface ExportedReservation extends Stamp {
  readonly port: number
  readonly reason: string
}

export interface ExportedRule extends IgnoredTarget, Stamp {
  readonly reason: string
}

/** A whole registry. Everything is in a fixed order, so that the same registry is the same text. */
export interface Exported {
  readonly format: typeof FORMAT
  readonly version: typeof FORMAT_VERSION
  readonly assignments: ReadonlyArray<ExportedAssignment>
  readonly owners: ReadonlyArray<ExportedOwner>
  readonly reservations: ReadonlyArray<ExportedReservation>
  /** The rules by which the doctor keeps findings quiet. */
  readonly ignored: ReadonlyArray<ExportedRule>
}

/** An assignment as it is proposed to the registry. What is undefined gets the values of a new key. */
export interface Incoming {
  readonly key: string
  /** As it was written. */
  readonly port: string | number | null
  readonly description?: string | null | undefined
  readonly shared?: boolean | undefined
  readonly stored?: string | null | undefined
  readonly claimed?: Stamp | null | undefined
  readonly created?: Stamp | null | undefined
  readonly pinned?: Stamp | null | undefined
  /** Its line in the file. */
  readonly line?: number | undefined
}

/** An owner; by default one that a user names now, on the host that imports. */
export interface IncomingOwner {
  readonly key: string
  readonly host?: string | undefined
  readonly kind: string
  readonly name: string
  readonly said?: boolean | undefined
  readonly since?: string | undefined
  readonly seen?: string | null | undefined
}

export interface IncomingReservation extends Partial<Stamp> {
  readonly port: number
  readonly reason: string
}

export interface IncomingRule extends IgnoredTarget, Partial<Stamp> {
  readonly reason: string
}

/** What is proposed to the registry. */
export interface IncomingRegistry {
  readonly assignments: ReadonlyArray<Incoming>
  readonly owners: ReadonlyArray<IncomingOwner>
  readonly reservations: ReadonlyArray<IncomingReservation>
  readonly ignored: ReadonlyArray<IncomingRule>
}

/** What an import does about rows that do not fit. */
export const ON_CONFLICT = ["fail", "skip", "force"] as const
export type OnConflict = (typeof ON_CONFLICT)[number]

/**
 * Why a row does not fit: it is `invalid`; its key is in the file `twice`, with different ports; the port is `taken` by other
 * keys; the key has a `moved` port, another one than in the file; or the port is `reserved`.
 */
export const REFUSALS = ["invalid", "twice", "taken", "moved", "reserved"] as const

/** A row that does not fit. */
export interface Refused {
  readonly line: number | null
  readonly key: string
  /** As it was written. */
  readonly port: string
  readonly reason: (typeof REFUSALS)[number]
  /** What is wrong with the `field` of an invalid row, or why the port is reserved. */
  readonly problem: string | null
  readonly field: "key" | "port" | "description" | null
  /** The keys that have the port. */
  readonly holders: ReadonlyArray<string>
  /** The port that the key has now. */
  readonly current: number | null
  /** A valid key like the one that is none. */
  readonly proposal: string | null
}

/** What an import did, or would do. */
export interface Imported {
  readonly dryRun: boolean
  readonly onConflict: OnConflict
  /** Whether anything was changed. */
  readonly changed: boolean
  /** The keys that got a port, in the order of the file. `from` is the port that they had; `port` is null if the row contains none. */
  readonly imported: ReadonlyArray<{ readonly key: string; readonly port: number | null; readonly from: number | null }>
  /** The keys that had their port, and got another description. */
  readonly described: ReadonlyArray<string>
  /** How many rows were there already, the same. */
  readonly present: number
  readonly refused: ReadonlyArray<Refused>
  /** How many of each were added. */
  readonly owners: number
  readonly pinned: number
  readonly reservations: number
  readonly ignored: number
}

/** Something that listens and has no key, and the key that is proposed for it. */
export interface Found extends ListenerProcess {
  readonly port: number
  /** Null if nothing suggests a key. */
  readonly key: string | null
  /** What the key was made of: `the directory`, `the unit`, … */
  readonly because: string | null
  /** The compose project of the container. */
  readonly project: string | null
  /** What becomes the owner of the key on this host. */
  readonly owner: { readonly kind: string; readonly name: string } | null
}

/** The counts and lists of an import that imported nothing. */
export const NOTHING_IMPORTED = {
  changed: false,
  imported: [],
  described: [],
  present: 0,
  refused: [],
  owners: 0,
  pinned: 0,
  reservations: 0,
  ignored: 0
} as const satisfies Omit<Imported, "dryRun" | "onConflict">
