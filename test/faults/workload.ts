import type { Client } from "./clients.ts"
import { type Ask, type Attempt, isQuestion, keysOf, type Outcome } from "./history.ts"

const FIRST = Number(process.env["FAULTS_FIRST"] ?? 29_000)

/** The ports that the faults are run on, apart from those of the other tests. */
export const RANGES = {
  app: { first: FIRST, last: FIRST + 999 },
  special: { first: FIRST + 1000, last: FIRST + 1499 }
}

export type Random = () => number

/** The same numbers for the same seed (mulberry32), so that a run can be repeated as far as its timing allows. */
export const randomFrom = (seed: number): Random => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What one client asks for, one thing after the other, until it answers `undefined`. */
export interface Script {
  readonly next: () => Ask | undefined
  readonly tell: (ask: Ask, outcome: Outcome) => void
}

export const allocate = (...app: ReadonlyArray<string>): Ask => ({ command: "allocate", app, special: [] })

/** Asks in their order, whatever comes of them. */
export const listed = (asks: ReadonlyArray<Ask>): Script => {
  const left = [...asks]
  return { next: () => left.shift(), tell: () => {} }
}

/** Ports that several clients set by hand, so that they meet there. */
const CONTESTED = 20

/** Of how many keys the last operation may be taken back. */
const USED_MAX = 8

const HALF = /-(prod|dev)$/
const appOf = (key: string): string => key.replace(HALF, "")

/** Apps that every client asks for. */
const COMMON = 4

/**
 * Everything mixed: apps and specials of its own that come and go, ports set by hand where others set them too, with
 * force and without, renames, and apps that others allocate and ask for as well; and the last operation on one of its keys
 * taken back, perhaps an undo. A key whose state is unknown is not used again, so that what is known stays known.
 */
export const mixed = (name: string, random: Random, asks = Number.POSITIVE_INFINITY): Script => {
  const apps = new Set<string>()
  const specials = new Set<string>()
  /** The keys of its own that it has changed of late, whether or not they have a port. */
  const used: Array<string> = []
  /** Those whose state is unknown. */
  const unknown = new Set<string>()
  const use = (keys: ReadonlyArray<string>, isUnknown: boolean) => {
    for (const key of keys) {
      if (key.startsWith("common")) continue
      if (isUnknown) unknown.add(key)
      else if (!unknown.has(key)) used.push(key)
    }
    used.splice(0, Math.max(0, used.length - USED_MAX))
  }
  let left = asks
  let serial = 0
  const fresh = (kind: string) => `${name}-${kind}${serial++}`
  const oneOf = (set: ReadonlySet<string>): string | undefined => [...set][Math.floor(random() * set.size)]
  let last: { readonly number: number; readonly keys: ReadonlyArray<string> } | undefined
  /** A key of an undo that is to be taken back itself. */
  let again: string | undefined
  const choose = (): Ask => {
    if (last !== undefined) {
      const { keys, number } = last
      last = undefined
      return { command: "undo", number, touches: keys }
    }
    if (again !== undefined) {
      const key = again
      again = undefined
      return { command: "history", key, limit: 1 }
    }
    const dice = random() * 100
    const app = oneOf(apps)
    const key = oneOf(specials)
    if (dice < 8) return allocate(`common${Math.floor(random() * COMMON)}`)
    // Whoever was given it first: what was acknowledged to one must be seen by all, also through another node.
    if (dice < 12) return { command: "getPort", key: `common${Math.floor(random() * COMMON)}-dev` }
    if (dice < 15 && app !== undefined) return allocate(app)
    if (dice < 18) return { command: "allocate", app: [fresh("a"), fresh("a")], special: [fresh("s")] }
    if (app !== undefined && dice < 22) return { command: "rename", app, to: fresh("n") }
    if (app !== undefined && dice < 30) return { command: "release", app: [app], special: [] }
    // Its answer is taken back.
    if (used.length > 0 && dice >= 92) return { command: "history", key: oneOf(new Set(used)) ?? "", limit: 1 }
    if (app !== undefined && dice < 36) return { command: "getPort", key: `${app}-dev` }
    if (key !== undefined && dice < 42) return { command: "getPort", key }
    if (key !== undefined && dice < 52) return { command: "deletePort", key }
    if (key !== undefined && dice < 60) return { command: "rename", key, to: fresh("r") }
    if (dice < 76) {
      const value = RANGES.special.last - Math.floor(random() * CONTESTED)
      const mine = random() < 0.5 ? key : undefined
      return { command: "setPort", key: mine ?? fresh("p"), value, force: dice < 64 }
    }
    return allocate(fresh("a"))
  }
  return {
    next: () => (left-- > 0 ? choose() : undefined),
    tell: (ask, outcome) => {
      if (!isQuestion(ask)) use(keysOf(ask), outcome._tag === "Unknown")
      if (outcome._tag === "Unknown") {
        for (const key of keysOf(ask)) {
          specials.delete(key)
          apps.delete(appOf(key))
        }
        if ("app" in ask) for (const app of [ask.app].flat()) apps.delete(app)
        return
      }
      if (outcome._tag === "Refused" || ask.command === "getPort") return
      if (ask.command === "history") {
        last = outcome.last?.keys.some((key) => unknown.has(key)) ? undefined : outcome.last
        return
      }
      if (ask.command === "undo") {
        if (random() < 0.4) again = ask.touches[0]
        for (const key of outcome.released) {
          specials.delete(key)
          apps.delete(appOf(key))
        }
        for (const { key } of outcome.assigned) if (HALF.test(key)) apps.add(appOf(key))
      }
      if (ask.command === "release") for (const app of ask.app) apps.delete(app)
      else if (ask.command === "deletePort" || (ask.command === "rename" && "key" in ask)) specials.delete(ask.key)
      else if (ask.command === "rename") {
        apps.delete(ask.app)
        apps.add(ask.to)
      }
      if (ask.command === "allocate") for (const app of ask.app) if (!app.startsWith("common")) apps.add(app)
      for (const { key } of outcome.assigned) if (!HALF.test(key)) specials.add(key)
    }
  }
}

/** Runs every client's script beside the others' and writes down what was attempted. `over` ends it early. */
export const runAll = async (
  clients: ReadonlyArray<readonly [Client, Script]>,
  over: () => boolean = () => false,
  history: Array<Attempt> = []
): Promise<ReadonlyArray<Attempt>> => {
  await Promise.all(
    clients.map(async ([client, script], index) => {
      for (let ask = script.next(); ask !== undefined && !over(); ask = script.next()) {
        const began = performance.now()
        const outcome = await client(ask)
        history.push({ client: index, ask, began, ended: performance.now(), outcome })
        script.tell(ask, outcome)
      }
    })
  )
  return history
}
