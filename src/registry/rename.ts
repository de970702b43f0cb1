import * as Either from "effect/Either"
import type { CommandResult, Renamed, Renaming } from "../domain/CommandResult.ts"
import { KeyTaken, NotAnApp } from "../domain/errors.ts"
import { appProblem, kindOf } from "../domain/names.ts"
import type { PortKey } from "../domain/PortKey.ts"
import type { PortRange } from "../domain/PortRange.ts"
import type { Change, RegistryState } from "../domain/RegistryState.ts"
import { findNamed, type Named, type Target } from "./named.ts"
import { misplaced, portFrom } from "./set.ts"

/** Returns the keys of `target` under their new names. */
const renamings = ({ keys, kind }: Target, to: string, { rows }: RegistryState) =>
  Either.all(
    keys.map((from) =>
      Either.map(
        portFrom(from, rows.get(from)),
        (port): Renaming => ({ from, key: kind === "app" ? `${to}-${kindOf(from)}` : to, port })
      )
    )
  )

/** Returns the error if `to` is not free. Half an app does not join the half of another one. */
const takenBy = ({ kind, name }: Target, to: string, { rows }: RegistryState): KeyTaken | undefined => {
  if (name === to) return undefined
  const isApp = kind === "app"
  const key = (isApp ? [`${to}-prod`, `${to}-dev`] : [to]).find((each) => rows.has(each))
  return key === undefined
    ? undefined
    : new KeyTaken({ key: name, to: key, port: rows.get(key) ?? "", ...(isApp ? { app: to } : {}) })
}

/** Decides `rename` on `state`: a key, or both keys of an app, or nothing if one of the new keys is taken. */
export const decideRename = (named: Named, to: PortKey, state: RegistryState, rangeOf: (key: string) => PortRange) =>
  Either.gen(function* () {
    const target = yield* findNamed("rename", named, state)
    const { kind, name } = target
    if (kind === "app" && appProblem(to) !== undefined) return yield* Either.left(new NotAnApp({ app: name, to }))
    const renamed = yield* renamings(target, to, state)
    const taken = takenBy(target, to, state)
    if (taken !== undefined) return yield* Either.left(taken)
    const [first] = kind === "app" ? [] : renamed
    const answer: CommandResult<Renamed> = {
      result: { key: first?.key ?? null, port: first?.port ?? null, renamed },
      // The keys of an app keep their kinds, so none is more out of place than it was.
      notes: first === undefined ? [] : misplaced(first.key, first.port, rangeOf(first.key))
    }
    const changes = name === to ? [] : renamed.map(({ from, key }): Change => ({ _tag: "Rename", key: from, to: key }))
    return { answer, changes }
  })
