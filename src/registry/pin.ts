import * as Either from "effect/Either"
import type { CommandResult, Released } from "../domain/CommandResult.ts"
import type { Note } from "../domain/Note.ts"
import type { Change, RegistryState } from "../domain/RegistryState.ts"
import { findNamed, type Named } from "./named.ts"

/** Returns the keys that are meant, each once. */
const keysOf = (command: "pin" | "unpin", named: ReadonlyArray<Named>, state: RegistryState) =>
  Either.map(Either.all(named.map((each) => findNamed(command, each, state))), (targets) => [
    ...new Set(targets.flatMap(({ keys }) => keys))
  ])

const withPort =
  ({ ports }: RegistryState) =>
  (key: string): Released => ({ key, port: ports.get(key) ?? null })

/** Decides on `state` that keys are never pruned. */
export const decidePin = (named: ReadonlyArray<Named>, state: RegistryState) =>
  Either.map(keysOf("pin", named, state), (keys) => {
    const answer: CommandResult<{ readonly pinned: ReadonlyArray<Released> }> = {
      result: { pinned: keys.map(withPort(state)) },
      notes: []
    }
    const fresh = keys.filter((key) => !state.pinned.has(key))
    return { answer, changes: fresh.map((key): Change => ({ _tag: "Pin", key })) }
  })

/** Decides on `state` that keys may be pruned again. Those that are not pinned are left out, with a note. */
export const decideUnpin = (named: ReadonlyArray<Named>, state: RegistryState) =>
  Either.map(keysOf("unpin", named, state), (keys) => {
    const pinned = keys.filter((key) => state.pinned.has(key))
    const others = keys.filter((key) => !state.pinned.has(key))
    const notes: ReadonlyArray<Note> = others.length === 0 ? [] : [{ _tag: "NotPinned", keys: others }]
    const answer: CommandResult<{ readonly unpinned: ReadonlyArray<Released> }> = {
      result: { unpinned: pinned.map(withPort(state)) },
      notes
    }
    return { answer, changes: pinned.map((key): Change => ({ _tag: "Unpin", key })) }
  })
