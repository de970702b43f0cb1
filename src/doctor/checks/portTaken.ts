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

/** What serves a key's port is the app that it was bound to, or that was seen there first. */
export const portTaken: Check = (context) =>
  Effect.gen(function* () {
    const { keysOf, owners } = yield* context.view
    const listeners = yield* context.listeners
    // After what is stored was read, or it could be of later.
    const now = yield* Clock.currentTimeMillis
    return [...keysOf].flatMap(([port, keys]): ReadonlyArray<FindingDraft> => {
      const known = keys.flatMap((key) => {
        const owner = owners.get(key)
        return owner === undefined ? [] : [{ key, owner }]
      })
      const [first] = known
      // Where one of several keys is nobody's yet, anybody may be it.
      if (first === undefined || known.length < keys.length) return []
      const here = listeners.get(port) ?? []
      const isTheirs = (listener: Listener) => known.some(({ owner }) => isOf(owner, listener) === true)
      return byProcess(here.filter((listener) => !isTheirs(listener))).flatMap((group): ReadonlyArray<FindingDraft> => {
        const [listener] = group
        const { process } = listener
        const finding = known.some(({ owner }) => isOf(owner, listener) === false)
        if (!finding && (process?.manager === true || process?.directory === "/")) return []
        const { key, owner } = first
        const served = `${port} (${nameOf(key)}) is served by ${describeListener(listener)}`
        const belongs = `it belongs to ${describeOwner(owner)}, ${seenAgo(owner, now)}`
        const common = { keys: [key], ports: [port], evidence: describeSockets(group) }
        const stop = process === null ? "" : `kill ${process.pid}`
        const accept = `d doctor --accept ${shellWord(key)}`
        return [
          finding
            ? {
                ...common,
                severity: "error",
                message: `${served}; ${belongs}`,
                ...(here.some(isTheirs)
                  ? fix(stop, "its app serves the port too")
                  : fix(accept, `if that is right; otherwise stop it: ${stop}`))
              }
            : {
                ...common,
                severity: "info",
                message: `${served}: whether that is its app cannot be told; ${belongs}`,
                ...(process === null ? fix(showProcess(port), "shows it") : fix(accept))
              }
        ]
      })
    })
  })
