import type { Container } from "../domain/Container.ts"
import type { Environment } from "../domain/Environment.ts"
import type { Listener } from "../domain/Listener.ts"
import { askEngine, type Published, type Told } from "./containers.ts"
import { engineSockets } from "./engineSockets.ts"

/** Finds the containers behind listeners, by what their engines say of them. */

/** How long an engine that gave no answer is left out for those who may get an older one. */
const SILENT_MS = 10_000

/** Addresses that stand for all of a host. */
const ANY = new Set(["", "0.0.0.0", "::"])

/** Returns whether a listener may be a container's: others are not asked about. */
const mayBeContained = ({ process }: Listener): boolean =>
  process === null || process.container !== null || process.engine !== null

/** Returns the one container of `published`; undefined if there are several, of which none is known to be meant. */
const onlyOne = (published: ReadonlyArray<Published>): Container | undefined => {
  const [first, ...others] = published
  return others.every(({ container }) => container.id === first?.container.id) ? first?.container : undefined
}

/**
 * Returns the container that publishes the port of a listener. What listens for it is of the engine's user: an engine
 * elsewhere, or in a virtual machine, says nothing about another user's program that has the same port here.
 */
const publisherOf = ({ address, port, user }: Listener, { published }: Told): Container | undefined => {
  const here = published.filter((each) => each.port === port && each.user === user)
  const exact = here.filter((each) => each.address === address)
  return onlyOne(exact.length > 0 ? exact : here.filter((each) => ANY.has(each.address) || ANY.has(address)))
}

/** Returns the container that a listener is in, or publishes a port for. */
const containerOf = (listener: Listener, told: Told): Container | null => {
  const { process } = listener
  if (!mayBeContained(listener)) return null
  const isInside = process !== null && process.container !== null && !process.proxy
  const found = isInside ? told.containers.find(({ id }) => id === process.container) : publisherOf(listener, told)
  return found ?? null
}

/** Names the containers behind listeners. `maxAgeMs` is how old an answer of an engine may be. */
export interface Naming {
  /** Returns `listeners`, each with its container if an engine tells it. */
  readonly named: (listeners: ReadonlyArray<Listener>, maxAgeMs?: number) => Promise<ReadonlyArray<Listener>>
  /** Returns what engines publish on `ports` without a listener, as with rules of the firewall. */
  readonly published: (ports: ReadonlySet<number>, maxAgeMs?: number) => Promise<ReadonlyArray<Listener>>
}

/** Makes the naming for a process with `environment`. It asks the engines only if something may be a container's. */
export const makeNaming = (environment: Environment): Naming => {
  let last: { readonly at: number; readonly told: Promise<Told> } | undefined
  /** Path of a socket → when it last gave no answer. */
  const silent = new Map<string, number>()

  const askAll = async (maxAgeMs: number): Promise<Told> => {
    const now = performance.now()
    const isSilent = (path: string) => maxAgeMs > 0 && now - (silent.get(path) ?? Number.NEGATIVE_INFINITY) < SILENT_MS
    const all = engineSockets(environment)
      .filter(({ path }) => !isSilent(path))
      .map(async (socket) => {
        const told = await askEngine(socket)
        if (told === undefined) silent.set(socket.path, performance.now())
        else silent.delete(socket.path)
        return told
      })
    const told = (await Promise.all(all)).filter((each) => each !== undefined)
    return {
      containers: told.flatMap(({ containers }) => containers),
      published: told.flatMap(({ published }) => published)
    }
  }

  const tell = (maxAgeMs: number): Promise<Told> => {
    const now = performance.now()
    if (last === undefined || now - last.at >= maxAgeMs) last = { at: now, told: askAll(maxAgeMs) }
    return last.told
  }

  return {
    named: async (listeners, maxAgeMs = 0) => {
      if (!listeners.some(mayBeContained)) return listeners
      const told = await tell(maxAgeMs)
      return listeners.map((listener) => ({ ...listener, container: containerOf(listener, told) }))
    },
    published: async (ports, maxAgeMs = 0) => {
      if (ports.size === 0) return []
      const { published } = await tell(maxAgeMs)
      return published
        .filter(({ port }) => ports.has(port))
        .map(({ address, container, port, user }) => ({
          port,
          address: address === "" ? "0.0.0.0" : address,
          user,
          process: null,
          queue: 0,
          container
        }))
    }
  }
}
