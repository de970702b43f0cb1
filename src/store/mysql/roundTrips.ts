import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { RawResults } from "../Driver.ts"

/** A statement, and the values for its placeholders. */
export type Text = readonly [text: string, values: ReadonlyArray<unknown>]

export const compiled = (statement: Statement<object>): Text => statement.compile()

export const textOf = (texts: ReadonlyArray<Text>): string => texts.map(([text]) => text).join("; ")

/** The maximum number of characters in one round trip: a server may accept no more than 1 MiB. */
const ROUND_TRIP_MAX = 262_144

const lengthOf = ([text, values]: Text): number =>
  values.reduce<number>((sum, value) => sum + String(value).length, text.length)

/** Groups `texts`, in order, into as few round trips as possible. */
const roundTripsOf = (texts: ReadonlyArray<Text>): ReadonlyArray<ReadonlyArray<Text>> => {
  const roundTrips: Array<Array<Text>> = []
  let length = Number.POSITIVE_INFINITY
  for (const text of texts) {
    length += lengthOf(text)
    if (length > ROUND_TRIP_MAX) {
      roundTrips.push([])
      length = lengthOf(text)
    }
    roundTrips.at(-1)?.push(text)
  }
  return roundTrips
}

const sendOne = (connection: Connection, [text, values]: Text): Effect.Effect<unknown, SqlError> =>
  // Not every statement can be prepared, and unprepared ones report no affected rows. Those without values (SET,
  // START TRANSACTION, COMMIT) need none.
  values.length === 0 && !text.startsWith("SELECT")
    ? connection.executeUnprepared(text, [], undefined)
    : connection.executeRaw(text, values)

/** Runs statements in order, in as few round trips as possible, and returns the driver's result of each. */
export const sendTogether = (connection: Connection, texts: ReadonlyArray<Text>): Effect.Effect<RawResults, SqlError> =>
  Effect.map(
    Effect.forEach(roundTripsOf(texts), (batch): Effect.Effect<RawResults, SqlError> => {
      const [only] = batch
      if (batch.length === 1 && only !== undefined) return Effect.map(sendOne(connection, only), (result) => [result])
      return connection.executeUnprepared(
        textOf(batch),
        batch.flatMap(([, values]) => values),
        undefined
      )
    }),
    (results) => results.flat()
  )

const ROW_COUNT: Text = ["SELECT ROW_COUNT() AS affectedRows", []]

/**
 * Runs statements in order, each in a round trip of its own and unprepared, as transactions on a Galera node require.
 *
 * If another node was faster, a node aborts a transaction in the middle. The remaining statements of a multi-statement
 * query then run outside any transaction. And a node that is aborted during a PREPARE does not report it: that
 * statement and the rest run outside, too (MariaDB 10.11.19: 6 of 37,000 transactions, and none unprepared).
 *
 * Returns the rows of each statement; if `counted`, the number of rows that it matched, in the driver's form.
 */
export const sendAlone = (
  connection: Connection,
  texts: ReadonlyArray<Text>,
  counted = false
): Effect.Effect<RawResults, SqlError> => {
  const sendText = ([text, values]: Text) => connection.executeUnprepared(text, values, undefined)
  return Effect.forEach(texts, (text) =>
    counted ? Effect.map(Effect.zipRight(sendText(text), sendText(ROW_COUNT)), ([row]) => row) : sendText(text)
  )
}

/** Makes single queries on `connection` unprepared, too. */
export const asText = (connection: Connection): Connection =>
  Object.assign(Object.create(connection), { execute: connection.executeUnprepared })
