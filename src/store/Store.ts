import * as SqlClient from "@effect/sql/SqlClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { PortsConfig } from "../config/Config.ts"
import { drift } from "../domain/claims.ts"
import { Unavailable } from "../domain/errors.ts"
import { portsOf, type RegistryState } from "../domain/RegistryState.ts"
import { Dialect } from "./Driver.ts"
import { makeChanges } from "./executeChanges.ts"
import { makeHealthRows } from "./healthTable.ts"
import { makeNewsWriter } from "./healthWriter.ts"
import { makeOwnerRows } from "./ownersTable.ts"
import { answered, type Questions, statementsOf } from "./Query.ts"
import { makeRows } from "./registryTables.ts"
import { makeGuard } from "./runQuery.ts"
import { conditionOf, factsOf, SchemaSteps, tryEverything } from "./schema.ts"
import { inState, makeWriter, type Plan } from "./writer.ts"

export { labelOf } from "./databaseLabel.ts"

/**
 * The registry's tables, whatever database they are in. Every change goes through `write`; every failure of the
 * database comes out as `Unavailable`.
 */
export class Store extends Effect.Service<Store>()("Store", {
  effect: Effect.gen(function* () {
    const { actor, patience, settingsTable } = yield* PortsConfig
    const sql = yield* SqlClient.SqlClient
    const dialect = yield* Dialect
    const owners = yield* makeOwnerRows(actor.host, settingsTable)
    const rows = yield* makeRows(settingsTable, owners.all)
    const schema = yield* SchemaSteps
    const changes = yield* makeChanges(settingsTable, schema, rows)
    const health = yield* makeHealthRows(actor.host)
    const guard = yield* makeGuard(settingsTable, schema, patience)
    const { asItIs, asked, ifThere, provide } = guard
    const write = makeWriter(actor, guard, rows, changes)

    const lookAt = <Q extends Questions>(questions: Q, look: typeof dialect.look) => {
      const statements = [questions, health.questions].flatMap(statementsOf)
      return Effect.map(look(statements), (answers) => {
        const { clock, records } = answered(health.questions, answers.slice(-2))
        return { ...answered(questions, answers), health: { records, ...clock } }
      })
    }
    /** What `questions` come to outside of any transaction, and what this host has seen. */
    const look = <Q extends Questions>(questions: Q) => lookAt(questions, dialect.look)

    /** The same if tables are missing, which are as good as empty. */
    const lookAtRest = <Q extends Questions>(questions: Q) =>
      lookAt(questions, (statements) =>
        Effect.map(
          Effect.forEach(statements, (statement) => ifThere(dialect.look([statement]), [[]])),
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
    let settling: string | undefined

    return {
      /** Names the database for people, without secrets. */
      label: dialect.label,

      write,

      /** Makes the claims agree with what other programs wrote, and answers what that took. */
      agree: Effect.suspend(() =>
        write((state) =>
          Effect.map(DateTime.now, (now) => ({
            answer: drift(state.ports, state.claims, {
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
      rehearse: Effect.fn("Store.rehearse")(function* <A, E, R>(
        decide: (state: RegistryState) => Effect.Effect<Plan<A>, E, R>
      ) {
        const unused = Effect.flatMap(lookAtRest(rows.everything), (seen) => decide(surveyed(seen).state))
        return (yield* asked(provide(inState(guard, rows, ({ state }) => decide(state))), unused)).answer
      }),

      /** What the row of `key` holds, or `undefined` where there is none. */
      row: (key: string) => asked(rows.readRow(key), Effect.succeed(undefined)),

      /** What the rows of `keys` hold, by key; at least one is asked for. */
      some: (keys: ReadonlyArray<string>) =>
        asked(rows.readSome(keys), Effect.succeed<ReadonlyMap<string, string>>(new Map())),

      /** Every row by key, what is known of the keys, and what this host has seen. */
      list: asked(look(listed), lookAtRest(listed)),

      /**
       * What a tick rests on: the ports, the claims, and what is known of them on this host. Nothing in a database that is
       * not in use yet.
       */
      watch: asked(
        Effect.gen(function* () {
          const version = yield* dialect.version
          if (version !== undefined && version === known?.version) return known.seen
          const seen = yield* lookAround
          known = version === undefined ? undefined : { version, seen }
          return seen
        }),
        Effect.succeed(undefined)
      ),

      /** Stores what has changed in what this host has seen, and answers what the database refused. */
      saveHealth: yield* makeNewsWriter(guard, health, owners),

      /** How the tables are. */
      condition: asItIs(
        Effect.map(Effect.all([dialect.columns, guard.facts]), ([there, facts]) =>
          conditionOf(settingsTable, schema, there, facts)
        )
      ),

      /** Makes the tables that are missing, and brings them up to date. */
      makeTables: guard.makeTables,

      /** Everything that is known, of this host where it differs; fails if a table is missing from a registry in use. */
      survey: Effect.map(asked(look(rows.everything), lookAtRest(rows.everything)), surveyed),

      /** Fails where a change could not be written; nothing is. */
      tryWrite: asItIs(provide(inState(guard, rows, () => tryEverything(settingsTable)))),

      /** Writes a copy of the registry to `file`, and returns its size in bytes. */
      backup: (file: string) =>
        asItIs(
          Effect.gen(function* () {
            // A copy of nothing is no backup: perhaps another registry is meant.
            if (conditionOf(settingsTable, schema, yield* dialect.columns, factsOf([])).unused) {
              return yield* new Unavailable({
                store: dialect.label,
                fault: "other",
                reason: "nothing is in it yet",
                hint: "name the registry that is meant with AUTOMATELINUX_DATABASE_URL"
              })
            }
            return yield* dialect.backup(file)
          })
        ),

      /** Lets a plain copy of the registry's file have everything. */
      settle: asItIs(dialect.settle),

      /** The same if nothing was written since this was asked last. */
      settleIfQuiet: asItIs(
        Effect.suspend(() => {
          const before = settling
          return Effect.flatMap(dialect.version, (now) => {
            settling = now
            return now !== undefined && now === before ? dialect.settle : Effect.void
          })
        })
      ),

      /** The account that this program was let in as. */
      account: asItIs(dialect.account),

      /** How much of what was committed a crash may lose. */
      loses: asItIs(dialect.loses),

      /** The last changes to a key or a port, the newest first. */
      history: (about: { readonly key?: string | undefined; readonly port?: number | undefined }) =>
        asked(rows.readHistory(about), Effect.succeed([])),

      /** Asks the database for nothing. */
      ping: asItIs(Effect.asVoid(sql`SELECT 1`))
    }
  })
}) {}
