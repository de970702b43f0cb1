import type { Listener } from "./Listener.ts"
import type { PortRange } from "./PortRange.ts"

/** Something that has to be said beside an answer that is a success. */
export type Note =
  /** Allocation passed over `port`. */
  | { readonly _tag: "Skipped"; readonly port: number; readonly by: Listener | null }
  /** An app keeps two ports that are no pair, or no pair of its range. */
  | {
      readonly _tag: "OddPair"
      readonly app: string
      readonly prod: number
      readonly dev: number
      readonly range: PortRange
    }
  /** A description was given, and no key was new. */
  | { readonly _tag: "NotDescribed"; readonly key: string }
  /** There was nothing to release. */
  | { readonly _tag: "NothingHeld"; readonly name: string }
  | { readonly _tag: "OutOfRange"; readonly key: string; readonly port: number; readonly range: PortRange }
  | { readonly _tag: "WrongParity"; readonly key: string; readonly port: number; readonly kind: "prod" | "dev" }
  /** A port was forced upon a second key. */
  | { readonly _tag: "Shared"; readonly port: number; readonly holders: ReadonlyArray<string> }
  /** A reserved port was assigned. */
  | { readonly _tag: "Reserved"; readonly port: number; readonly reason: string }
  /** A port was assigned on which something listens. */
  | { readonly _tag: "InUse"; readonly port: number; readonly by: Listener }
  /** A port was reserved that keys have. */
  | { readonly _tag: "StaysHeld"; readonly port: number; readonly holders: ReadonlyArray<string> }
  /** A port is reserved by configuration too. */
  | { readonly _tag: "StillReserved"; readonly port: number; readonly reason: string }
  /** The row of a key holds no port. */
  | { readonly _tag: "NoPort"; readonly key: string; readonly stored: string }
  /** Nobody has looked at the ports of this host for so long. */
  | { readonly _tag: "OldHealth"; readonly seconds: number }
  /** When the ports of this host were last looked at is still to come: the clock was ahead then. */
  | { readonly _tag: "HealthAhead"; readonly at: string }
  /** Something could not be mended. */
  | { readonly _tag: "NotMended"; readonly why: string }
