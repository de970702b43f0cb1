import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { HealthChanges, Learned, PortHealth, Sighting, Unstored } from "../domain/portHealth.ts"
import { batchesOf } from "./batches.ts"
import { Driver, type Statements } from "./Driver.ts"
import { DatabaseFailure } from "./failures.ts"
import type { HealthTable } from "./healthTable.ts"
import type { OwnersTable } from "./ownersTable.ts"
import type { QueryRunner } from "./runQuery.ts"

/** One row of the results of a tick. */
type Piece =
  | { readonly _tag: "Gone"; readonly port: number }
  | { readonly _tag: "Record"; readonly record: PortHealth }
  | { readonly _tag: "Sighting"; readonly sighting: Sighting }
  | { readonly _tag: "Learned"; readonly learned: Learned }
  | { readonly _tag: "Clock"; readonly clock: NonNullable<HealthChanges["clock"]> }

/** The maximum rows in one statement: SQLite accepts 32,766 values. */
const ROWS_MAX = 500

/** Whether a statement was rejected because of the values in it. */
const isAboutARow = (error: unknown): error is DatabaseFailure & { readonly kind: { readonly _tag: "Rejected" } } =>
  error instanceof DatabaseFailure && error.kind._tag === "Rejected" && (error.kind.fault ?? "other") === "other"

/**
 * Stores the results of a tick, in as few statements as possible and outside the writers' queue: they concern no other
 * host, and on a distant server, one row at a time kept everyone else waiting for seconds. If the database rejects a
 * row, for example because the column cannot hold a name, only that row is left out. Returns the rows that were.
 */
export const makeHealthWriter = (runner: QueryRunner, health: HealthTable, owners: OwnersTable) =>
  Effect.map(Driver, (driver) => {
    const statementsOf = (pieces: ReadonlyArray<Piece>, now: string): Statements => [
      ...batchesOf(
        pieces.flatMap((piece) => (piece._tag === "Gone" ? piece.port : [])),
        ROWS_MAX
      ).map(health.remove),
      ...batchesOf(
        pieces.flatMap((piece) => (piece._tag === "Record" ? piece.record : [])),
        ROWS_MAX
      ).map(health.put),
      ...pieces.flatMap((piece) =>
        piece._tag === "Sighting"
          ? owners.see(piece.sighting, now)
          : piece._tag === "Learned"
            ? owners.learn(piece.learned)
            : piece._tag === "Clock"
              ? health.writeClock(piece.clock)
              : []
      )
    ]

    /** Stores as much as possible of one row that was rejected, and returns what is left out. */
    const storePartly = (piece: Piece, error: DatabaseFailure, now: string) => {
      if (piece._tag === "Gone" || piece._tag === "Clock") return Effect.fail(error)
      // An owner that the column cannot hold cannot be searched for either. It was reported when it was learned.
      if (piece._tag === "Sighting") return Effect.succeed<ReadonlyArray<Unstored>>([])
      const reason = error.kind._tag === "Rejected" ? error.kind.reason : ""
      const { key, port } = piece._tag === "Record" ? piece.record : piece.learned
      const unstored = (what: Unstored["what"]): ReadonlyArray<Unstored> => [{ what, key, port, reason }]
      if (piece._tag === "Learned") return Effect.succeed(unstored("owner"))
      if (piece.record.listener === null) return Effect.succeed(unstored("health"))
      const plain: Piece = { _tag: "Record", record: { ...piece.record, listener: null } }
      return Effect.map(store([plain], now), (rest) => (rest.length > 0 ? rest : unstored("listener")))
    }

    const attempt = (pieces: ReadonlyArray<Piece>, now: string) =>
      Effect.as(runner.withExistingTables(driver.runBeside(statementsOf(pieces, now))), [] as ReadonlyArray<Unstored>)

    const store = (pieces: ReadonlyArray<Piece>, now: string): ReturnType<typeof attempt> =>
      Effect.catchIf(attempt(pieces, now), isAboutARow, (error) => {
        const [first] = pieces
        if (first === undefined) return Effect.fail(error)
        if (pieces.length === 1) return storePartly(first, error, now)
        const half = Math.ceil(pieces.length / 2)
        return Effect.zipWith(store(pieces.slice(0, half), now), store(pieces.slice(half), now), (a, b) => [...a, ...b])
      })

    return ({ changed, clock, gone, learned, sightings }: HealthChanges) =>
      Effect.flatMap(DateTime.now, (now) => {
        const pieces: ReadonlyArray<Piece> = [
          ...gone.map((port) => ({ _tag: "Gone", port }) as const),
          ...changed.map((record) => ({ _tag: "Record", record }) as const),
          ...sightings.map((sighting) => ({ _tag: "Sighting", sighting }) as const),
          ...learned.map((each) => ({ _tag: "Learned", learned: each }) as const),
          ...(clock === undefined ? [] : [{ _tag: "Clock", clock } as const])
        ]
        return runner.toPublicError(store(pieces, DateTime.formatIso(now)))
      })
  })
