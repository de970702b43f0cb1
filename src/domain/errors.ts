import * as Data from "effect/Data"
import type { Listener } from "./Listener.ts"
import type { Figures, Obstacle, PortRange } from "./PortRange.ts"

/** No port is assigned to `key`. `stored` is what its row holds where there is a row and it is no port. */
export class NotSet extends Data.TaggedError("NotSet")<{ readonly key: string; readonly stored?: string }> {}

/** There is nothing to delete under `key`. */
export class NotFound extends Data.TaggedError("NotFound")<{ readonly key: string }> {}

/** `port` was not reserved at run time; `reason` is why it is reserved all the same. */
export class NotReserved extends Data.TaggedError("NotReserved")<{ readonly port: number; readonly reason?: string }> {}

/** `port` is assigned to other keys than `key`. */
export class PortHeld extends Data.TaggedError("PortHeld")<{
  readonly key: string
  readonly port: number
  readonly holders: ReadonlyArray<string>
}> {}

/** `key` has a port already, so nothing can be renamed to it. */
export class KeyTaken extends Data.TaggedError("KeyTaken")<{
  readonly key: string
  readonly to: string
  readonly port: string
}> {}

/** The table takes `key` and `other` for one key: its collation ignores case, accents or trailing spaces. */
export class KeyCollision extends Data.TaggedError("KeyCollision")<{
  readonly key: string
  readonly other: string
  readonly table: string
}> {}

/** One half of an app's pair is assigned and the other cannot join it. */
export class PairBlocked extends Data.TaggedError("PairBlocked")<{
  readonly app: string
  readonly half: "prod" | "dev"
  readonly port: number
  readonly range: PortRange
  readonly obstacle?: Obstacle
  /** Who listens on the partner, where that is the obstacle and can be told. */
  readonly by?: Listener
}> {}

/** A range has no place left. `stale` of the claimed slots have been quiet for long, as far as this host has seen. */
export class RangeFull extends Data.TaggedError("RangeFull")<{
  readonly kind: "app" | "special"
  readonly name: string
  readonly range: PortRange
  readonly figures: Figures & { readonly stale?: number }
}> {}

/** An argument's value is wrong. `problem` begins with the value. */
export class Invalid extends Data.TaggedError("Invalid")<{
  readonly command: string
  readonly argument: string
  readonly problem: string
}> {}

/** `argument` is required and was not given. */
export class MissingArgument extends Data.TaggedError("MissingArgument")<{
  readonly command: string
  readonly argument: string
}> {}

/** A configured value is wrong. `setting` names the variable, or the name in the file and the file. */
export class WrongConfig extends Data.TaggedError("WrongConfig")<{
  readonly setting: string
  readonly problem: string
}> {}

/** What is the matter with a database, as far as something can be done about it. */
export type Fault = "down" | "silent" | "credentials" | "no-database" | "read-only" | "rights" | "other"

/** The registry's database cannot be used. `store` names it without secrets, `reason` says why, in one sentence. */
export class Unavailable extends Data.TaggedError("Unavailable")<{
  readonly store: string
  readonly fault: Fault
  readonly reason: string
  readonly hint: string
}> {}

/** The answer to a change was lost and could not be asked for again: it may have been made. */
export class OutcomeUnknown extends Data.TaggedError("OutcomeUnknown")<{
  readonly store: string
  readonly reason: string
}> {}

/** Nothing that could be accepted as the owner of `key` serves its port; `served` where somebody does who cannot be seen. */
export class NothingToAccept extends Data.TaggedError("NothingToAccept")<{
  readonly key: string
  readonly port: number
  readonly served: boolean
}> {}

/** A change that is asked for again was made before, and part of what it assigned is no longer there. */
export class Overtaken extends Data.TaggedError("Overtaken") {}
/** A backup cannot be written to `file`. `exists` if that is because something is there. */
export class CannotBackUp extends Data.TaggedError("CannotBackUp")<{
  readonly file: string
  readonly reason: string
  readonly exists: boolean
}> {}

/** A registry that `d` does not copy itself: `command` does. */
export class BackedUpElsewhere extends Data.TaggedError("BackedUpElsewhere")<{
  readonly store: string
  readonly command: string
}> {}

/** Whoever asked has stopped waiting, so nothing was done. */
export class TooLate extends Data.TaggedError("TooLate") {}

/** Something did not end within its limit. */
export class TookTooLong extends Data.TaggedError("TookTooLong")<{ readonly what: string; readonly seconds: number }> {}

/** This machine did not let `port` be tried. `code` is the system's. */
export class CannotTry extends Data.TaggedError("CannotTry")<{ readonly port: number; readonly code: string }> {}

export type RegistryError =
  | BackedUpElsewhere
  | CannotBackUp
  | NotSet
  | NotFound
  | NotReserved
  | PortHeld
  | KeyTaken
  | KeyCollision
  | PairBlocked
  | RangeFull
  | Invalid
  | MissingArgument
  | WrongConfig
  | CannotTry
  | NothingToAccept
  | Overtaken
  | TooLate
  | TookTooLong
  | Unavailable
  | OutcomeUnknown
