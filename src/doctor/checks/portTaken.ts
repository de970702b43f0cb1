import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import type { Listener } from "../../domain/Listener.ts"
import { describeOwner, isOf, type KeyOwner } from "../../domain/Owner.ts"
import { age, describeListener, describeSockets, nameOf, showProcess } from "../../text/describe.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { byProcess } from "../groupByProcess.ts"

const seenAgo = ({ seen }: KeyOwner, now: number): string =>
  seen === null
    ? "not seen there yet"
    : Date.parse(seen) > now
      ? `last seen there at ${seen}, by a clock that was ahead`
      : `last seen there ${age(Math.round((now - Date.parse(seen)) / 1000))} ago`

interface KnownKey {
  readonly key: string
  readonly owner: KeyOwner
}

/** Reports a process that serves `port`, which belongs to the owners of `known`. */
const report = (
  port: number,
  known: readonly [KnownKey, ...Array<KnownKey>],
  group: readonly [Listener, ...Array<Listener>],
  isShared: boolean,
  now: number
): ReadonlyArray<FindingDraft> => {
  const [{ key, owner }] = known
  const [listener] = group
  const { process } = listener
  const isOther = known.some((each) => isOf(each.owner, listener) === false)
  // A service manager, or a process that works in /, may belong to any app.
  if (!isOther && (process?.manager === true || process?.directory === "/")) return []
  const served = `${port} (${nameOf(key)}) is served by ${describeListener(listener)}`
  const belongs = `it belongs to ${describeOwner(owner)}, ${seenAgo(owner, now)}`
  const common = { keys: [key], ports: [port], evidence: describeSockets(group) }
  const accept = `d doctor --accept ${shellWord(key)}`
  if (!isOther || process === null)
    return [
      {
        ...common,
        severity: "info",
        message: `${served}, which may or may not be its app; ${belongs}`,
        ...(process === null ? fix(showProcess(port), "shows the process") : fix(accept))
      }
    ]
  const stop = `kill ${process.pid}`
  return [
    {
      ...common,
      severity: "error",
      message: `${served}; ${belongs}`,
      ...(isShared
        ? fix(stop, "its app also serves the port")
        : fix(accept, `if that is right; otherwise stop it: ${stop}`))
    }
  ]
}

/** Checks that the port of a key is served by the owner of the key. */
export const portTaken: Check = (context) =>
  Effect.gen(function* () {
    const { keysOf, owners } = yield* context.view
    const listeners = yield* context.listeners
    // Read after what is stored, which must not be from a later time.
    const now = yield* Clock.currentTimeMillis
    return [...keysOf].flatMap(([port, keys]): ReadonlyArray<FindingDraft> => {
      const [first, ...others] = keys.flatMap((key): ReadonlyArray<KnownKey> => {
        const owner = owners.get(key)
        return owner === undefined ? [] : [{ key, owner }]
      })
      // If any sharing key has no known owner, the listener may be its.
      if (first === undefined || 1 + others.length < keys.length) return []
      const known = [first, ...others] as const
      const here = listeners.get(port) ?? []
      const isTheirs = (listener: Listener) => known.some(({ owner }) => isOf(owner, listener) === true)
      return byProcess(here.filter((listener) => !isTheirs(listener))).flatMap((group) =>
        report(port, [...known], group, here.some(isTheirs), now)
      )
    })
  })
