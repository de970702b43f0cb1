import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { PortsConfig } from "../config/Config.ts"
import type { CommandResult, KeyPort } from "../domain/CommandResult.ts"
import type { Exported } from "../domain/Exchange.ts"
import { NoApp, NotFound, type NotSet, RangeFull } from "../domain/errors.ts"
import type { Note } from "../domain/Note.ts"
import { kindOf } from "../domain/names.ts"
import type { PortCheck } from "../domain/PortCheck.ts"
import { keyOf, type PortKey } from "../domain/PortKey.ts"
import { type PortRange, slotsOf } from "../domain/PortRange.ts"
import type { PortHealth } from "../domain/portHealth.ts"
import { type Change, portsOf, type RegistryState, reasonsOf } from "../domain/RegistryState.ts"
import { publishedOn, withContainers } from "../machine/ContainerEngines.ts"
import { Listeners } from "../machine/Listeners.ts"
import { Store } from "../store/Store.ts"
import { type AllocateRequest, decideAllocation } from "./allocate.ts"
import { checkPort } from "./check.ts"
import { isFiltered, type ListFilter, makeChoosing } from "./chosen.ts"
import { type Asked, type Claim, type ClaimMeans, decideClaim, keyMeant, standingClaim } from "./claim.ts"
import { makeCurrentHealth } from "./currentHealth.ts"
import { decideDescription } from "./describe.ts"
import { exportOf } from "./exporting.ts"
import { makeHistory } from "./history.ts"
import { decideImport, importedBefore } from "./importing.ts"
import type { ImportRequest } from "./importRows.ts"
import { listing, makeMoment } from "./list.ts"
import { makeLive } from "./live.ts"
import { heldBy, type Named } from "./named.ts"
import { decidePin, decideUnpin } from "./pin.ts"
import { makePruning } from "./pruning.ts"
import { decideRelease, type ReleaseRequest } from "./release.ts"
import { decideRename } from "./rename.ts"
import { decideReserve, decideUnreserve, listingOfReserved } from "./reserve.ts"
import { findUnregistered } from "./scan.ts"
import { decideSet, portFrom, type SetRequest } from "./set.ts"
import { whoListens } from "./whoListens.ts"

/** The use cases. Each change is one transaction, which also reads everything that the change depends on. */
export class Registry extends Effect.Service<Registry>()("Registry", {
  effect: Effect.gen(function* () {
    const config = yield* PortsConfig
    const store = yield* Store
    const listeners = yield* Listeners
    const currentHealth = yield* makeCurrentHealth(listeners)
    const momentOf = makeMoment(currentHealth)

    const rangeOf = (key: string): PortRange => (kindOf(key) === "special" ? config.specialRange : config.appRange)

    const reservedIn = (state: RegistryState): ReadonlyMap<number, string> =>
      new Map([...config.reserved, ...reasonsOf(state.reserved)])

    const get = Effect.fn("Registry.get")(function* (key: PortKey) {
      const port = yield* portFrom(key, yield* store.row(key))
      return { result: { key, port }, notes: [] } satisfies CommandResult<KeyPort>
    })

    /** Looks up all of `keys` at once, and returns the result of `get` for any of them. */
    const getSome = (keys: ReadonlyArray<string>) =>
      Effect.map(
        store.rowsFor(keys),
        (rows) =>
          (key: string): Either.Either<KeyPort, NotSet> =>
            Either.map(portFrom(key, rows.get(key)), (port) => ({ key, port }))
      )

    const set = Effect.fn("Registry.set")(function* (request: SetRequest) {
      return yield* store.write((state) =>
        Effect.gen(function* () {
          const { key } = request
          const { changes, moves, notes, port } = yield* decideSet(request, state, rangeOf(key), reservedIn(state))
          const inUse = moves && (yield* listeners.inUse(port)) === true
          const [by = null] = inUse ? yield* listeners.on(new Set([port])) : []
          const answer: CommandResult<KeyPort> = {
            result: { key, port },
            notes: inUse ? [...notes, { _tag: "InUse", port, by }] : notes
          }
          return { answer, changes }
        })
      )
    })

    const remove = Effect.fn("Registry.remove")(function* (key: PortKey) {
      return yield* store.write((state) =>
        Effect.gen(function* () {
          if (!state.rows.has(key)) return yield* new NotFound({ key, isApp: heldBy(state, "app", key).length > 0 })
          const result = { released: [{ key, port: state.ports.get(key) ?? null }] }
          const changes: ReadonlyArray<Change> = [{ _tag: "Remove", what: "delete", key }]
          return { answer: { result, notes: [] as ReadonlyArray<Note> }, changes }
        })
      )
    })

    /** Releases apps and specials. What is up on any host is released only by force. */
    const release = Effect.fn("Registry.release")(function* (request: ReleaseRequest) {
      const elsewhere = request.force ? [] : yield* store.upElsewhere
      return yield* store.write((state) =>
        Effect.provideService(decideRelease(request, state, elsewhere, config.actor.host), Listeners, listeners)
      )
    })

    const rename = Effect.fn("Registry.rename")(function* (named: Named, to: PortKey) {
      return yield* store.write((state) => decideRename(named, to, state, rangeOf))
    })

    const describe = Effect.fn("Registry.describe")(function* (named: Named, text: string) {
      return yield* store.write((state) => decideDescription(named, text, state))
    })

    /** Releases what is unused; a dry run only returns it. */
    const prune = makePruning({ store, listeners, here: config.actor.host })

    const choosing = makeChoosing(store, prune)

    const pin = Effect.fn("Registry.pin")(function* (named: ReadonlyArray<Named>) {
      return yield* store.write((state) => decidePin(named, state))
    })

    const unpin = Effect.fn("Registry.unpin")(function* (named: ReadonlyArray<Named>) {
      return yield* store.write((state) => decideUnpin(named, state))
    })

    /** Reserves ports, which are in order. */
    const reserve = Effect.fn("Registry.reserve")(function* (ports: ReadonlyArray<number>, reason: string) {
      return yield* store.write((state) => Effect.sync(() => decideReserve(ports, reason, state)))
    })

    const unreserve = Effect.fn("Registry.unreserve")(function* (ports: ReadonlyArray<number>) {
      return yield* store.write((state) => decideUnreserve(ports, state, config.reserved))
    })

    const listReserved = Effect.fn("Registry.listReserved")(function* (all: boolean) {
      const ranges = [config.appRange, config.specialRange]
      return listingOfReserved(config.reserved, yield* store.reservations, { all, ranges })
    })

    const { history, takeBack, trimHistory } = makeHistory({ store, listeners, config, reservedIn })

    /** Returns everything that the registry holds. */
    const exportAll = Effect.map(
      store.snapshot,
      ({ everywhere, state }): CommandResult<Exported> => ({ result: exportOf(state, everywhere), notes: [] })
    )

    /** Adds what a file holds, in one operation, or nothing. */
    const importAll = Effect.fn("Registry.importAll")(function* (request: ImportRequest) {
      const { host, user } = config.actor
      return yield* store.importAll(
        request.dryRun,
        (state, owners) =>
          Effect.map(DateTime.now, (now) =>
            decideImport(request, state, {
              reserved: reservedIn(state),
              rangeOf,
              owners,
              stamp: { at: DateTime.formatIso(now), host, by: user }
            })
          ),
        (events) => importedBefore(events, request.onConflict)
      )
    })

    /** Finds what listens in `range`, or in the managed ranges, and has no key, and proposes one for each. */
    const scan = Effect.fn("Registry.scan")(function* (range: PortRange | undefined) {
      const { appRange, specialRange } = config
      const { state } = yield* store.readEverything
      const ranges = range === undefined ? [appRange, specialRange] : [range]
      return yield* findUnregistered(state, { ranges, appRange, reserved: reservedIn(state) }, listeners)
    })

    /** Lists the assignments by port, with their health on this host and their current listeners. */
    const list = Effect.fn("Registry.list")(function* (filter: ListFilter) {
      const stored = yield* store.list
      const ports = portsOf(stored.rows)
      const isChosen = yield* choosing(filter, { ...stored, ports })
      const selected = [...ports].filter(([key]) => isChosen(key))
      const wanted = new Set(selected.map(([, port]) => port))
      const moment = yield* momentOf({ ...stored, ports }, wanted, yield* listeners.on(wanted))
      const listed = listing(selected, filter.health, { ...stored, ...stored.marks, ports }, moment)
      const isNone = listed.result.length === 0 && isFiltered(filter)
      return isNone ? { ...listed, notes: [...listed.notes, { _tag: "NoneListed" } as const] } : listed
    })

    const live = makeLive({ config, store, listeners, momentOf })

    /**
     * Returns every assignment, with its health by the last probe; the reserved ports if they are wanted, and as many of the
     * latest operations.
     */
    const known = (wanted: { readonly reserved: boolean; readonly operations: number }) =>
      Effect.gen(function* () {
        const stored = yield* store.readKnown
        const keys = [...portsOf(stored.rows)].map(([key, port]) => {
          const claim = stored.claims.get(port)
          return {
            key,
            port,
            description: stored.keys.get(key)?.description ?? null,
            state: stored.health.records.get(port)?.state,
            host: claim?.key === key ? claim.host : undefined
          }
        })
        return {
          keys,
          reserved: wanted.reserved ? yield* store.reservations : [],
          operations: wanted.operations === 0 ? [] : yield* store.operations({ limit: wanted.operations })
        }
      })

    /** Returns the port and the health of every assignment, without finding out what listens there. */
    const overview = Effect.fn("Registry.overview")(function* () {
      const stored = yield* store.list
      const ports = portsOf(stored.rows)
      const listening = (yield* listeners.ports) ?? new Map<number, string>()
      const now = yield* Clock.currentTimeMillis
      const health = yield* currentHealth({ ...stored, ports }, ports.values(), listening, now)
      return [...ports.values()].map((port) => ({ port, state: health.get(port)?.state }))
    })

    /** Claims a pair for each app and a port for each special, all or nothing. A dry run only returns the result. */
    const allocate = Effect.fn("Registry.allocate")(function* (request: AllocateRequest) {
      const decide = (state: RegistryState) =>
        decideAllocation(request, state, { ...config, reserved: reservedIn(state) }).pipe(
          Effect.provideService(Listeners, listeners)
        )
      yield* listeners.prepare
      return yield* (request.dryRun ? store.dryRun(decide) : store.write(decide)).pipe(
        Effect.catchTag("RangeFull", (full) =>
          Effect.flatMap(store.list, ({ health }) =>
            Effect.fail(
              new RangeFull({ ...full, figures: { ...full.figures, stale: staleSlots(full, health.records) } })
            )
          )
        )
      )
    })

    /** Finds the key that is meant by an app, or by a directory. */
    const find = Effect.fn("Registry.find")(function* (asked: Asked) {
      const direct = asked.key ?? (asked.app === undefined ? undefined : keyOf(asked.app, asked.mode))
      if (direct !== undefined) return { key: direct }
      const names = yield* store.readNames
      const key = keyMeant(names, asked)
      return key === undefined ? yield* new NoApp({ directory: asked.directory ?? "/" }) : { key }
    })

    /** Returns the port of a key, and claims one if it has none. */
    const claim = Effect.fn("Registry.claim")(function* (asked: Asked, how: ClaimMeans) {
      // Mostly there is one, which is found without waiting for other writers.
      const standing = standingClaim(asked, yield* store.readNames)
      if (standing === undefined && how.standing) return yield* new NoApp({ directory: asked.directory ?? "/" })
      if (standing === undefined) yield* listeners.prepare
      const { notes, result } =
        standing === undefined
          ? yield* store.write((state) =>
              decideClaim(asked, state, { ...config, reserved: reservedIn(state) }).pipe(
                Effect.provideService(Listeners, listeners)
              )
            )
          : { notes: [], result: standing }
      // Whoever starts a server next need not ask again.
      const inUse = how.willBind ? null : yield* isInUse(listeners, result.port)
      return { result: { ...result, inUse }, notes } satisfies CommandResult<Claim & { readonly inUse: boolean | null }>
    })

    /** Checks whether what listens on the port of a key belongs to a directory. */
    const check = Effect.fn("Registry.check")(function* (asked: Asked, directory: string) {
      const { key } = yield* find(asked)
      const { result } = yield* get(key)
      const { owners } = yield* store.readNames
      const { answers, found } = yield* whoListens(listeners, result.port)
      const named = found.length > 0 ? yield* withContainers(found) : yield* publishedOn(new Set([result.port]))
      const checked = checkPort({ ...result, directory }, named, { answers, owners })
      return { result: checked, notes: [] } satisfies CommandResult<PortCheck>
    })

    return {
      claim,
      find,
      check,
      get,
      getSome,
      set,
      remove,
      release,
      rename,
      describe,
      prune,
      pin,
      unpin,
      reserve,
      unreserve,
      listReserved,
      history,
      trimHistory,
      takeBack,
      exportAll,
      importAll,
      scan,
      known,
      list,
      live,
      overview,
      allocate
    }
  })
}) {}

/** Returns whether something listens on `port`; null if that is not known. */
const isInUse = ({ answers, ports }: Pick<typeof Listeners.Service, "answers" | "ports">, port: number) =>
  Effect.map(
    Effect.all([answers(port), ports], { concurrency: "unbounded" }),
    ([isAnswered, listening]) => listening?.has(port) === true || (isAnswered ?? null)
  )

/** Returns how many slots of a full range contain only stale ports. */
const staleSlots = ({ kind, range }: RangeFull, records: ReadonlyMap<number, PortHealth>): number => {
  const slots = (wanted: (health: PortHealth) => boolean) =>
    slotsOf(
      range,
      kind === "app" ? 2 : 1,
      [...records.values()].filter(wanted).map(({ port }) => port)
    )
  const inUse = slots(({ state }) => state !== "stale")
  return [...slots(({ state }) => state === "stale")].filter((slot) => !inUse.has(slot)).length
}
