import { existsSync } from "node:fs"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Fix, fix } from "../../domain/Finding.ts"
import type { Listener } from "../../domain/Listener.ts"
import { kindOf } from "../../domain/names.ts"
import { describeOwner, isOf, isWithin, type KeyOwner, type OtherApp, otherAppOf, ownerOf } from "../../domain/Owner.ts"
import { inWorktreeOf } from "../../machine/gitWorktree.ts"
import { age, describeListener, describeSockets, nameOf } from "../../text/describe.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check, FindingDraft, View } from "../DoctorContext.ts"
import { byProcess } from "../groupByProcess.ts"
import { identify, stop } from "../stop.ts"

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

type Group = readonly [Listener, ...Array<Listener>]

const accept = (key: string): string => `d doctor --accept ${shellWord(key)}`

const served = (port: number, key: string, [listener]: Group): string =>
  `${port} (${nameOf(key)}) is served by ${describeListener(listener)}`

const about = (port: number, key: string, group: Group) => ({
  keys: [key],
  ports: [port],
  evidence: describeSockets(group)
})

/**
 * Proposes to stop the process, or to accept it as the app of the key. The likelier one comes first: an app whose directory is
 * gone has moved, and otherwise a process from elsewhere is another app.
 */
const stopOrAccept = ({ key, owner }: KnownKey, listener: Listener): Fix => {
  const { advice, fix: command } = stop(listener)
  if (owner.kind === "directory" && !existsSync(owner.name))
    return fix(
      accept(key),
      `if that is right; otherwise stop it: ${command}${advice === null ? "" : `, which ${advice}`}`
    )
  return fix(command, `${advice === null ? "" : `${advice}; `}if it is the app of ${nameOf(key)}: ${accept(key)}`)
}

/** Reports a process that serves `port`, which belongs to the owners of `known`. */
const report = (
  port: number,
  known: readonly [KnownKey, ...Array<KnownKey>],
  group: Group,
  isShared: boolean,
  now: number
): ReadonlyArray<FindingDraft> => {
  const [{ key, owner }] = known
  const [listener] = group
  const { process } = listener
  const isOther = known.some((each) => isOf(each.owner, listener, inWorktreeOf) === false)
  // A service manager, or a process that works in /, may belong to any app.
  if (!isOther && (process?.manager === true || process?.directory === "/")) return []
  const belongs = `it belongs to ${describeOwner(owner)}, ${seenAgo(owner, now)}`
  if (!isOther)
    return [
      {
        ...about(port, key, group),
        severity: "info",
        message: `${served(port, key, group)}, which may or may not be its app; ${belongs}`,
        ...(ownerOf(listener) === undefined ? identify(listener) : fix(accept(key)))
      }
    ]
  const { advice, fix: command } = stop(listener)
  return [
    {
      ...about(port, key, group),
      severity: "error",
      message: `${served(port, key, group)}; ${belongs}`,
      ...(isShared
        ? fix(command, [...(advice === null ? [] : [advice]), "its app also serves the port"].join("; "))
        : stopOrAccept(known[0], listener))
    }
  ]
}

/** Reports a process that serves the port of `key`, and works in the directory of another app. */
const reportOther = (
  view: View,
  port: number,
  key: string,
  group: Group,
  { app, directory }: OtherApp
): FindingDraft => {
  const [listener] = group
  const { advice, fix: command } = stop(listener)
  const own = `${app}-${kindOf(key)}`
  const ownPort = view.ports.get(own)
  return {
    ...about(port, key, group),
    severity: "error",
    message: `${served(port, key, group)}; ${directory} is the directory of ${app}`,
    ...fix(
      command,
      [
        ...(advice === null ? [] : [advice]),
        ...(ownPort === undefined ? [] : [`then start ${app} on the port of ${own}: ${ownPort}`]),
        `if it is the app of ${nameOf(key)}: ${accept(key)}`
      ].join("; ")
    )
  }
}

/** Checks that the port of a key is served by the owner of the key, and not by another app. */
export const portTaken: Check = (context) =>
  Effect.gen(function* () {
    yield* context.requireListeners
    const view = yield* context.view
    const { keysOf, owners } = view
    const listeners = yield* context.servedAmong(keysOf.keys())
    // Read after what is stored, which must not be from a later time.
    const now = yield* Clock.currentTimeMillis

    /**
     * Finds the other app that serves the port of `key`. What was only learned of `key` does not outweigh what was said, nor
     * does it that the directory of `key` is below.
     */
    const otherApp = (key: string, listener: Listener): OtherApp | undefined => {
      const owner = owners.get(key)
      if (owner === undefined) return otherAppOf(key, listener, owners, inWorktreeOf)
      return isOf(owner, listener, inWorktreeOf) === false || (owner.said && isWithin(owner, listener, inWorktreeOf))
        ? undefined
        : otherAppOf(key, listener, owners, inWorktreeOf, ({ said }) => said)
    }

    const ofPort = (port: number, keys: ReadonlyArray<string>): ReadonlyArray<FindingDraft> => {
      const here = listeners.get(port) ?? []
      const [key, ...sharing] = keys
      const others =
        key === undefined || sharing.length > 0
          ? []
          : byProcess(here).flatMap((group) => {
              const other = otherApp(key, group[0])
              return other === undefined ? [] : [{ group, finding: reportOther(view, port, key, group, other) }]
            })
      const reported = new Set(others.flatMap(({ group }) => group))
      const rest = here.filter((listener) => !reported.has(listener))
      const [first, ...more] = keys.flatMap((each): ReadonlyArray<KnownKey> => {
        const owner = owners.get(each)
        return owner === undefined ? [] : [{ key: each, owner }]
      })
      const findings = others.map(({ finding }) => finding)
      // If any sharing key has no known owner, the listener may be its.
      if (first === undefined || 1 + more.length < keys.length) return findings
      const known = [first, ...more] as const
      const isTheirs = (listener: Listener) => known.some(({ owner }) => isOf(owner, listener, inWorktreeOf) === true)
      const strangers = byProcess(rest.filter((listener) => !isTheirs(listener)))
      return [...findings, ...strangers.flatMap((group) => report(port, [...known], group, here.some(isTheirs), now))]
    }

    return [...keysOf].flatMap(([port, keys]) => ofPort(port, keys))
  })
