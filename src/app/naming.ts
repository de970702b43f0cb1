import * as Effect from "effect/Effect"
import type { CommandResult } from "../domain/CommandResult.ts"
import { PairBlocked, type RegistryError, StillUp } from "../domain/errors.ts"
import type { Listener } from "../domain/Listener.ts"
import type { Note } from "../domain/Note.ts"
import { RECENT_MS, withContainers } from "../machine/ContainerEngines.ts"

/**
 * Names the containers in notes and errors, after the change: what makes these holds the database's lock, and must not wait
 * for an engine.
 */

const named = (listener: Listener): Effect.Effect<Listener> =>
  Effect.map(withContainers([listener], RECENT_MS), ([found = listener]) => found)

/** Returns what uses a port, if it is known, with its container. */
export const namedBy = (by: Listener | null): Effect.Effect<Listener | null> =>
  by === null ? Effect.succeed(null) : named(by)

/** Returns the ports that were skipped, with the containers on them. */
export const namedSkipped = (skipped: Extract<Note, { readonly _tag: "Skipped" }>["ports"]) =>
  Effect.forEach(skipped, ({ by, port }) => Effect.map(namedBy(by), (each) => ({ port, by: each })))

const namedNote = (note: Note): Effect.Effect<Note> => {
  switch (note._tag) {
    case "InUse":
      return Effect.map(namedBy(note.by), (by) => ({ ...note, by }))
    case "Skipped":
      return Effect.map(namedSkipped(note.ports), (ports) => ({ ...note, ports }))
    default:
      return Effect.succeed(note)
  }
}

const namedError = <E extends RegistryError>(error: E): Effect.Effect<never, E | PairBlocked | StillUp> => {
  if (error instanceof PairBlocked && error.by !== undefined)
    return Effect.flatMap(named(error.by), (by) => new PairBlocked({ ...error, by }))
  if (error instanceof StillUp && "by" in error.on)
    return Effect.flatMap(named(error.on.by), (by) => new StillUp({ ...error, on: { by } }))
  return Effect.fail(error)
}

/** Runs `command` and names the containers in its notes, or in its error. */
export const naming = <A, E extends RegistryError, R>(command: Effect.Effect<CommandResult<A>, E, R>) =>
  command.pipe(
    Effect.flatMap(({ notes, result }) =>
      Effect.map(Effect.forEach(notes, namedNote), (all) => ({ result, notes: all }))
    ),
    Effect.catchAll(namedError)
  )
