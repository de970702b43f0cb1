import { randomUUID } from "node:crypto"
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { PortsConfig } from "./config.ts"
import { Unavailable } from "./domain/errors.ts"
import type { Change, RegistryState } from "./domain/RegistryState.ts"
import { Dialect, type Trouble } from "./store/Dialect.ts"
import { makeRows, RowMoved } from "./store/rows.ts"
import { checkColumns, ensureSchema, tableNames } from "./store/schema.ts"
import { transaction } from "./store/transaction.ts"

/** What a decision comes to: the answer for the caller, and what has to be written for it to be true. */
export interface Plan<A> {
  readonly answer: A
  readonly changes: ReadonlyArray<Change>
}

class Troubled extends Data.TaggedError("Troubled")<{ readonly trouble: Trouble }> {}

/** How long somebody who is in the way is waited for: 5 s, asking every 5 to 25 ms. */
const whileBusy = Schedule.spaced("15 millis").pipe(
  Schedule.jitteredWith({ min: 0.3, max: 1.7 }),
  Schedule.upTo("5 seconds")
)

/** The SQLite client remembers for a second that a statement could not be prepared, so a made table is asked for again. */
const untilMade = Schedule.spaced("300 millis").pipe(Schedule.upTo("2 seconds"))

/**
 * The registry's tables, whatever database they are in. Every change goes through `write`; every failure of the
 * database comes out as `Unavailable`.
 */
export class Store extends Effect.Service<Store>()("Store", {
  effect: Effect.gen(function* () {
    const { actor, settingsTable } = yield* PortsConfig
    const sql = yield* SqlClient.SqlClient
    const dialect = yield* Dialect
    const rows = yield* makeRows(settingsTable)
    const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      effect.pipe(Effect.provideService(SqlClient.SqlClient, sql), Effect.provideService(Dialect, dialect))

    const unavailable = ({ trouble }: Troubled) =>
      new Unavailable({
        store: dialect.label,
        ...("reason" in trouble
          ? trouble
          : trouble._tag === "MissingTable"
            ? { reason: "a table is missing and cannot be made", hint: "look at the rights of its user" }
            : { reason: "a row is there twice", hint: "try again" })
      })

    const troubled = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) =>
      Effect.mapError(effect, (error): Exclude<E, SqlError | RowMoved> | Troubled => {
        if (error instanceof SqlError) return new Troubled({ trouble: dialect.diagnose(error) })
        if (error instanceof RowMoved) {
          const trouble: Trouble = {
            _tag: "Busy",
            reason: `another program keeps changing port_${error.key}`,
            hint: "try again"
          }
          return new Troubled({ trouble })
        }
        return error as Exclude<E, SqlError | RowMoved>
      })

    const schema = provide(Effect.zipRight(ensureSchema(settingsTable), checkColumns(settingsTable)))
    const makeSchema = troubled(
      sql.onDialectOrElse({ mysql: () => schema, orElse: () => provide(transaction(schema)) })
    )

    const isTrouble = (tag: Trouble["_tag"]) => (error: unknown) =>
      error instanceof Troubled && error.trouble._tag === tag

    const waiting = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.retry(effect, { schedule: whileBusy, while: isTrouble("Busy") })

    const named = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.mapError(effect, (error): Exclude<E, Troubled> | Unavailable =>
        error instanceof Troubled ? unavailable(error) : (error as Exclude<E, Troubled>)
      )

    /** Waits for who is in the way, makes the schema where it is missing, and names what cannot be helped. */
    const guarded = <A, E, R>(effect: Effect.Effect<A, E | SqlError | RowMoved, R>) => {
      const attempt = waiting(troubled(effect))
      return attempt.pipe(
        Effect.catchIf(isTrouble("MissingTable"), () =>
          Effect.zipRight(
            waiting(makeSchema),
            Effect.retry(attempt, { schedule: untilMade, while: isTrouble("MissingTable") })
          )
        ),
        named
      )
    }

    if (sql.onDialectOrElse({ sqlite: () => true, orElse: () => false })) {
      // Asked for beforehand, because of what the client remembers; on a server it would cost a round trip a process.
      const tables = sql<{ name: string }>`SELECT name FROM sqlite_master WHERE type = 'table'`
      const there = new Set((yield* named(waiting(troubled(tables)))).map(({ name }) => name.toLowerCase()))
      const complete = tableNames(settingsTable).every((name) => there.has(name.toLowerCase()))
      if (!complete) yield* named(waiting(makeSchema))
    }

    return {
      /** Names the database for people, without secrets. */
      label: dialect.label,

      /**
       * The one write: inside a transaction that no other writer runs beside, reads everything, lets `decide` choose,
       * and writes what it chose with claims and history. `decide` may run several times.
       */
      write: Effect.fn("Store.write")(function* <A, E, R>(
        decide: (state: RegistryState) => Effect.Effect<Plan<A>, E, R>
      ) {
        return yield* guarded(
          provide(
            transaction(
              Effect.gen(function* () {
                const state = yield* rows.readState
                const plan = yield* decide(state)
                const at = DateTime.formatIso(yield* DateTime.now)
                yield* rows.writeAll(state, plan.changes, { ...actor, at, batch: randomUUID() })
                return plan.answer
              })
            )
          )
        )
      }),

      /** What `write` would answer; nothing is written. */
      rehearse: Effect.fn("Store.rehearse")(function* <A, E, R>(
        decide: (state: RegistryState) => Effect.Effect<Plan<A>, E, R>
      ) {
        const read = Effect.flatMap(rows.readState, decide)
        return (yield* guarded(provide(transaction(read)))).answer
      }),

      /** What the row of `key` holds, or `undefined` where there is none. */
      row: (key: string) => guarded(rows.readRow(key)),

      /** Every row by key, and what is known of the keys. */
      list: guarded(Effect.all({ rows: rows.readRows, keys: rows.readKeys }))
    }
  })
}) {}
