import * as Effect from "effect/Effect"
import type { Allocation, CommandResult } from "../domain/CommandResult.ts"
import { PairBlocked, RangeFull } from "../domain/errors.ts"
import type { Note } from "../domain/Note.ts"
import { type AppName, keyOf, type SpecialKey } from "../domain/PortKey.ts"
import { contains, type PortRange } from "../domain/PortRange.ts"
import type { Change, Ports, RegistryState } from "../domain/RegistryState.ts"
import { Listeners } from "../machine/Listeners.ts"
import { choosePair, nextSlot, type PairChoice, type PortUsage } from "./allocator.ts"

export interface AllocateRequest {
  readonly apps: ReadonlyArray<AppName>
  readonly specials: ReadonlyArray<SpecialKey>
  /** Set on newly claimed keys only. */
  readonly description: string | undefined
  /** Absolute; every key named belongs to it. */
  readonly directory: string | undefined
  readonly dryRun: boolean
}

interface Rules {
  readonly appRange: PortRange
  readonly specialRange: PortRange
  readonly reserved: ReadonlyMap<number, string>
}

type Claimed = Allocation["assignments"][number]

/**
 * What `request` comes to on `state`: one thing after the other, each on what the one before left. Only the ports that
 * are chosen are tried on this machine; one that turns out to be bound is passed over and the choice made again.
 */
export const allocation = Effect.fn("allocation")(function* (
  request: AllocateRequest,
  state: RegistryState,
  rules: Rules
) {
  const listeners = yield* Listeners
  /** What is known to be bound. The table of listeners, slow to read, is asked only when a port that was tried is busy. */
  const bound = new Set<number>()
  let looked = false
  /** Those of `bound` that are so for longer than somebody's try. */
  const sure = new Set<number>()
  const skipped = new Set<number>()
  const assignments: Array<Claimed> = []
  const notes: Array<Note> = []
  let ports: Ports = state.ports
  /** A copy of them, with what was taken; made when something is. */
  let taken: Map<string, number> | undefined

  /** The first choice for which no port was passed over wrongly, and none of whose new ports is bound when it is tried. */
  const settled = <C extends PairChoice>(
    choose: (world: PortUsage) => C,
    newPorts: (choice: C) => ReadonlyArray<number>
  ) =>
    Effect.gen(function* () {
      for (;;) {
        const choice = choose({ ports, reserved: rules.reserved, bound })
        const doubtful = inTheWay(choice).filter((port) => !sure.has(port))
        if (doubtful.length > 0) {
          const still = yield* listeners.still(doubtful)
          for (const port of doubtful) {
            if (still.has(port)) sure.add(port)
            else bound.delete(port)
          }
          continue
        }
        const busy = yield* Effect.filter(newPorts(choice), (port) => listeners.isBound(port))
        if (busy.length === 0) return choice
        if (!looked) for (const port of (yield* listeners.ports)?.keys() ?? []) bound.add(port)
        looked = true
        for (const port of busy) {
          bound.add(port)
          sure.add(port)
        }
      }
    })

  const take = (key: string, port: number) => {
    const created = ports.get(key) !== port || state.assigned?.has(key) === true
    if (ports.get(key) !== port) {
      taken ??= new Map(ports)
      ports = taken.set(key, port)
    }
    assignments.push({ key, port, created })
  }

  for (const app of new Set(request.apps)) {
    const prod = keyOf(app, "prod")
    const dev = keyOf(app, "dev")
    const range = rules.appRange
    const choice = yield* settled(
      (world) => choosePair(prod, dev, range, world),
      (each) => newPortsOf(each, ports.has(prod) ? "prod" : "dev")
    )
    switch (choice._tag) {
      case "Full":
        return yield* new RangeFull({ name: app, kind: "app", range, figures: choice.figures })
      case "Blocked": {
        const { _tag, ...blocked } = choice
        const partner = choice.half === "prod" ? choice.port + 1 : choice.port - 1
        const [by] = choice.obstacle?._tag === "Bound" ? yield* listeners.on(new Set([partner])) : []
        return yield* new PairBlocked({ app, range, ...blocked, ...(by === undefined ? {} : { by }) })
      }
      case "Free":
        for (const port of choice.skipped) skipped.add(port)
        take(prod, choice.port)
        take(dev, choice.port + 1)
        break
      case "Kept":
        if (choice.prod % 2 !== 0 || choice.dev !== choice.prod + 1 || !contains(range, choice.prod)) {
          notes.push({ _tag: "OddPair", app, prod: choice.prod, dev: choice.dev, range })
        }
        take(prod, choice.prod)
        take(dev, choice.dev)
        break
      case "Completed":
        take(prod, choice.prod)
        take(dev, choice.dev)
    }
  }

  for (const key of new Set(request.specials)) {
    const held = ports.get(key)
    if (held !== undefined) {
      take(key, held)
      continue
    }
    const range = rules.specialRange
    const slot = yield* settled(
      (world) => nextSlot(range, 1, world),
      (each) => (each._tag === "Free" ? [each.port] : [])
    )
    if (slot._tag === "Full") {
      return yield* new RangeFull({ name: key, kind: "special", range, figures: slot.figures })
    }
    for (const port of slot.skipped) skipped.add(port)
    take(key, slot.port)
  }

  const [first] = assignments
  if (request.description !== undefined && first !== undefined && !assignments.some((each) => each.created)) {
    notes.push({ _tag: "NotDescribed", key: first.key })
  }
  const holders = yield* listeners.on(skipped)
  const passedOver = [...skipped]
    .sort((a, b) => a - b)
    .map((port) => ({ port, by: holders.find((listener) => listener.port === port) ?? null }))
  const answer: CommandResult<Allocation> = {
    result: { assignments, skipped: passedOver },
    notes: [...passedOver.map((each): Note => ({ _tag: "Skipped", ...each })), ...notes]
  }
  return { answer, changes: assignments.flatMap((each) => changesFor(each, request, state)) }
})

/** The bound ports that kept `choice` from being another; those beyond its range have nothing to do with it. */
const inTheWay = (choice: PairChoice): ReadonlyArray<number> => {
  if (choice._tag === "Free" || choice._tag === "Full") return choice.skipped
  return choice._tag === "Blocked" && choice.obstacle?._tag === "Bound"
    ? [choice.port + (choice.half === "prod" ? 1 : -1)]
    : []
}

const newPortsOf = (choice: PairChoice, held: "prod" | "dev"): ReadonlyArray<number> => {
  if (choice._tag === "Free") return [choice.port, choice.port + 1]
  if (choice._tag === "Completed") return [held === "prod" ? choice.dev : choice.prod]
  return []
}

const changesFor = (
  { created, key, port }: Claimed,
  request: AllocateRequest,
  state: RegistryState
): ReadonlyArray<Change> => {
  const { description, directory } = request
  return [
    ...(created ? [{ _tag: "Assign", what: "allocate", key, port } as const] : []),
    ...(created && description !== undefined
      ? [{ _tag: "Describe", key, description: description === "" ? null : description } as const]
      : []),
    ...binding(state, key, directory)
  ]
}

/** What has to be written for `key` to belong to `directory`. */
export const binding = (state: RegistryState, key: string, directory: string | undefined): ReadonlyArray<Change> => {
  const owner = state.owners.get(key)
  return directory === undefined || (owner?.kind === "directory" && owner.name === directory)
    ? []
    : [{ _tag: "Bind", key, owner: { kind: "directory", name: directory }, seen: false }]
}
