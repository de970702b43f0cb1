import * as Effect from "effect/Effect"
import type { Allocation, CommandResult } from "../domain/CommandResult.ts"
import { PairBlocked, RangeFull } from "../domain/errors.ts"
import type { Note } from "../domain/Note.ts"
import { appOf, leadingPort } from "../domain/names.ts"
import { isNested } from "../domain/Owner.ts"
import { type AppName, keyOf, type SpecialKey } from "../domain/PortKey.ts"
import { contains, type PortRange } from "../domain/PortRange.ts"
import type { Change, Ports, RegistryState } from "../domain/RegistryState.ts"
import { Listeners } from "../machine/Listeners.ts"
import { choosePair, nextSlot, type PairChoice } from "./allocator.ts"
import { makeBoundPorts } from "./boundPorts.ts"

export interface AllocateRequest {
  readonly apps: ReadonlyArray<AppName>
  readonly specials: ReadonlyArray<SpecialKey>
  /** Becomes the description of every key. */
  readonly description: string | undefined
  /** Absolute; becomes the owner of every key. */
  readonly directory: string | undefined
  /** Absolute; becomes the owner of an app that nobody has named one for. */
  readonly project?: string | undefined
  readonly dryRun: boolean
}

export interface Rules {
  readonly appRange: PortRange
  readonly specialRange: PortRange
  readonly reserved: ReadonlyMap<number, string>
}

type Claimed = Allocation["assignments"][number]

/** Tracks the ports as they are after each assignment. */
const makeAssignments = (state: RegistryState) => {
  const assignments: Array<Claimed> = []
  let ports: Ports = state.ports
  /** A copy of the ports, made when the first one is assigned: there may be very many. */
  let copy: Map<string, number> | undefined
  return {
    assignments,
    ports: () => ports,
    assign: (key: string, port: number) => {
      // A change that is sent again has already assigned its ports.
      const created = ports.get(key) !== port || state.assigned?.has(key) === true
      if (ports.get(key) !== port) {
        copy ??= new Map(ports)
        ports = copy.set(key, port)
      }
      assignments.push({ key, port, created })
    }
  }
}

const newPortsOf = (choice: PairChoice, held: "prod" | "dev"): ReadonlyArray<number> => {
  if (choice._tag === "Free") return [choice.port, choice.port + 1]
  if (choice._tag === "Completed") return [held === "prod" ? choice.dev : choice.prod]
  return []
}

/** Returns the ports that other rows than those of `own` begin with and do not consist of, with the key of each. */
const loosePorts = ({ ports, rows }: RegistryState, own: ReadonlySet<string>): ReadonlyMap<number, string> => {
  const loose = new Map<number, string>()
  for (const [key, stored] of rows) {
    const port = ports.has(key) || own.has(key) ? undefined : leadingPort(stored)
    const other = port === undefined ? undefined : loose.get(port)
    if (port !== undefined && (other === undefined || key < other)) loose.set(port, key)
  }
  for (const port of loose.size === 0 ? [] : ports.values()) loose.delete(port)
  return loose
}

/**
 * Decides an allocation on `state`: one name after another, each on the result of the one before. If a chosen port
 * turns out to be bound, it is skipped and the choice is repeated.
 */
export const decideAllocation = Effect.fn("decideAllocation")(function* (
  request: AllocateRequest,
  state: RegistryState,
  { appRange, specialRange, ...rules }: Rules
) {
  const own = [...request.apps.flatMap((app) => [keyOf(app, "prod"), keyOf(app, "dev")]), ...request.specials]
  const loose = loosePorts(state, new Set(own))
  const reserved = new Map([...[...loose].map(([port, key]) => [port, `taken by ${key}`] as const), ...rules.reserved])
  const listeners = yield* Listeners
  const boundPorts = makeBoundPorts(listeners)
  const { assign, assignments, ports } = makeAssignments(state)
  const skipped = new Set<number>()
  const notes: Array<Note> = []

  const blocked = Effect.fnUntraced(function* (app: AppName, { _tag, ...rest }: PairChoice & { _tag: "Blocked" }) {
    const partner = rest.half === "prod" ? rest.port + 1 : rest.port - 1
    const [by] = rest.obstacle?._tag === "Bound" ? yield* listeners.on(new Set([partner])) : []
    return yield* new PairBlocked({ app, range: appRange, ...rest, ...(by === undefined ? {} : { by }) })
  })

  const assignPair = Effect.fnUntraced(function* (app: AppName) {
    const prod = keyOf(app, "prod")
    const dev = keyOf(app, "dev")
    const choice = yield* boundPorts.choose(
      (bound) => choosePair(prod, dev, appRange, { ports: ports(), reserved, bound }),
      (each) => newPortsOf(each, ports().has(prod) ? "prod" : "dev")
    )
    if (choice._tag === "Full")
      return yield* new RangeFull({ name: app, kind: "app", range: appRange, figures: choice.figures })
    if (choice._tag === "Blocked") return yield* blocked(app, choice)
    const pair = choice._tag === "Free" ? { prod: choice.port, dev: choice.port + 1 } : choice
    if (choice._tag === "Free") for (const port of choice.skipped) skipped.add(port)
    const isPair = pair.prod % 2 === 0 && pair.dev === pair.prod + 1 && contains(appRange, pair.prod)
    if (choice._tag === "Kept" && !isPair)
      notes.push({ _tag: "OddPair", app, prod: pair.prod, dev: pair.dev, range: appRange })
    assign(prod, pair.prod)
    assign(dev, pair.dev)
  })

  const assignSpecial = Effect.fnUntraced(function* (key: SpecialKey) {
    const held = ports().get(key)
    if (held !== undefined) return assign(key, held)
    const slot = yield* boundPorts.choose(
      (bound) => nextSlot(specialRange, 1, { ports: ports(), reserved, bound }),
      (each) => (each._tag === "Free" ? [each.port] : [])
    )
    if (slot._tag === "Full")
      return yield* new RangeFull({ name: key, kind: "special", range: specialRange, figures: slot.figures })
    for (const port of slot.skipped) skipped.add(port)
    assign(key, slot.port)
  })

  for (const app of new Set(request.apps)) yield* assignPair(app)
  for (const key of new Set(request.specials)) yield* assignSpecial(key)

  const holders = yield* listeners.on(skipped)
  const skippedPorts = [...skipped]
    .sort((a, b) => a - b)
    .map((port) => ({ port, by: holders.find((listener) => listener.port === port) ?? null }))
  const moved = movedTo(
    state,
    assignments.map(({ key }) => key),
    request.directory
  )
  /** Whether `port`, had it been free, would have been chosen instead of the one that was assigned. */
  const passes = ({ key, port: assigned }: Claimed, port: number): boolean =>
    port < assigned && contains(appOf(key) === null ? specialRange : appRange, port)
  const passedOver = [...loose]
    .filter(([port]) => !rules.reserved.has(port) && assignments.some((each) => each.created && passes(each, port)))
    .sort(([a], [b]) => a - b)
    .map(([port, key]) => ({ _tag: "PassedOver", port, key, stored: state.rows.get(key) ?? "" }) as const)
  const answer: CommandResult<Allocation> = {
    result: { assignments, skipped: skippedPorts },
    notes: [
      ...(skippedPorts.length === 0 ? [] : [{ _tag: "Skipped", ports: skippedPorts } as const]),
      ...passedOver,
      ...notes,
      ...moved
    ]
  }
  return { answer, changes: assignments.flatMap((each) => changesFor(each, request, state)) }
})

const changesFor = (
  { created, key, port }: Claimed,
  request: AllocateRequest,
  state: RegistryState
): ReadonlyArray<Change> => {
  const { description, project } = request
  const app = appOf(key)
  const isOwned = (["prod", "dev"] as const).some((mode) => state.owners.get(`${app}-${mode}`)?.said === true)
  const directory = request.directory ?? (app === null || isOwned ? undefined : project)
  return [
    ...(created ? [{ _tag: "Assign", what: "allocate", key, port } as const] : []),
    ...describeAs(state, key, description),
    ...bindTo(state, key, directory)
  ]
}

/** Returns the change that makes `description` that of `key`, if it is not already. An empty one removes it. */
export const describeAs = (
  state: RegistryState,
  key: string,
  description: string | undefined
): ReadonlyArray<Change> =>
  description === undefined || description === (state.keys.get(key)?.description ?? "")
    ? []
    : [{ _tag: "Describe", key, description: description === "" ? null : description }]

/** Returns notes for the apps and specials among `keys` whose directory was another one so far. */
export const movedTo = (
  state: RegistryState,
  keys: ReadonlyArray<string>,
  directory: string | undefined
): ReadonlyArray<Note> => {
  if (directory === undefined) return []
  const notes = new Map<string, Note>()
  for (const key of keys) {
    const owner = state.owners.get(key)
    if (owner?.kind !== "directory" || isNested(owner.name, directory)) continue
    const app = appOf(key)
    const name = app ?? key
    notes.set(`${name} ${owner.name}`, {
      _tag: "Moved",
      name,
      kind: app === null ? "special" : "app",
      from: owner.name,
      to: directory
    })
  }
  return [...notes.values()]
}

/** Returns the change that makes `directory` the owner of `key`, if it is not already. */
export const bindTo = (
  state: Pick<RegistryState, "owners">,
  key: string,
  directory: string | undefined
): ReadonlyArray<Change> => {
  const owner = state.owners.get(key)
  return directory === undefined || (owner?.said && owner.kind === "directory" && owner.name === directory)
    ? []
    : [{ _tag: "Bind", key, owner: { kind: "directory", name: directory }, seen: false }]
}
