import type { IgnoredTarget } from "./Ignored.ts"
import type { Listener } from "./Listener.ts"
import type { PortRange } from "./PortRange.ts"
import type { Stay } from "./Prune.ts"

/** A remark for the user that goes with a successful result. */
export type Note =
  /** Allocation skipped these ports, of which there is at least one. */
  | { readonly _tag: "Skipped"; readonly ports: ReadonlyArray<{ readonly port: number; readonly by: Listener | null }> }
  /** Allocation passed over a port that the row of a key begins with, and does not consist of. */
  | { readonly _tag: "PassedOver"; readonly port: number; readonly key: string; readonly stored: string }
  /** An app keeps two ports that do not form a pair, or not one in its range. */
  | {
      readonly _tag: "OddPair"
      readonly app: string
      readonly prod: number
      readonly dev: number
      readonly range: PortRange
    }
  /** There was nothing to release. */
  | { readonly _tag: "NothingHeld"; readonly name: string; readonly kind: "app" | "special"; readonly isOther: boolean }
  /** These keys were released, which another host had claimed. */
  | {
      readonly _tag: "ReleasedElsewhere"
      readonly keys: ReadonlyArray<string>
      readonly host: string
      readonly by: string
    }
  /** The directory of these keys, of an app or a special, was another one so far. */
  | {
      readonly _tag: "Moved"
      readonly name: string
      readonly kind: "app" | "special"
      readonly from: string
      readonly to: string
    }
  /** A directory has an app of another name than its project has, because that is the app of another directory. */
  | { readonly _tag: "OtherName"; readonly wanted: string; readonly app: string }
  | { readonly _tag: "OutOfRange"; readonly key: string; readonly port: number; readonly range: PortRange }
  | { readonly _tag: "WrongParity"; readonly key: string; readonly port: number; readonly kind: "prod" | "dev" }
  /** A key was forced onto a port that other keys have. */
  | { readonly _tag: "Shared"; readonly port: number; readonly holders: ReadonlyArray<string> }
  /** A reserved port was assigned. */
  | { readonly _tag: "Reserved"; readonly port: number; readonly reason: string }
  /** The port that was assigned is in use; `by` is null if nothing is known of what uses it. */
  | { readonly _tag: "InUse"; readonly port: number; readonly by: Listener | null }
  /** Ports that were reserved are assigned to keys, which keep them. */
  | { readonly _tag: "StaysHeld"; readonly ports: ReadonlyArray<number>; readonly holders: ReadonlyArray<string> }
  /** Ports that were reserved for another reason before. */
  | { readonly _tag: "WasReserved"; readonly ports: ReadonlyArray<number>; readonly reason: string }
  /** Ports that were unreserved are also reserved by default or by configuration. */
  | { readonly _tag: "StillReserved"; readonly ports: ReadonlyArray<number>; readonly reason: string }
  /** Ports that were to be unreserved with others were not reserved. */
  | { readonly _tag: "WasNotReserved"; readonly ports: ReadonlyArray<number> }
  /** A key seems to be unused, and is kept. */
  | { readonly _tag: "Stays"; readonly key: string; readonly why: string }
  /** So many keys seem to be unused, and are kept, by the reason. */
  | { readonly _tag: "ManyStay"; readonly counts: ReadonlyArray<readonly [Stay["why"], number]> }
  /** So many ports may be released; `keys` are those that were asked for, if not all were. */
  | { readonly _tag: "MayGo"; readonly count: number; readonly keys: ReadonlyArray<string> }
  | { readonly _tag: "NothingToPrune" }
  /** No assignment is listed, because none is as was asked for. */
  | { readonly _tag: "NoneListed" }
  /** Keys that were to be unpinned are not pinned. */
  | { readonly _tag: "NotPinned"; readonly keys: ReadonlyArray<string> }
  /** The row of a key does not contain a valid port. */
  | { readonly _tag: "NoPort"; readonly key: string; readonly stored: string }
  /** The ports of this host were last probed this many seconds ago. */
  | { readonly _tag: "OldHealth"; readonly seconds: number }
  /** The ports of this host were last probed at a time in the future, so the clock was ahead then. */
  | { readonly _tag: "HealthAhead"; readonly at: string }
  /** The doctor ignores findings from now on, or no longer. */
  | { readonly _tag: "Ignoring" | "NoLongerIgnoring"; readonly target: IgnoredTarget }
  /** Others than this user may read a file with the password of the database. */
  | { readonly _tag: "SecretReadable"; readonly file: string; readonly readers: string }
  /** Keys that were imported are not where `d` would put them: their ports are shared, reserved, out of range, or of the wrong parity. */
  | {
      readonly _tag: "ImportedOdd"
      readonly what: "shared" | "reserved" | "outside" | "odd"
      readonly keys: ReadonlyArray<string>
    }
  /** So many owners and reservations in an imported file differ from those in the registry, which were kept. */
  | { readonly _tag: "ImportKept"; readonly owners: number; readonly reservations: number }
  /** A fix failed. */
  | { readonly _tag: "NotFixed"; readonly why: string }
