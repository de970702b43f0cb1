import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { PortsConfig } from "../config/Config.ts"
import { findDrift } from "../domain/claims.ts"
import { Unavailable } from "../domain/errors.ts"
import { keysIn } from "../domain/Image.ts"
import type { Done } from "../domain/Operation.ts"
import type { KeyOwner } from "../domain/Owner.ts"
import type { HistoryFilter, PastOperation } from "../domain/PastOperation.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { Driver } from "./Driver.ts"
import { makeChangeExecutor } from "./executeChanges.ts"
import { makeHealthTable } from "./healthTable.ts"
import { makeHealthWriter } from "./healthWriter.ts"
import type { Recorded } from "./historyRows.ts"
import { makeHistoryTable } from "./historyTable.ts"
import { type Knowledge, makeKnowledge, NOTHING_KNOWN } from "./knowledge.ts"
import { makeOwnersTable } from "./ownersTable.ts"
import { decodeAll, type Queries, statementsOf } from "./Query.ts"
import { makeRegistryTables } from "./registryTables.ts"
import { registryTransaction, stateOf } from "./registryTransaction.ts"
import { makeQueryRunner } from "./runQuery.ts"
import { factsOf, SchemaSteps, schemaStatusOf, tryEverything } from "./schema.ts"
import { makeTakingBack, type OwnerRow } from "./takingBack.ts"
import type { Plan } from "./writeAttempt.ts"
import { makeWriter } from "./writer.ts"

/** The operation that is to be taken back, and the owners of its keys on all hosts. */
export interface Target extends Recorded {
  readonly owners: ReadonlyArray<OwnerRow>
}

/** How often the registry is read again because something was changed meanwhile, before writers are made to wait. */
const SNAPSHOT_TRIES = 5

interface TakeBackRequest {
  /** Its number; undefined for the newest one of this user on this host. */
  readonly asked: number | undefined
  readonly what: "undo" | "redo"
  readonly dryRun: boolean
}

/**
 * The registry's tables, in any of the databases. Every change goes through `write`. A failure of the database is
 * `Unavailable`, or `OutcomeUnknown` if a COMMIT was lost.
 */
export class Store extends Effect.Service<Store>()("Store", {
  effect: Effect.gen(function* () {
    const { actor, databaseTimeout, settingsTable } = yield* PortsConfig
    const driver = yield* Driver
    const owners = yield* makeOwnersTable(actor.host, settingsTable)
    const rows = yield* makeRegistryTables(settingsTable, owners.all)
    const history = yield* makeHistoryTable
    const takingBack = yield* makeTakingBack(history)
    const schema = yield* SchemaSteps
    const changes = yield* makeChangeExecutor(settingsTable, schema, rows)
    const health = yield* makeHealthTable(actor.host)
    const runner = yield* makeQueryRunner(settingsTable, schema, databaseTimeout)
    const knowledge = yield* makeKnowledge(runner, health)
    const { queryWithoutRepair, queryOr, ifTableExists, provide } = runner
    const write = makeWriter(actor, runner, rows, changes)

    const readWith = <Q extends Queries>(queries: Q, readMany: typeof driver.readMany) => {
      const statements = [queries, health.queries].flatMap(statementsOf)
      return Effect.map(readMany(statements), (results) => {
        const { clock, records } = decodeAll(health.queries, results.slice(-2))
        return { ...decodeAll(queries, results), health: { records, ...clock } }
      })
    }
    /** Reads `queries`, and the health on this host, outside any transaction. */
    const read = <Q extends Queries>(queries: Q) => readWith(queries, driver.readMany)

    /** Likewise, but treats missing tables as empty. */
    const readExisting = <Q extends Queries>(queries: Q) =>
      readWith(queries, (statements) =>
        Effect.map(
          Effect.forEach(statements, (statement) => ifTableExists(driver.readMany([statement]), [[]])),
          (results) => results.flat()
        )
      )

    const withPorts = ({
      health,
      ...state
    }: Effect.Effect.Success<ReturnType<typeof read<typeof rows.everything>>>) => ({
      state: stateOf(state),
      health
    })

    const readEverything = Effect.map(queryOr(read(rows.everything), readExisting(rows.everything)), withPorts)

    const noOwners: ReadonlyArray<OwnerRow> = []
    const whole = {
      before: rows.ofLastChange,
      ...rows.everything,
      everywhere: takingBack.ofOwners,
      after: rows.ofLastChange
    }

    /** Reads the whole registry and the owners on all hosts as they are at one moment, without making others wait. */
    const snapshot = queryOr(
      Effect.gen(function* () {
        for (let tries = 0; tries < SNAPSHOT_TRIES; tries++) {
          const results = yield* driver.readMany(statementsOf(whole))
          const { after, before, everywhere, ...state } = decodeAll(whole, results)
          if (before === after) return { state: stateOf(state), everywhere }
        }
        return yield* provide(
          registryTransaction(runner, rows, ({ state }) =>
            Effect.map(takingBack.allOwners, (everywhere) => ({ state, everywhere }))
          )
        )
      }),
      Effect.map(readExisting(rows.everything), (found) => ({
        state: withPorts(found).state,
        everywhere: noOwners
      }))
    )

    const names = { rows: rows.everything.rows, owners: owners.all }
    const listed = {
      rows: rows.everything.rows,
      keys: rows.everything.keys,
      claims: rows.everything.claims,
      marks: rows.everything.marks,
      owners: owners.all
    }

    const readTick = read({ rows: listed.rows, claims: listed.claims, owners: owners.all })
    /** Reads again only if anything was committed since the last time. */
    const ifChanged = <A, E, R>(readAll: Effect.Effect<A, E, R>) => {
      let known: { readonly version: string; readonly data: A } | undefined
      return Effect.gen(function* () {
        const version = yield* driver.dataVersion
        if (version !== undefined && version === known?.version) return known.data
        const data = yield* readAll
        known = version === undefined ? undefined : { version, data }
        return data
      })
    }
    const live = { ...listed, reserved: rows.everything.reserved }
    const shown = { rows: listed.rows, keys: listed.keys, claims: listed.claims }

    /** The data version when `checkpointIfQuiet` was last called. */
    let lastDataVersion: string | undefined

    return {
      /** Names the database for people, without secrets. */
      label: driver.label,

      write,

      /** Makes the claims agree with what other programs wrote, and returns how they changed. */
      reconcileClaims: Effect.suspend(() =>
        write((state) =>
          Effect.map(DateTime.now, (now) => ({
            answer: findDrift(state.ports, state.claims, {
              claimedAt: DateTime.formatIso(now),
              host: actor.host,
              by: actor.user
            }),
            // Every write makes them agree, even one without changes.
            changes: []
          }))
        )
      ),

      /** Returns what `write` would return, and writes nothing. */
      dryRun: Effect.fn("Store.dryRun")(function* <A, E, R>(
        decide: (state: RegistryState) => Effect.Effect<Plan<A>, E, R>
      ) {
        const unused = Effect.flatMap(readExisting(rows.everything), (found) => decide(withPorts(found).state))
        return (yield* queryOr(provide(registryTransaction(runner, rows, ({ state }) => decide(state))), unused)).answer
      }),

      /** Returns the value of the row of `key`; undefined if there is none. */
      row: (key: string) => queryOr(rows.readRow(key), Effect.succeed(undefined)),

      /** Returns the values of the rows of `keys`, by key. `keys` must not be empty. */
      rowsFor: (keys: ReadonlyArray<string>) =>
        queryOr(rows.readSome(keys), Effect.succeed<ReadonlyMap<string, string>>(new Map())),

      /** Reads all rows, records and claims of the keys, and their owners and health on this host. */
      list: queryOr(read(listed), readExisting(listed)),

      /** Likewise, with the reserved ports. Reads again only if anything was committed. */
      readLive: queryOr(ifChanged(read(live)), readExisting(live)),

      /** Reads the values of all rows, and the owners on this host. */
      readNames: queryOr(
        Effect.map(driver.readMany(statementsOf(names)), (results) => decodeAll(names, results)),
        Effect.succeed({ rows: new Map<string, string>(), owners: new Map<string, KeyOwner>() })
      ),

      /** Reads the data for a tick, owners and health on this host included. Undefined if the database is unused. */
      readForTick: queryOr(ifChanged(readTick), Effect.succeed(undefined)),

      /** Reads what completions show. */
      readKnown: queryOr(ifChanged(read(shown)), readExisting(shown)),

      /** Stores the results of a tick on this host, and returns what the database rejected. */
      saveHealth: yield* makeHealthWriter(runner, health, owners),

      /** Compares the tables with the expected ones. */
      schemaStatus: queryWithoutRepair(
        // The tables last: another program may just have made them, for its first change.
        Effect.map(Effect.all([runner.facts, driver.columns]), ([facts, columns]) =>
          schemaStatusOf(settingsTable, schema, columns, facts)
        )
      ),

      /** Creates the tables that are missing, and upgrades the others. */
      makeTables: runner.makeTables,

      /** Reads everything, owners and health of this host only. Fails if a table is missing from a registry in use. */
      readEverything,

      /** Fails if a change could not be written. Writes nothing. */
      tryWrite: queryWithoutRepair(provide(registryTransaction(runner, rows, () => tryEverything(settingsTable)))),

      /** Fails if there is no room for a change, or if the registry cannot be created. Leaves nothing behind. */
      tryStorage: queryWithoutRepair(driver.tryStorage),

      /** Writes a copy of the registry to `file`, and returns its size in bytes. */
      backup: (file: string) =>
        queryWithoutRepair(
          Effect.gen(function* () {
            // A copy of an empty registry is no backup: perhaps another registry is meant.
            if (schemaStatusOf(settingsTable, schema, yield* driver.columns, factsOf([])).unused) {
              return yield* new Unavailable({
                store: driver.label,
                fault: "other",
                reason: "it is empty",
                hint: "name the registry to back up with AUTOMATELINUX_DATABASE_URL"
              })
            }
            return yield* driver.backup(file)
          })
        ),

      /** Moves what is committed into the registry's file, so that a plain copy of the file is complete. */
      checkpoint: queryWithoutRepair(driver.checkpoint),

      /** Likewise, but only if nothing was committed since the last call. */
      checkpointIfQuiet: queryWithoutRepair(
        Effect.suspend(() => {
          const before = lastDataVersion
          return Effect.flatMap(driver.dataVersion, (now) => {
            lastDataVersion = now
            return now !== undefined && now === before ? driver.checkpoint : Effect.void
          })
        })
      ),

      /** The account that this program is logged in as. */
      account: queryWithoutRepair(driver.account),

      /** The setting by which a crash may lose what was committed; undefined if there is none. */
      durabilityRisk: queryWithoutRepair(driver.durabilityRisk),

      /** The ports that were reserved with `d reserve`. */
      reservations: queryOr(rows.readReservations, Effect.succeed([])),

      /** Returns the last changes to a key or a port, newest first. */
      history: (about: { readonly key?: string | undefined; readonly port?: number | undefined }) =>
        queryOr(history.readHistory(about), Effect.succeed([])),

      /** Returns the operations that `filter` selects, newest first. */
      operations: (filter: HistoryFilter) =>
        queryOr(history.operations(filter), Effect.succeed<ReadonlyArray<PastOperation>>([])),

      /** Deletes a few of the oldest events before `cutoff`, and returns how many; 0 if there are none left. */
      trimHistory: (cutoff: string) =>
        Effect.flatMap(queryOr(history.trimming(cutoff), Effect.succeed(undefined)), (found) =>
          found === undefined
            ? Effect.succeed(0)
            : Effect.as(
                runner.toPublicError(runner.withExistingTables(driver.runBeside([found.statement]))),
                found.count
              )
        ),

      /** Returns the newest operation after `number` that concerns one of `keys` or `ports`. */
      latestAfter: (number: number, keys: ReadonlyArray<string>, ports: ReadonlyArray<number>) =>
        queryOr(takingBack.latestAfter(number, keys, ports), Effect.succeed(undefined)),

      /**
       * Takes back the operation `asked`, or the newest one of this user on this host, as `decide` says. It gets what
       * is recorded of the operation, and the owners of its keys on all hosts.
       */
      takeBack: Effect.fn("Store.takeBack")(function* <A, B, E, R>(
        { asked, dryRun, what }: TakeBackRequest,
        decide: (state: RegistryState, target: Target | undefined) => Effect.Effect<Plan<A>, E, R>,
        answerAgain: (events: ReadonlyArray<Done>) => B
      ) {
        let target: Target | undefined
        const prepare = Effect.gen(function* () {
          const number = asked ?? (yield* takingBack.newestOf(what, actor))
          const found = number === undefined ? undefined : yield* takingBack.recorded(number)
          target = found && { ...found, owners: yield* takingBack.ownersOf(keysIn(found.image ?? [])) }
        })
        const decideNow = (state: RegistryState) => Effect.suspend(() => decide(state, target))
        if (!dryRun) return yield* write<A | B, E, R>(decideNow, { prepare, answerAgain })
        const unused = Effect.flatMap(readExisting(rows.everything), (found) => decideNow(withPorts(found).state))
        const transacted = registryTransaction(runner, rows, ({ state }) => Effect.zipRight(prepare, decideNow(state)))
        return (yield* queryOr(provide(transacted), unused)).answer
      }),

      /** Decides with what the hosts know of the keys: a change in the same transaction, a dry run in none. */
      decideKnowing: Effect.fn("Store.decideKnowing")(function* <A, E, R>(
        decide: (state: RegistryState, knowledge: Knowledge) => Effect.Effect<Plan<A>, E, R>,
        { answerAgain, dryRun }: { readonly answerAgain: (events: ReadonlyArray<Done>) => A; readonly dryRun: boolean }
      ) {
        let known: Knowledge = NOTHING_KNOWN
        const prepare = Effect.map(knowledge.read, (found) => {
          known = found
        })
        const decideNow = (state: RegistryState) => Effect.suspend(() => decide(state, known))
        if (!dryRun) return yield* write<A, E, R>(decideNow, { prepare, answerAgain })
        // What is only shown need not keep others waiting.
        const { state } = yield* readEverything
        yield* queryOr(prepare, Effect.void)
        return (yield* decideNow(state)).answer
      }),

      upElsewhere: knowledge.upElsewhere,
      sightings: knowledge.sightings,
      snapshot,

      /** Writes what `decide` makes of the registry and of the owners on all hosts. A dry run writes nothing. */
      importAll: Effect.fn("Store.importAll")(function* <A, E, R>(
        dryRun: boolean,
        decide: (state: RegistryState, owners: ReadonlyArray<OwnerRow>) => Effect.Effect<Plan<A>, E, R>,
        answerAgain: (events: ReadonlyArray<Done>) => A
      ) {
        if (dryRun)
          return (yield* Effect.flatMap(snapshot, ({ everywhere, state }) => decide(state, everywhere))).answer
        let everywhere: ReadonlyArray<OwnerRow> = []
        const prepare = Effect.map(takingBack.allOwners, (found) => {
          everywhere = found
        })
        return yield* write<A, E, R>((state) => Effect.suspend(() => decide(state, everywhere)), {
          prepare,
          answerAgain
        })
      }),

      /** Checks that the database responds. */
      ping: queryWithoutRepair(Effect.asVoid(driver.readOne("SELECT 1", [])))
    }
  })
}) {}
