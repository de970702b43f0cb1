import type { SqlError } from "@effect/sql/SqlError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { HealthNews, PortHealth, Unstored } from "../domain/watch.ts"
import type { Guard } from "./guard.ts"
import type { HealthRows } from "./health.ts"
import type { OwnerRows } from "./owners.ts"
import { Troubled } from "./patience.ts"
import type { Rows } from "./rows.ts"
import { transaction } from "./transaction.ts"

/** What one row takes. */
interface Piece {
  readonly write: Effect.Effect<unknown, SqlError>
  /** What is told if the database refuses it; missing if no row of another port would fare better. */
  readonly about?: ReadonlyArray<Omit<Unstored, "reason">>
  /** The same without text from outside. */
  readonly plain?: Piece
}

/** Whether a statement was refused for what it wanted to write. */
const isAboutARow = (error: unknown): error is Troubled & { readonly trouble: { readonly _tag: "Refused" } } =>
  error instanceof Troubled && error.trouble._tag === "Refused" && (error.trouble.fault ?? "other") === "other"

/**
 * Stores what a round of looks came to, in one transaction. A row that the database refuses, as for a name that the
 * column cannot hold, is left out alone; answers those.
 */
export const makeNewsWriter = (guard: Guard, health: HealthRows, owners: OwnerRows, rows: Rows) => {
  const ofRecord = (record: PortHealth): Piece => {
    const { key, listener, port } = record
    const plain: Piece = { write: health.put({ ...record, listener: null }), about: [{ what: "health", key, port }] }
    return listener === null ? plain : { write: health.put(record), about: [{ what: "listener", key, port }], plain }
  }

  const ofLearned = ({ at, key, owner, port }: HealthNews["learned"][number]): Piece => ({
    write: Effect.flatMap(rows.readRow(key), (stored) =>
      // What was seen may have been given back meanwhile.
      stored === String(port) ? owners.learn(key, owner, at) : Effect.void
    ),
    about: [{ what: "owner", key, port }]
  })

  const piecesOf = ({ changed, clock, gone, learned, sightings }: HealthNews, now: string): ReadonlyArray<Piece> => [
    ...gone.map((port): Piece => ({ write: health.remove(port) })),
    ...changed.map(ofRecord),
    // An owner that could not be stored cannot be looked for either, and has been told.
    ...sightings.map((sighting): Piece => ({ write: owners.see(sighting, now), about: [] })),
    ...learned.map(ofLearned),
    ...(clock === undefined ? [] : [{ write: health.writeClock(clock) }])
  ]

  const store = (pieces: ReadonlyArray<Piece>): ReturnType<typeof attempt> =>
    Effect.catchIf(attempt(pieces), isAboutARow, (error) => {
      const [first] = pieces
      if (pieces.length > 1) {
        const half = Math.ceil(pieces.length / 2)
        return Effect.zipWith(store(pieces.slice(0, half)), store(pieces.slice(half)), (a, b) => [...a, ...b])
      }
      if (first?.about === undefined) return Effect.fail(error)
      const told = first.about.map((each): Unstored => ({ ...each, reason: error.trouble.reason }))
      return first.plain === undefined
        ? Effect.succeed(told)
        : Effect.map(store([first.plain]), (rest) => (rest.length > 0 ? rest : told))
    })

  const attempt = (pieces: ReadonlyArray<Piece>) =>
    Effect.as(
      guard.attempted(
        guard.provide(transaction(() => Effect.forEach(pieces, ({ write }) => write, { discard: true })))
      ),
      [] as ReadonlyArray<Unstored>
    )

  return (news: HealthNews) =>
    Effect.flatMap(DateTime.now, (now) => guard.named(store(piecesOf(news, DateTime.formatIso(now)))))
}
