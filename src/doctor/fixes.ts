import { lstatSync, unlinkSync } from "node:fs"
import * as Effect from "effect/Effect"
import { NothingToAccept, NotSet, type RegistryError } from "../domain/errors.ts"
import { describeOwner, isOf, ownerOf } from "../domain/Owner.ts"
import { inWorktreeOf } from "../machine/gitWorktree.ts"
import { lock } from "../socket/socketLock.ts"
import { currentUid } from "../socket/socketPath.ts"
import { nameOf } from "../text/describe.ts"
import type { DoctorContext } from "./DoctorContext.ts"

/** The changes that `d doctor --fix` and `--accept` make. Each returns sentences about them. No assignment is changed. */

const makeTables = (context: DoctorContext) =>
  Effect.gen(function* () {
    const { foreign, known, missing, stored, unused } = yield* context.schemaStatus
    const isOlder = stored.version < known.version
    if (unused || foreign.length > 0 || (missing.length === 0 && !isOlder)) return []
    yield* context.store.makeTables
    return [
      ...missing.map((table) => `created the table ${table}`),
      ...(isOlder ? [`upgraded the tables from version ${stored.version} to version ${known.version}`] : [])
    ]
  })

const agree = (context: DoctorContext) =>
  Effect.map(context.store.reconcileClaims, (moves) =>
    moves.map(({ claim, from, to }) => {
      const key = nameOf(claim.key)
      if (to === undefined) return `dropped the claim of ${key} on ${from}`
      return from === undefined ? `claimed ${to} for ${key}` : `moved the claim of ${key} from ${from} to ${to}`
    })
  )

/** Holds the lock of the path, so that no daemon starts meanwhile. */
const removeDead = async (path: string): Promise<ReadonlyArray<string>> => {
  try {
    const right = await lock(path, currentUid())
    try {
      const there = lstatSync(path)
      if (!there.isSocket() || there.uid !== currentUid()) return []
      unlinkSync(path)
      return [`removed the dead socket ${path}`]
    } finally {
      right?.close()
    }
  } catch {
    // A daemon serves it by now, or it has been removed.
    return []
  }
}

const removeSocket = (context: DoctorContext) =>
  Effect.flatMap(context.daemon, (state) =>
    state._tag === "Dead" ? Effect.promise(() => removeDead(state.path)) : Effect.succeed([])
  )

/** The changes that were made, and the errors of those that could not be. */
interface Applied {
  readonly done: ReadonlyArray<string>
  readonly failed: ReadonlyArray<RegistryError>
}

/** Applies the safe fixes, as far as each can be done. */
export const applySafeFixes = (context: DoctorContext): Effect.Effect<Applied> =>
  Effect.map(
    Effect.forEach(
      [makeTables, agree, removeSocket],
      (apply): Effect.Effect<Applied> =>
        Effect.match(apply(context), {
          onSuccess: (done) => ({ done, failed: [] }),
          onFailure: (error) => ({ done: [], failed: [error] })
        })
    ),
    (each) => ({ done: each.flatMap(({ done }) => done), failed: each.flatMap(({ failed }) => failed) })
  )

/** Makes the process that listens on the port of `key` its owner. */
export const accept = (context: DoctorContext, key: string) =>
  Effect.gen(function* () {
    const { store } = context
    yield* context.requireListeners
    const { keysOf } = yield* context.view
    const served = yield* context.servedAmong(keysOf.keys())
    return yield* store.write((state) =>
      Effect.gen(function* () {
        const port = state.ports.get(key)
        if (port === undefined) return yield* new NotSet({ key })
        const serving = served.get(port) ?? []
        const known = state.owners.get(key)
        // If its app also listens on the port, the other process is meant.
        const others = serving.filter((each) => known === undefined || isOf(known, each, inWorktreeOf) !== true)
        const owner = [...others, ...serving].map(ownerOf).find((each) => each !== undefined)
        if (owner === undefined) return yield* new NothingToAccept({ key, port, served: serving.length > 0 })
        return {
          answer: [`${key} now belongs to ${describeOwner(owner)}`],
          changes:
            known?.said && known.kind === owner.kind && known.name === owner.name
              ? []
              : [{ _tag: "Bind" as const, key, owner, seen: true }]
        }
      })
    )
  })
