import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { HealthChanges, Learned, PortHealth, Sighting, Unstored } from "../domain/portHealth.ts"
import { batchesOf } from "./batches.ts"
import { Driver, type Statements } from "./Driver.ts"
import type { HealthTable } from "./healthTable.ts"
import type { OwnersTable } from "./ownersTable.ts"
import { DatabaseFailure } from "./retry.ts"
import type { QueryRunner } from "./runQuery.ts"

/** One row of what a round of looks came to. */
type Piece =
  | { readonly _tag: "Gone"; readonly port: number }
  | { readonly _tag: "Record"; readonly record: PortHealth }
  | { readonly _tag: "Sighting"; readonly sighting: Sighting }
  | { readonly _tag: "Learned"; readonly learned: Learned }
  | { readonly _tag: "Clock"; readonly clock: NonNullable<HealthChanges["clock"]> }

/** Rows in one statement: SQLite takes 32,766 values. */
const ROWS_MAX = 500

/** Whether a statement was refused for what it wanted to write. */
const isAboutARow = (error: unknown): error is DatabaseFailure & { readonly kind: { readonly _tag: "Rejected" } } =>
  error instanceof DatabaseFailure && error.kind._tag === "Rejected" && (error.kind.fault ?? "other") === "other"

/**
 * Stores what a round of looks came to, in as few statements as possible and besides the queue: nothing of it concerns
 * another host, and on a server that is far away a row at a time kept everyone else waiting for seconds. A row that the
 * database refuses, as for a name that the column cannot hold, is left out alone; answers those.
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

    /** Stores one row that was refused as far as it can be, and tells what is left out. */
    const withoutText = (piece: Piece, error: DatabaseFailure, now: string) => {
      if (piece._tag === "Gone" || piece._tag === "Clock") return Effect.fail(error)
      // An owner that could not be stored cannot be looked for either, and has been told.
      if (piece._tag === "Sighting") return Effect.succeed<ReadonlyArray<Unstored>>([])
      const reason = error.kind._tag === "Rejected" ? error.kind.reason : ""
      const { key, port } = piece._tag === "Record" ? piece.record : piece.learned
      const told = (what: Unstored["what"]): ReadonlyArray<Unstored> => [{ what, key, port, reason }]
      if (piece._tag === "Learned") return Effect.succeed(told("owner"))
      if (piece.record.listener === null) return Effect.succeed(told("health"))
      const plain: Piece = { _tag: "Record", record: { ...piece.record, listener: null } }
      return Effect.map(store([plain], now), (rest) => (rest.length > 0 ? rest : told("listener")))
    }

    const attempt = (pieces: ReadonlyArray<Piece>, now: string) =>
      Effect.as(runner.withExistingTables(driver.runBeside(statementsOf(pieces, now))), [] as ReadonlyArray<Unstored>)

    const store = (pieces: ReadonlyArray<Piece>, now: string): ReturnType<typeof attempt> =>
      Effect.catchIf(attempt(pieces, now), isAboutARow, (error) => {
        const [first] = pieces
        if (first === undefined) return Effect.fail(error)
        if (pieces.length === 1) return withoutText(first, error, now)
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
