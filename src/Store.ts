import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import { PortsConfig } from "./config.ts"
import { after } from "./domain/after.ts"
import { drift } from "./domain/claims.ts"
import { KeyCollision, OutcomeUnknown, type Unavailable } from "./domain/errors.ts"
import type { Change, RegistryState } from "./domain/RegistryState.ts"
import type { HealthNews } from "./domain/watch.ts"
import { makeChanges, type Part, RowMoved } from "./store/changes.ts"
import { Dialect } from "./store/Dialect.ts"
import { grouped } from "./store/grouped.ts"
import { makeHealthRows } from "./store/health.ts"
import { makeOwnerRows } from "./store/owners.ts"
import { CommitLost, patiently, Troubled, unavailable } from "./store/patience.ts"
import { makeRows } from "./store/rows.ts"
import { checkColumns, conditionOf, ensureSchema, tableNames, tryEverything } from "./store/schema.ts"
import { transaction } from "./store/transaction.ts"

/** What a decision comes to: the answer for the caller, and what has to be written for it to be true. */
export interface Plan<A> {
  readonly answer: A
  readonly changes: ReadonlyArray<Change>
}

type Decide = (state: RegistryState) => Effect.Effect<Plan<unknown>, unknown>
type Came = Exit.Exit<unknown, unknown>

/** How long a transaction is kept open for one more decision. */
const DECIDING_MS = 100

/** The SQLite client remembers for a second that a statement could not be prepared, so a made table is asked for again. */
const untilMade = Schedule.spaced("300 millis").pipe(Schedule.upTo("2 seconds"))

/**
 * The registry's tables, whatever database they are in. Every change goes through `write`; every failure of the
 * database comes out as `Unavailable`.
 */
export class Store extends Effect.Service<Store>()("Store", {
  effect: Effect.gen(function* () {
    const { actor, patience, settingsTable } = yield* PortsConfig
    const sql = yield* SqlClient.SqlClient
    const dialect = yield* Dialect
    const owners = yield* makeOwnerRows(actor.host)
    const rows = yield* makeRows(settingsTable, owners.all)
    const changes = yield* makeChanges(settingsTable)
    const health = yield* makeHealthRows(actor.host)
    const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      effect.pipe(Effect.provideService(SqlClient.SqlClient, sql), Effect.provideService(Dialect, dialect))

    const troubled = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      Effect.mapError(effect, (error): Exclude<E, SqlError | RowMoved> | Troubled => {
        if (error instanceof SqlError) return new Troubled({ trouble: dialect.diagnose(error) })
        if (error instanceof RowMoved) return new Troubled({ trouble: { _tag: "Duplicate" } })
        return error as Exclude<E, SqlError | RowMoved>
      })

    const named = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.mapError(effect, (error) => {
        if (error instanceof Troubled) return unavailable(dialect.label, error.trouble)
        if (!(error instanceof CommitLost)) return error as Exclude<E, Troubled | CommitLost>
        const { reason } = unavailable(dialect.label, error.trouble)
        return new OutcomeUnknown({ store: dialect.label, reason })
      })

    const isRefusal = (error: unknown) => error instanceof Troubled && error.trouble._tag === "Refused"
    const isMissingTable = (error: unknown) => error instanceof Troubled && error.trouble._tag === "MissingTable"

    const schema = provide(Effect.zipRight(ensureSchema(settingsTable), checkColumns(settingsTable)))
    const makeSchema = patiently(
      troubled(sql.onDialectOrElse({ mysql: () => schema, orElse: () => provide(transaction(() => schema)) })),
      patience
    )

    let complete = sql.onDialectOrElse({ sqlite: () => false, orElse: () => true })
    /**
     * SQLite is asked for its tables before anything else, because its client remembers for a second that a statement
     * could not be prepared. On a server that would cost a round trip a process.
     */
    const made = Effect.gen(function* () {
      const tables = yield* patiently(troubled(sql<{ name: string }>`SELECT name FROM sqlite_master`), patience)
      const there = new Set(tables.map(({ name }) => name.toLowerCase()))
      if (!tableNames(settingsTable).every((name) => there.has(name.toLowerCase()))) yield* makeSchema
      complete = true
    })

    /** Waits for what may pass, and makes the schema where it is missing. */
    const tried = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) => {
      const patient = patiently(troubled(effect), patience)
      const attempt = Effect.suspend(() => (complete ? patient : Effect.zipRight(made, patient)))
      return Effect.catchIf(attempt, isMissingTable, () =>
        Effect.zipRight(makeSchema, Effect.retry(attempt, { schedule: untilMade, while: isMissingTable }))
      )
    }

    /** The same, and names what cannot be helped. */
    const guarded = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) => named(tried(effect))

    /** Says what is wrong, and mends nothing. */
    const asItIs = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      named(patiently(troubled(effect), patience))

    /** Runs `body` in a transaction of its own, on everything that there is. */
    const inState = <A, E, R>(body: (state: RegistryState) => Effect.Effect<A, E, R>) =>
      transaction((answers) => body(rows.stateOf(answers)), rows.everything)

    /**
     * What came of each of `decisions`, made one after the other, each on what the ones before left, and written in one
     * transaction that no other writer runs beside. They may be made several times. It ends early where deciding takes
     * long, because others wait for the database meanwhile.
     *
     * Where a COMMIT was not answered, a transaction of its own finds out what came of it, before anything else is
     * tried. It stands in the queue behind the lost one, or, on another node of a cluster, excludes it by committing:
     * so it finds the history of the lost one, or knows that there will be none. Only where nothing gets that far is
     * the outcome unknown.
     */
    const writeTogether = (decisions: ReadonlyArray<Decide>): Effect.Effect<ReadonlyArray<Came>> =>
      Effect.suspend(() => {
        // The global one, because importing it costs every process that only reads.
        const batch = crypto.randomUUID()
        let sent: { readonly came: ReadonlyArray<Came>; readonly lost: CommitLost } | undefined
        let came: Array<Came> = []
        const wasDone = Effect.gen(function* () {
          if (yield* rows.wasWritten(batch)) return true
          yield* changes.touch(crypto.randomUUID())
          return false
        })
        const attempt = Effect.fnUntraced(function* (stored: RegistryState) {
          const began = performance.now()
          const at = DateTime.formatIso(yield* DateTime.now)
          const parts: Array<Part> = []
          let state = stored
          came = []
          for (const decide of decisions) {
            const exit = yield* Effect.exit(decide(state))
            came.push(Exit.map(exit, (plan) => plan.answer))
            if (Exit.isSuccess(exit)) {
              parts.push({ state, changes: exit.value.changes })
              state = after(state, exit.value.changes, { claimedAt: at, host: actor.host, by: actor.user })
            }
            if (performance.now() - began > DECIDING_MS) break
          }
          yield* changes.writeAll(stored, parts, state, { ...actor, at, batch })
          return came
        })
        return tried(
          Effect.gen(function* () {
            if (sent !== undefined && (yield* provide(transaction(() => wasDone)))) return sent.came
            sent = undefined
            return yield* provide(inState(attempt))
          }).pipe(
            Effect.mapError((error) => {
              if (error instanceof CommitLost && came.length > 0) sent = { came, lost: error }
              // What fails while the outcome is open does not settle it.
              return sent !== undefined && error instanceof SqlError ? sent.lost : error
            })
          )
        ).pipe(
          Effect.catchAll((error) => {
            if (decisions.length > 1 && (error instanceof KeyCollision || isRefusal(error))) {
              // Perhaps it is only about one of them.
              return Effect.map(
                Effect.forEach(decisions, (decide) => writeTogether([decide])),
                (each) => each.flat()
              )
            }
            return Effect.map(Effect.exit(named(Effect.fail(error))), (failed) => decisions.map(() => failed))
          })
        )
      })

    const write = grouped(writeTogether)

    /**
     * The one write: inside a transaction, lets `decide` choose on everything that is there, and writes what it chose
     * with claims and history. `decide` may run several times.
     */
    const writeOne = Effect.fn("Store.write")(function* <A, E, R>(
      decide: (state: RegistryState) => Effect.Effect<Plan<A>, E, R>
    ) {
      const context = yield* Effect.context<R>()
      const came = write((state) => Effect.provide(decide(state), context))
      return yield* came as Effect.Effect<A, E | KeyCollision | Unavailable | OutcomeUnknown>
    })

    const everythingWatched = Effect.all({
      rows: rows.readRows,
      claims: rows.readClaims,
      health: health.read,
      owners: owners.read
    })
    /** What was read last, and after which commit: it is read again only where there was another. */
    let watched:
      | { readonly version: number | undefined; readonly seen: Effect.Effect.Success<typeof everythingWatched> }
      | undefined

    return {
      /** Names the database for people, without secrets. */
      label: dialect.label,

      write: writeOne,

      /** Makes the claims agree with what other programs wrote, and answers what that took. */
      agree: Effect.suspend(() =>
        writeOne((state) =>
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
        return (yield* guarded(provide(inState(decide)))).answer
      }),

      /** What the row of `key` holds, or `undefined` where there is none. */
      row: (key: string) => guarded(rows.readRow(key)),

      /** What the rows of `keys` hold, by key; at least one is asked for. */
      some: (keys: ReadonlyArray<string>) => guarded(rows.readSome(keys)),

      /** Every row by key, what is known of the keys, and what this host has seen. */
      list: guarded(
        Effect.all({ rows: rows.readRows, keys: rows.readKeys, claims: rows.readClaims, health: health.read })
      ),

      /** What a tick rests on: the ports, the claims, and what is known of them on this host. */
      watch: guarded(
        Effect.gen(function* () {
          const version = yield* dialect.version
          if (watched === undefined || version === undefined || version !== watched.version) {
            watched = { version, seen: yield* everythingWatched }
          }
          return watched.seen
        })
      ),

      /** Stores what has changed in what this host has seen. */
      saveHealth: (news: HealthNews): Effect.Effect<void, Unavailable | OutcomeUnknown> =>
        guarded(
          provide(
            transaction(() =>
              Effect.gen(function* () {
                yield* health.write(news.changed, news.gone)
                yield* owners.see(news.sightings)
                for (const { at, key, owner, port } of news.learned) {
                  // What was seen may have been given back meanwhile.
                  if ((yield* rows.readRow(key)) === String(port)) yield* owners.learn(key, owner, at)
                }
                if (news.clock !== undefined) yield* health.writeClock(news.clock.watched, news.clock.at)
              })
            )
          )
        ),

      /** How the tables are. */
      condition: asItIs(Effect.map(dialect.columns, (there) => conditionOf(settingsTable, there))),

      /** Makes the tables that are missing. */
      makeTables: Effect.suspend(() => named(makeSchema)),

      /** Everything that is known, of this host where it differs; fails where a table is missing. */
      survey: asItIs(
        Effect.all({ state: Effect.map(dialect.all(rows.everything), rows.stateOf), health: health.read })
      ),

      /** Fails where a change could not be written; nothing is. */
      tryWrite: asItIs(provide(transaction(() => tryEverything(settingsTable)))),

      /** The account that this program was let in as. */
      account: asItIs(dialect.account),

      /** How much of what was committed a crash may lose. */
      loses: asItIs(dialect.loses),

      /** The last changes to a key or a port, the newest first. */
      history: (about: { readonly key?: string | undefined; readonly port?: number | undefined }) =>
        guarded(rows.readHistory(about)),

      /** Asks the database for nothing. */
      ping: guarded(Effect.asVoid(sql`SELECT 1`))
    }
  })
}) {}
