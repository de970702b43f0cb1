import type { Listener } from "../domain/Listener.ts"
import { appOf } from "../domain/names.ts"
import { isNested, isOf, type KeyOwner, otherAppOf } from "../domain/Owner.ts"
import type { PortCheck, Verdict } from "../domain/PortCheck.ts"
import type { Containers } from "../machine/containers.ts"
import { inWorktreeOf } from "../machine/gitWorktree.ts"

type Checked = PortCheck["listeners"][number]

/** Returns the directory of the container that a listener is in, or publishes a port for. */
const containerDirectory = ({ port, process }: Listener, { byId, byPort }: Containers): string | null => {
  const container = process?.proxy ? byPort.get(port) : byId.get(process?.container ?? "")
  return container?.directory ?? null
}

/** Returns whether a listener belongs to `directory`; null if that is unknown. */
const isOwn = (listener: Listener, directory: string, containers: Containers): boolean | null => {
  const { process } = listener
  if (process === null) return null
  if (process.container !== null) {
    const home = containerDirectory(listener, containers)
    return home === null ? null : isNested(home, directory) && inWorktreeOf(directory, home)
  }
  return isOf({ kind: "directory", name: directory }, listener, inWorktreeOf) ?? null
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
    const { address, process, user } = listener
    const home = process?.container === null ? (process?.directory ?? null) : containerDirectory(listener, containers)
    const own = isOwn(listener, directory, containers)
    return {
      address,
      user,
      pid: process?.pid ?? null,
      command: process?.command ?? null,
      directory: home,
      unit: process?.unit ?? null,
      container: process?.container ?? null,
      since: process?.startedAt ?? null,
      own,
      app: own === true || appOf(key) === null ? null : (otherAppOf(key, listener, owners, inWorktreeOf)?.app ?? null)
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
