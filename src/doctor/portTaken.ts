import * as Effect from "effect/Effect"
import type { Listener } from "../domain/Listener.ts"
import { describeOwner, isOf, type KeyOwner } from "../domain/Owner.ts"
import { shellWord } from "../domain/shell.ts"
import { age, describeListener, describeSocket } from "../sentences.ts"
import type { Check, Draft } from "./scene.ts"

const finding = (port: number, key: string, owner: KeyOwner, listener: Listener, now: number): Draft => {
  const seen =
    owner.seen === null
      ? "not seen there yet"
      : `last seen there ${age(Math.max(0, Math.round((now - Date.parse(owner.seen)) / 1000)))} ago`
  const { process } = listener
  const common = { keys: [key], ports: [port], evidence: describeSocket(listener) }
  const belongs = `it belongs to ${describeOwner(owner)}, ${seen}`
  return process === null
    ? {
        ...common,
        severity: "info",
        message: `${port} (${key}) is served by ${describeListener(listener)}: whether it is its app cannot be told; ${belongs}`,
        remedy: `sudo ss -ltnp 'sport = :${port}'  # shows the process`
      }
    : {
        ...common,
        severity: "error",
        message: `${port} (${key}) is served by ${describeListener(listener)}; ${belongs}`,
        remedy: `d doctor --accept ${shellWord(key)}  # if that is right; otherwise stop it: kill ${process.pid}`
      }
}

/** What serves a key's port is the app that it was bound to, or that was seen there first. */
export const portTaken: Check = (scene) =>
  Effect.gen(function* () {
    const { keysOf, owners } = yield* scene.view
    const listeners = yield* scene.listeners
    return [...keysOf].flatMap(([port, keys]): ReadonlyArray<Draft> => {
      const known = keys.flatMap((key) => {
        const owner = owners.get(key)
        return owner === undefined ? [] : [{ key, owner }]
      })
      const [first] = known
      // Where one of several keys is nobody's yet, anybody may be it.
      if (first === undefined || known.length < keys.length) return []
      return (listeners.get(port) ?? []).flatMap((listener) => {
        const verdicts = known.map(({ owner }) => isOf(owner, listener))
        const unseen = listener.process === null
        return verdicts.includes(true) || (!verdicts.includes(false) && !unseen)
          ? []
          : [finding(port, first.key, first.owner, listener, scene.now)]
      })
    })
  })
