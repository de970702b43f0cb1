import * as SqlClient from "@effect/sql/SqlClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { PortsConfig } from "../config/Config.ts"
import { findDrift } from "../domain/claims.ts"
import { Unavailable } from "../domain/errors.ts"
import { portsOf, type RegistryState } from "../domain/RegistryState.ts"
import { Driver } from "./Driver.ts"
import { makeChangeExecutor } from "./executeChanges.ts"
import { makeHealthTable } from "./healthTable.ts"
import { makeHealthWriter } from "./healthWriter.ts"
import { makeOwnersTable } from "./ownersTable.ts"
import { decodeAll, type Queries, statementsOf } from "./Query.ts"
import { makeRegistryTables } from "./registryTables.ts"
import { registryTransaction } from "./registryTransaction.ts"
import { makeQueryRunner } from "./runQuery.ts"
import { factsOf, SchemaSteps, schemaStatusOf, tryEverything } from "./schema.ts"
import type { Plan } from "./writeAttempt.ts"
import { makeWriter } from "./writer.ts"

export { labelOf } from "./databaseLabel.ts"

/**
 * The registry's tables, whatever database they are in. Every change goes through `write`; every failure of the
 * database comes out as `Unavailable`.
 */
export class Store extends Effect.Service<Store>()("Store", {
  effect: Effect.gen(function* () {
    const { actor, databaseTimeout, settingsTable } = yield* PortsConfig
    const sql = yield* SqlClient.SqlClient
    const driver = yield* Driver
    const owners = yield* makeOwnersTable(actor.host, settingsTable)
    const rows = yield* makeRegistryTables(settingsTable, owners.all)
    const schema = yield* SchemaSteps
    const changes = yield* makeChangeExecutor(settingsTable, schema, rows)
    const health = yield* makeHealthTable(actor.host)
    const runner = yield* makeQueryRunner(settingsTable, schema, databaseTimeout)
    const { queryWithoutRepair, queryOr, ifTableExists, provide } = runner
    const write = makeWriter(actor, runner, rows, changes)

    const lookAt = <Q extends Queries>(queries: Q, look: typeof driver.readMany) => {
      const statements = [queries, health.queries].flatMap(statementsOf)
      return Effect.map(look(statements), (answers) => {
        const { clock, records } = decodeAll(health.queries, answers.slice(-2))
        return { ...decodeAll(queries, answers), health: { records, ...clock } }
      })
    }
    /** What `queries` come to outside of any transaction, and what this host has seen. */
    const look = <Q extends Queries>(queries: Q) => lookAt(queries, driver.readMany)

    /** The same if tables are missing, which are as good as empty. */
    const lookAtRest = <Q extends Queries>(queries: Q) =>
      lookAt(queries, (statements) =>
        Effect.map(
          Effect.forEach(statements, (statement) => ifTableExists(driver.readMany([statement]), [[]])),
          (answers) => answers.flat()
        )
      )

    const surveyed = ({
      health,
      ...state
    }: Effect.Effect.Success<ReturnType<typeof look<typeof rows.everything>>>) => ({
      state: { ...state, ports: portsOf(state.rows) },
      health
    })

    const listed = { rows: rows.everything.rows, keys: rows.everything.keys, claims: rows.everything.claims }

    const lookAround = look({ rows: listed.rows, claims: listed.claims, owners: owners.all })
    /** What a tick has read, and after which commit: it is read again only where there was another. */
    let known: { readonly version: string; readonly seen: Effect.Effect.Success<typeof lookAround> } | undefined

    /** After which commit it was last asked whether all is quiet. */
    let lastDataVersion: string | undefined

    return {
      /** Names the database for people, without secrets. */
      label: driver.label,

      write,

      /** Makes the claims agree with what other programs wrote, and answers what that took. */
      reconcileClaims: Effect.suspend(() =>
        write((state) =>
          Effect.map(DateTime.now, (now) => ({
            answer: findDrift(state.ports, state.claims, {
              claimedAt: DateTime.formatIso(now),
              host: actor.host,
              by: actor.user
            }),
            // Writing makes them agree, also where there is nothing else to write.
            changes: []
          }))
        )
      ),

      /** What `write` would answer; nothing is written. */
      dryRun: Effect.fn("Store.dryRun")(function* <A, E, R>(
        decide: (state: RegistryState) => Effect.Effect<Plan<A>, E, R>
      ) {
        const unused = Effect.flatMap(lookAtRest(rows.everything), (seen) => decide(surveyed(seen).state))
        return (yield* queryOr(provide(registryTransaction(runner, rows, ({ state }) => decide(state))), unused)).answer
      }),

      /** What the row of `key` holds, or `undefined` where there is none. */
      row: (key: string) => queryOr(rows.readRow(key), Effect.succeed(undefined)),

      /** What the rows of `keys` hold, by key; at least one is asked for. */
      rowsFor: (keys: ReadonlyArray<string>) =>
        queryOr(rows.readSome(keys), Effect.succeed<ReadonlyMap<string, string>>(new Map())),

      /** Every row by key, what is known of the keys, and what this host has seen. */
      list: queryOr(look(listed), lookAtRest(listed)),

      /**
       * What a tick rests on: the ports, the claims, and what is known of them on this host. Nothing in a database that is
       * not in use yet.
       */
      readForTick: queryOr(
        Effect.gen(function* () {
          const version = yield* driver.dataVersion
          if (version !== undefined && version === known?.version) return known.seen
          const seen = yield* lookAround
          known = version === undefined ? undefined : { version, seen }
          return seen
        }),
        Effect.succeed(undefined)
      ),

      /** Stores what has changed in what this host has seen, and answers what the database refused. */
      saveHealth: yield* makeHealthWriter(runner, health, owners),

      /** How the tables are. */
      schemaStatus: queryWithoutRepair(
        Effect.map(Effect.all([driver.columns, runner.facts]), ([there, facts]) =>
          schemaStatusOf(settingsTable, schema, there, facts)
        )
      ),

      /** Makes the tables that are missing, and brings them up to date. */
      makeTables: runner.makeTables,

      /** Everything that is known, of this host where it differs; fails if a table is missing from a registry in use. */
      readEverything: Effect.map(queryOr(look(rows.everything), lookAtRest(rows.everything)), surveyed),

      /** Fails where a change could not be written; nothing is. */
      tryWrite: queryWithoutRepair(provide(registryTransaction(runner, rows, () => tryEverything(settingsTable)))),

      /** Writes a copy of the registry to `file`, and returns its size in bytes. */
      backup: (file: string) =>
        queryWithoutRepair(
          Effect.gen(function* () {
            // A copy of nothing is no backup: perhaps another registry is meant.
            if (schemaStatusOf(settingsTable, schema, yield* driver.columns, factsOf([])).unused) {
              return yield* new Unavailable({
                store: driver.label,
                fault: "other",
                reason: "nothing is in it yet",
                hint: "name the registry that is meant with AUTOMATELINUX_DATABASE_URL"
              })
            }
            return yield* driver.backup(file)
          })
        ),

      /** Lets a plain copy of the registry's file have everything. */
      checkpoint: queryWithoutRepair(driver.checkpoint),

      /** The same if nothing was written since this was asked last. */
      checkpointIfQuiet: queryWithoutRepair(
        Effect.suspend(() => {
          const before = lastDataVersion
          return Effect.flatMap(driver.dataVersion, (now) => {
            lastDataVersion = now
            return now !== undefined && now === before ? driver.checkpoint : Effect.void
          })
        })
      ),

      /** The account that this program was let in as. */
      account: queryWithoutRepair(driver.account),

      /** How much of what was committed a crash may lose. */
      durabilityRisk: queryWithoutRepair(driver.durabilityRisk),

      /** The last changes to a key or a port, the newest first. */
      history: (about: { readonly key?: string | undefined; readonly port?: number | undefined }) =>
        queryOr(rows.readHistory(about), Effect.succeed([])),

      /** Asks the database for nothing. */
      ping: queryWithoutRepair(Effect.asVoid(sql`SELECT 1`))
    }
  })
}) {}
