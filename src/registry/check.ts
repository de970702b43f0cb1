import { type Listener, processOfListener } from "../domain/Listener.ts"
import { appOf } from "../domain/names.ts"
import { isOf, isWithin, type KeyOwner, otherAppOf } from "../domain/Owner.ts"
import type { PortCheck, Verdict } from "../domain/PortCheck.ts"
import { inWorktreeOf, worktreeOf } from "../machine/gitWorktree.ts"

type Checked = PortCheck["listeners"][number]

/** Returns whether a listener belongs to `directory`, and not to the app `other` around it; null if that is unknown. */
const isOwn = (listener: Listener, directory: string, other: string | undefined): boolean | null => {
  const owner = { kind: "directory", name: directory } as const
  const own = isOf(owner, listener, inWorktreeOf) ?? null
  if (own !== true || listener.container !== null || isWithin(owner, listener, inWorktreeOf)) return own
  // It works above. That may be the root of the repository, or a directory of many projects.
  if (other !== undefined) return false
  return worktreeOf(directory) === undefined ? null : true
}

/** Decides by all listeners of a port: a client may reach any of them, so one that is another's is enough. */
const verdictOn = (listeners: ReadonlyArray<Checked>): Verdict => {
  if (listeners.some(({ own }) => own === false)) return "other"
  return listeners.every(({ own }) => own === true) ? "own" : "unknown"
}

interface Question {
  readonly key: string
  readonly port: number
  readonly directory: string
}

interface Surroundings {
  /** Whether connecting to the port succeeds; undefined if that was not tried or is not known. */
  readonly answers: boolean | undefined
  readonly owners: ReadonlyMap<string, KeyOwner>
}

/** Checks whether what listens on a port belongs to a directory. */
export const checkPort = (
  { directory, key, port }: Question,
  found: ReadonlyArray<Listener>,
  { answers, owners }: Surroundings
): PortCheck => {
  const listeners = found.map((listener): Checked => {
    const { address, container, process } = listener
    const shown = processOfListener(listener)
    // Inside a container it is not one of this machine's.
    const isInside = container === null && process !== null && process.container !== null
    const other = appOf(key) === null ? undefined : otherAppOf(key, listener, owners, inWorktreeOf)?.app
    const own = isOwn(listener, directory, other)
    return {
      address,
      ...shown,
      directory: isInside ? null : shown.directory,
      since: process?.startedAt ?? null,
      own,
      app: own === true ? null : (other ?? null)
    }
  })
  const verdict = listeners.length > 0 ? verdictOn(listeners) : answers === false ? "nothing" : "unknown"
  return { key, port, directory, verdict, listeners }
}
