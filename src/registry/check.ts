import { type Listener, processOfListener } from "../domain/Listener.ts"
import { appOf } from "../domain/names.ts"
import { isNested, isOf, isWithin, type KeyOwner, otherAppOf } from "../domain/Owner.ts"
import type { PortCheck, Verdict } from "../domain/PortCheck.ts"
import type { Container, Containers } from "../machine/containers.ts"
import { inWorktreeOf, worktreeOf } from "../machine/gitWorktree.ts"

type Checked = PortCheck["listeners"][number]

/** Returns the container that a listener is in, or publishes a port for: the engine's proxy may be invisible to this user. */
export const containerOf = ({ port, process }: Listener, { byId, byPort }: Containers): Container | undefined =>
  process === null || process.proxy ? byPort.get(port) : byId.get(process.container ?? "")

/** Returns whether a listener belongs to `directory`, and not to the app `other` around it; null if that is unknown. */
const isOwn = (
  listener: Listener,
  directory: string,
  containers: Containers,
  other: string | undefined
): boolean | null => {
  const { process } = listener
  if (process === null || process.container !== null) {
    const home = containerOf(listener, containers)?.directory ?? null
    return home === null ? null : isNested(home, directory) && inWorktreeOf(directory, home)
  }
  const owner = { kind: "directory", name: directory } as const
  const own = isOf(owner, listener, inWorktreeOf) ?? null
  if (own !== true || isWithin(owner, listener, inWorktreeOf)) return own
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
  readonly containers: Containers
  readonly owners: ReadonlyMap<string, KeyOwner>
}

/** Checks whether what listens on a port belongs to a directory. */
export const checkPort = (
  { directory, key, port }: Question,
  found: ReadonlyArray<Listener>,
  { answers, containers, owners }: Surroundings
): PortCheck => {
  const listeners = found.map((listener): Checked => {
    const { address, process } = listener
    const container = containerOf(listener, containers)
    const isContained = process === null || process.container !== null
    const home = isContained ? (container?.directory ?? null) : process.directory
    const other = appOf(key) === null ? undefined : otherAppOf(key, listener, owners, inWorktreeOf)?.app
    const own = isOwn(listener, directory, containers, other)
    return {
      address,
      ...processOfListener(listener),
      directory: home,
      container: container?.name ?? process?.container ?? null,
      since: process?.startedAt ?? null,
      own,
      app: own === true ? null : (other ?? null)
    }
  })
  const unseen = containers.byPort.get(port)
  if (listeners.length === 0 && unseen !== undefined) {
    // An engine may publish a port without a listener of its own.
    const own =
      unseen.directory === null
        ? null
        : isNested(unseen.directory, directory) && inWorktreeOf(directory, unseen.directory)
    const none = { pid: null, command: null, unit: null, since: null, app: null, user: "unknown", address: "unknown" }
    const listener: Checked = { ...none, directory: unseen.directory, container: unseen.name ?? unseen.id, own }
    return { key, port, directory, verdict: verdictOn([listener]), listeners: [listener] }
  }
  const verdict = listeners.length > 0 ? verdictOn(listeners) : answers === false ? "nothing" : "unknown"
  return { key, port, directory, verdict, listeners }
}
