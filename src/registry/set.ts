import * as Either from "effect/Either"
import { NotSet, PortHeld } from "../domain/errors.ts"
import type { Note } from "../domain/Note.ts"
import { kindOf, parsePort } from "../domain/names.ts"
import type { PortKey } from "../domain/PortKey.ts"
import { contains, type PortRange } from "../domain/PortRange.ts"
import { type Change, holdersOf, type RegistryState } from "../domain/RegistryState.ts"
import { bindTo, describeAs, movedTo } from "./allocate.ts"

export interface SetRequest {
  readonly key: PortKey
  readonly port: number | undefined
  readonly description: string | undefined
  /** Absolute; becomes the owner of the key. */
  readonly directory?: string | undefined
  readonly force: boolean
}

/** Parses the port in the row of `key`. */
export const portFrom = (key: string, stored: string | undefined): Either.Either<number, NotSet> => {
  const port = stored === undefined ? undefined : parsePort(stored)
  return port === undefined
    ? Either.left(new NotSet(stored === undefined ? { key } : { key, stored }))
    : Either.right(port)
}

/** Returns notes if `port` is outside `range`, or has the wrong parity for `key`. */
export const misplaced = (key: string, port: number, range: PortRange): ReadonlyArray<Note> => {
  const kind = kindOf(key)
  return [
    ...(contains(range, port) ? [] : [{ _tag: "OutOfRange", key, port, range } as const]),
    ...(kind !== "special" && port % 2 !== (kind === "prod" ? 0 : 1)
      ? [{ _tag: "WrongParity", key, port, kind } as const]
      : [])
  ]
}

/**
 * Decides `setPort` on `state`: the port, the changes and the notes. `moves` is whether the key gets a different port,
 * which then has to be checked on this machine.
 */
export const decideSet = (
  request: SetRequest,
  state: RegistryState,
  range: PortRange,
  reserved: ReadonlyMap<number, string>
) =>
  Either.gen(function* () {
    const { description, directory, force, key } = request
    const port = request.port ?? (yield* portFrom(key, state.rows.get(key)))
    const moves = state.ports.get(key) !== port
    const holders = holdersOf(state.ports, port).filter((holder) => holder !== key)
    if (moves && holders.length > 0 && !force) return yield* Either.left(new PortHeld({ key, port, holders }))
    const reason = reserved.get(port)
    const notes: ReadonlyArray<Note> = [
      ...misplaced(key, port, range),
      ...(holders.length > 0 ? [{ _tag: "Shared", port, holders } as const] : []),
      ...(reason === undefined ? [] : [{ _tag: "Reserved", port, reason } as const])
    ]
    const changes: ReadonlyArray<Change> = [
      ...(moves ? [{ _tag: "Assign", what: "set", key, port } as const] : []),
      ...describeAs(state, key, description),
      ...bindTo(state, key, directory)
    ]
    return { port, moves, notes: [...(moves ? notes : []), ...movedTo(state, [key], directory)], changes }
  })
