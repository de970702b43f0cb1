import * as Data from "effect/Data"
import type { Fault } from "./Fault.ts"
import type { IgnoredTarget } from "./Ignored.ts"
import type { Listener } from "./Listener.ts"
import type { PastOperation } from "./PastOperation.ts"
import type { Figures, Obstacle, PortRange } from "./PortRange.ts"

/** No port is assigned to `key`. `stored` is the value of its row if there is one that is not a port. */
export class NotSet extends Data.TaggedError("NotSet")<{ readonly key: string; readonly stored?: string }> {}

/** There is nothing to delete under `key`, which may be the name of an app that has ports. */
export class NotFound extends Data.TaggedError("NotFound")<{ readonly key: string; readonly isApp: boolean }> {}

/** Nothing is ignored about `target`. */
export class NotIgnored extends Data.TaggedError("NotIgnored")<{ readonly target: IgnoredTarget }> {}

/**
 * None of `ports` was reserved with `d reserve`. `reason` is set if it is one that is reserved by default or by
 * configuration.
 */
export class NotReserved extends Data.TaggedError("NotReserved")<{
  readonly ports: ReadonlyArray<number>
  readonly reason?: string
}> {}

/** `port` is assigned to other keys than `key`. */
export class PortHeld extends Data.TaggedError("PortHeld")<{
  readonly key: string
  readonly port: number
  readonly holders: ReadonlyArray<string>
}> {}

/** No app belongs to `directory`, and every name that it suggests is that of another directory's app. */
export class NoApp extends Data.TaggedError("NoApp")<{ readonly directory: string }> {}

/** `app` belongs to the directory `home`, and not to `directory`. */
export class OwnedElsewhere extends Data.TaggedError("OwnedElsewhere")<{
  readonly app: string
  readonly home: string
  readonly directory: string
}> {}

/** `key` is up, here by `by` or on another host, so it is not released. */
export class StillUp extends Data.TaggedError("StillUp")<{
  readonly key: string
  readonly port: number
  readonly on: { readonly by: Listener } | { readonly host: string }
  /** The operation that would have been taken back; undefined for a release. */
  readonly number?: number | undefined
}> {}

/** The commands that are given a name, which may be that of a key or of an app. */
export type NamingCommand = "describe" | "pin" | "rename" | "unpin"

/** Both a key and an app have `name`; `halves` are the keys of the app. */
export class Ambiguous extends Data.TaggedError("Ambiguous")<{
  readonly command: NamingCommand
  readonly name: string
  readonly halves: ReadonlyArray<string>
}> {}

/** No key or app has `name`, or not what was `asked` for; `isOther` if it is the name of the other one. */
export class NothingNamed extends Data.TaggedError("NothingNamed")<{
  readonly command: NamingCommand
  readonly name: string
  readonly asked: "key" | "app" | undefined
  readonly isOther: boolean
}> {}

/** The app cannot be renamed to `to`, which is no name of an app. */
export class NotAnApp extends Data.TaggedError("NotAnApp")<{ readonly app: string; readonly to: string }> {}

/** `to` already has a port, so `key` cannot be renamed to it; or if `app` is set, `key` is an app, and `to` is of `app`. */
export class KeyTaken extends Data.TaggedError("KeyTaken")<{
  readonly key: string
  readonly to: string
  readonly port: string
  readonly app?: string
}> {}

/** The table treats `key` and `other` as the same key: its collation ignores case, accents or trailing spaces. */
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
  /** The listener on the partner port, if that is the obstacle and the listener is visible. */
  readonly by?: Listener
}> {}

/** A range is full. `stale` is how many of the claimed slots are stale on this host. */
export class RangeFull extends Data.TaggedError("RangeFull")<{
  readonly kind: "app" | "special"
  readonly name: string
  readonly range: PortRange
  readonly figures: Figures & { readonly stale?: number }
}> {}

/** An argument's value is wrong. `problem` begins with the value; `value` is it if it is text, for the hint. */
export class Invalid extends Data.TaggedError("Invalid")<{
  readonly command: string
  readonly argument: string
  readonly problem: string
  readonly value?: string
}> {}

/** `argument` is required and was not given. */
export class MissingArgument extends Data.TaggedError("MissingArgument")<{
  readonly command: string
  readonly argument: string
}> {}

/** A configured value is wrong. `setting` names the variable, or the name in the file and the file, or only the file. */
export class WrongConfig extends Data.TaggedError("WrongConfig")<{
  readonly setting: string
  readonly problem: string
  /** How to correct it, if that is not the value of one setting. */
  readonly hint?: string
}> {}

/** The registry's database cannot be used. `store` names it without secrets; `reason` is one sentence. */
export class Unavailable extends Data.TaggedError("Unavailable")<{
  readonly store: string
  readonly fault: Fault
  readonly reason: string
  readonly hint: string
}> {}

/** The reply to a change was lost and could not be recovered, so the change may have been made. */
export class OutcomeUnknown extends Data.TaggedError("OutcomeUnknown")<{
  readonly store: string
  readonly reason: string
}> {}

/** No process that could be accepted as the owner of `key` serves its port. `served` if an unidentified one does. */
export class NothingToAccept extends Data.TaggedError("NothingToAccept")<{
  readonly key: string
  readonly port: number
  readonly served: boolean
}> {}

/** The history has no operation `number`. */
export class NoOperation extends Data.TaggedError("NoOperation")<{ readonly number: number }> {}

/** No change by `user` on `host` is left to take back. */
export class NothingToTakeBack extends Data.TaggedError("NothingToTakeBack")<{
  readonly what: "undo" | "redo"
  readonly host: string
  readonly user: string
}> {}

/** The operation `number` cannot be taken back: another program made it, or the history does not hold what it changed. */
export class NotUndoable extends Data.TaggedError("NotUndoable")<{
  readonly number: number
  readonly isForeign: boolean
}> {}

/** The operation that is in the way of an undo. */
export type Later = Pick<PastOperation, "number" | "at" | "what" | "host" | "user" | "takesBack">

/** The operation `number` cannot be taken back because `about`, a key, a port or a rule, has changed since. */
export class ChangedSince extends Data.TaggedError("ChangedSince")<{
  readonly number: number
  /** `had` is the port that the key had. */
  readonly about:
    | { readonly key: string; readonly had?: number | undefined }
    | { readonly port: number }
    | { readonly target: IgnoredTarget }
  /** Undefined if it is not known. */
  readonly by?: Later
}> {}

/** The operation `number` cannot be taken back because `port`, which `key` had, belongs to other keys now. */
export class TakenSince extends Data.TaggedError("TakenSince")<{
  readonly number: number
  readonly key: string
  readonly port: number
  readonly holders: ReadonlyArray<string>
  readonly by?: Later
}> {}

/** A change that was sent again was already made, but later changes have undone part of it. */
export class Overtaken extends Data.TaggedError("Overtaken") {}

/** A backup cannot be written to `file`. `exists` if the reason is that it already exists. */
export class CannotBackUp extends Data.TaggedError("CannotBackUp")<{
  readonly file: string
  readonly reason: string
  readonly exists: boolean
}> {}

/** `d` cannot back up this registry itself; `command` does. */
export class BackedUpElsewhere extends Data.TaggedError("BackedUpElsewhere")<{
  readonly store: string
  readonly command: string
}> {}

/** The client has stopped waiting, so nothing was done. */
export class TooLate extends Data.TaggedError("TooLate") {}

/** `what` did not finish within its time limit. */
export class TookTooLong extends Data.TaggedError("TookTooLong")<{ readonly what: string; readonly seconds: number }> {}

/** This system has no table of listeners, so that what listens cannot be identified. */
export class NoListenerTable extends Data.TaggedError("NoListenerTable") {}

/** The bind test of `port` failed with the system's error `code`, which does not show whether the port is free. */
export class CannotTry extends Data.TaggedError("CannotTry")<{ readonly port: number; readonly code: string }> {}

export type RegistryError =
  | Ambiguous
  | BackedUpElsewhere
  | CannotBackUp
  | NotAnApp
  | NothingNamed
  | NotSet
  | NotFound
  | NotIgnored
  | NotReserved
  | PortHeld
  | KeyTaken
  | NoApp
  | OwnedElsewhere
  | StillUp
  | KeyCollision
  | PairBlocked
  | RangeFull
  | Invalid
  | MissingArgument
  | WrongConfig
  | CannotTry
  | ChangedSince
  | NoOperation
  | NothingToTakeBack
  | NotUndoable
  | TakenSince
  | NoListenerTable
  | NothingToAccept
  | Overtaken
  | TooLate
  | TookTooLong
  | Unavailable
  | OutcomeUnknown
