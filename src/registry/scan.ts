import * as Effect from "effect/Effect"
import type { CommandResult } from "../domain/CommandResult.ts"
import type { Container } from "../domain/Container.ts"
import type { Found } from "../domain/Exchange.ts"
import { NoListenerTable } from "../domain/errors.ts"
import { type Listener, processOfListener } from "../domain/Listener.ts"
import { keyLike } from "../domain/names.ts"
import { type Owner, ownerOf } from "../domain/Owner.ts"
import { contains, type PortRange } from "../domain/PortRange.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { withContainers } from "../machine/ContainerEngines.ts"
import type { Listeners } from "../machine/Listeners.ts"
import { type IsThere, makeIsThere } from "../machine/missing.ts"
import { tryRead } from "../machine/tryRead.ts"
import { type Project, projectOf, rootOf } from "../project/project.ts"

/** Where to look, and what is not to be proposed. */
interface Scope {
  readonly ranges: ReadonlyArray<PortRange>
  readonly appRange: PortRange
  readonly reserved: ReadonlyMap<number, string>
}

/** A name for a key, and what it was made of. */
interface Named {
  readonly name: string
  readonly because: string
}

/** Returns the project of a directory; undefined if it cannot be read, or its file system does not answer. */
const readProject = async (directory: string, isThere: IsThere): Promise<Project | undefined> => {
  return (await isThere(directory)) ? tryRead(() => projectOf(directory), undefined) : undefined
}

/** What is known of something that listens. */
interface Seen {
  readonly port: number
  readonly listener: Listener
  readonly owner: Owner | undefined
  /** The project of its directory, if that is what owns it. */
  readonly project: Project | undefined
}

const seenAt = async (listener: Listener, isThere: IsThere): Promise<Seen> => {
  const owner = ownerOf(listener)
  const project = owner?.kind === "directory" ? await readProject(owner.name, isThere) : undefined
  return {
    port: listener.port,
    listener,
    owner: project === undefined ? owner : { kind: "directory", name: project.root },
    project
  }
}

const namesOfContainer = ({ name, project, service }: Container): ReadonlyArray<Named> => [
  ...(project !== null && service !== null ? [{ name: `${project}-${service}`, because: "the compose service" }] : []),
  ...(name === null ? [] : [{ name, because: "the container" }])
]

const namesOfProject = ({ listener, port, project }: Seen, appRange: PortRange): ReadonlyArray<Named> => {
  if (project === undefined) return []
  const [app = "app"] = project.names
  const because = "the directory"
  // By parity: a pair is an even port for prod and the next one for dev.
  const half = contains(appRange, port) ? `${app}-${port % 2 === 0 ? "prod" : "dev"}` : app
  return [half, `${app}-${listener.process?.command ?? "server"}`].map((name) => ({ name, because }))
}

const namesOfUnit = ({ listener }: Seen): ReadonlyArray<Named> => {
  const unit = listener.process?.unit?.replace(/\.service$/, "")
  return unit === undefined ? [] : [{ name: unit, because: "the unit" }]
}

/** The keys that come to mind for what listens, the best one first. */
const keysFor = (seen: Seen, appRange: PortRange): ReadonlyArray<Named> => {
  const { listener, port, project } = seen
  const ofProject = namesOfProject(seen, appRange)
  // What a service runs in is often no project, but a directory of its data.
  const isProject = project !== undefined && rootOf(project.root) !== undefined
  const all =
    listener.container !== null
      ? namesOfContainer(listener.container)
      : isProject
        ? [...ofProject, ...namesOfUnit(seen)]
        : [...namesOfUnit(seen), ...ofProject]
  const keys = all.flatMap(({ because, name }) => {
    const key = keyLike(name)
    return key === undefined ? [] : [{ name: key, because }]
  })
  const [first] = keys
  return first === undefined ? [] : [...keys, { ...first, name: `${first.name}-${port}` }]
}

const foundOf = ({ listener, owner, port }: Seen, key: Named | undefined): Found => ({
  port,
  key: key?.name ?? null,
  because: key?.because ?? null,
  ...processOfListener(listener),
  project: listener.container?.project ?? null,
  owner: owner === undefined ? null : { kind: owner.kind, name: owner.name }
})

/** Finds what listens in the ranges and has no key, and proposes a key for each that no other has. */
export const findUnregistered = Effect.fn("findUnregistered")(function* (
  state: RegistryState,
  { appRange, ranges, reserved }: Scope,
  listeners: Pick<typeof Listeners.Service, "on" | "ports">
) {
  const assigned = new Set(state.ports.values())
  const listening = yield* listeners.ports
  if (listening === undefined) return yield* new NoListenerTable()
  const ports = [...listening.keys()]
    .filter((port) => ranges.some((range) => contains(range, port)) && !assigned.has(port) && !reserved.has(port))
    .sort((a, b) => a - b)
  const found = yield* withContainers(yield* listeners.on(new Set(ports)))
  const used = new Set(state.rows.keys())
  const chosen = ports.flatMap((port) => {
    const all = found.filter((each) => each.port === port)
    return all.find(({ container, process }) => (container ?? process) !== null) ?? all[0] ?? []
  })
  const isThere = makeIsThere()
  const seen: Array<Seen> = []
  for (const each of chosen) seen.push(yield* Effect.promise(() => seenAt(each, isThere)))
  const result = seen.map((each) => {
    const key = keysFor(each, appRange).find(({ name }) => !used.has(name))
    if (key !== undefined) used.add(key.name)
    return foundOf(each, key)
  })
  return { result, notes: [] } satisfies CommandResult<ReadonlyArray<Found>>
})
