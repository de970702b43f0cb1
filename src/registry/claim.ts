import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { CommandResult } from "../domain/CommandResult.ts"
import { OwnedElsewhere } from "../domain/errors.ts"
import type { Note } from "../domain/Note.ts"
import { appOf, parsePort } from "../domain/names.ts"
import { AppName, keyOf, type PortKey, SpecialKey } from "../domain/PortKey.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { appOfDirectory, otherHome, otherHomeOf } from "../project/appOfDirectory.ts"
import { bindTo, decideAllocation, type Rules } from "./allocate.ts"

/** How a command names a key: by itself, by its app, or by the directory of its app. */
export interface Asked {
  readonly key: PortKey | undefined
  readonly app: AppName | undefined
  readonly mode: "prod" | "dev"
  /** The directory whose app is meant if neither is given, and names for it, the best one first. */
  readonly directory: string | undefined
  readonly suggested: ReadonlyArray<AppName>
  /** The names that the app of a linked worktree may have had before it was moved. */
  readonly formerly: ReadonlyArray<AppName>
}

/** The part of a state that names are looked up in. */
type Named = Pick<RegistryState, "rows" | "owners">

const keysOf = (app: AppName): ReadonlyArray<PortKey> => [keyOf(app, "prod"), keyOf(app, "dev")]

/** Returns the key that is meant; undefined if every suggested name belongs to another directory. */
export const keyMeant = (state: Named, { app, directory = "/", key, mode, ...names }: Asked): PortKey | undefined => {
  if (key !== undefined) return key
  const meant = app ?? appOfDirectory(state.owners, directory, names)
  return meant === undefined ? undefined : keyOf(AppName.make(meant), mode)
}

/** How a claim is made. */
export interface ClaimMeans {
  /** Only answer if nothing is to be changed, and fail with NoApp otherwise. */
  readonly standing: boolean
  /** The caller finds out by binding the port whether it is in use, so that this is not looked up, which takes longer. */
  readonly willBind: boolean
}

export interface Claim {
  readonly key: string
  readonly port: number
  readonly app: string | null
  /** Whether the key had no port before. */
  readonly created: boolean
}

/** Finds the key that a claim is about. Refuses an app that is named and belongs to another directory. */
const keyToClaim = (request: Asked, state: Named): Either.Either<PortKey, OwnedElsewhere> => {
  const { directory, key, suggested } = request
  const app = request.app ?? appOf(key ?? "")
  const home = app === null || directory === undefined ? undefined : otherHome(state.owners, app, directory)
  if (app !== null && directory !== undefined && home !== undefined)
    return Either.left(new OwnedElsewhere({ app, home, directory }))
  // The last suggestion is unique to the directory.
  return Either.right(keyMeant(state, request) ?? keyOf(suggested.at(-1) ?? AppName.make("app"), request.mode))
}

/** Returns the port that `key` already has, and the changes that make the directory the owner of its app. */
const held = (key: PortKey, { directory }: Asked, state: Named & Pick<RegistryState, "assigned">) => {
  const port = parsePort(state.rows.get(key) ?? "")
  if (port === undefined) return undefined
  const app = appOf(key)
  const keys = app === null ? [key] : keysOf(AppName.make(app)).filter((each) => state.rows.has(each))
  const claim: Claim = { key, port, app, created: state.assigned?.has(key) === true }
  // What belongs to another directory stays its own: a special that is run here, or a half that was accepted elsewhere.
  const ours = keys.filter(
    (each) => directory === undefined || otherHomeOf(state.owners, [each], directory) === undefined
  )
  return { claim, changes: ours.flatMap((each) => bindTo(state, each, directory)) }
}

/** Returns the answer to a claim that changes nothing; undefined if it changes something, or is refused. */
export const standingClaim = (request: Asked, state: Named): Claim | undefined => {
  const key = Either.getOrUndefined(keyToClaim(request, state))
  const found = key === undefined ? undefined : held(key, request, state)
  return found?.changes.length === 0 ? found.claim : undefined
}

/** Decides which port a key has, and claims one if it has none. Makes the directory its owner. */
export const decideClaim = Effect.fn("decideClaim")(function* (request: Asked, state: RegistryState, rules: Rules) {
  const { directory, suggested } = request
  const key = yield* keyToClaim(request, state)
  const app = appOf(key)
  const found = held(key, request, state)
  if (found !== undefined) {
    const answer: CommandResult<Claim> = { result: found.claim, notes: [] }
    return { answer, changes: found.changes }
  }
  const names =
    app === null ? { apps: [], specials: [SpecialKey.make(key)] } : { apps: [AppName.make(app)], specials: [] }
  const decided = yield* decideAllocation({ ...names, description: undefined, directory, dryRun: false }, state, rules)
  const claimed = decided.answer.result.assignments.find((each) => each.key === key)
  if (claimed === undefined) return yield* Effect.dieMessage(`${key} was not allocated`)
  const [first] = suggested
  const isOther =
    app !== null &&
    app !== first &&
    first !== undefined &&
    directory !== undefined &&
    request.app === undefined &&
    otherHome(state.owners, first, directory) !== undefined
  const notes: ReadonlyArray<Note> = isOther ? [{ _tag: "OtherName", wanted: first, app }] : []
  const answer: CommandResult<Claim> = {
    result: { key, port: claimed.port, app, created: claimed.created },
    notes: [...notes, ...decided.answer.notes]
  }
  return { answer, changes: decided.changes }
})
