import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { RawResults } from "../Driver.ts"

/** A statement, and the values for its places. */
export type Text = readonly [text: string, values: ReadonlyArray<unknown>]

export const compiled = (statement: Statement<object>): Text => statement.compile()

export const textOf = (texts: ReadonlyArray<Text>): string => texts.map(([text]) => text).join("; ")

/** How many characters go to a server at once: what it takes may be no more than 1 MiB. */
const JOURNEY_MAX = 262_144

const lengthOf = ([text, values]: Text): number =>
  values.reduce<number>((sum, value) => sum + String(value).length, text.length)

/** The fewest journeys that `texts` can be sent in, in their order. */
const journeysOf = (texts: ReadonlyArray<Text>): ReadonlyArray<ReadonlyArray<Text>> => {
  const journeys: Array<Array<Text>> = []
  let length = Number.POSITIVE_INFINITY
  for (const text of texts) {
    length += lengthOf(text)
    if (length > JOURNEY_MAX) {
      journeys.push([])
      length = lengthOf(text)
    }
    journeys.at(-1)?.push(text)
  }
  return journeys
}

const sendOne = (connection: Connection, [text, values]: Text): Effect.Effect<unknown, SqlError> =>
  // What cannot be prepared answers nothing that matters.
  values.length === 0 && !text.startsWith("SELECT")
    ? connection.executeUnprepared(text, [], undefined)
    : connection.executeRaw(text, values)

/** Runs statements in their order, and answers what the driver says of each, in as few journeys as possible. */
export const sendTogether = (connection: Connection, texts: ReadonlyArray<Text>): Effect.Effect<RawResults, SqlError> =>
  Effect.map(
    Effect.forEach(journeysOf(texts), (some): Effect.Effect<RawResults, SqlError> => {
      const [only] = some
      if (some.length === 1 && only !== undefined) return Effect.map(sendOne(connection, only), (answer) => [answer])
      return connection.executeUnprepared(
        textOf(some),
        some.flatMap(([, values]) => values),
        undefined
      )
    }),
    (answers) => answers.flat()
  )

const ROW_COUNT: Text = ["SELECT ROW_COUNT() AS affectedRows", []]

/**
 * Runs statements in their order, each by itself and as text: the way for a transaction on a node of a Galera cluster.
 * There a transaction is ended in its middle when another node was faster. Of statements that were sent together the
 * rest is run all the same then, outside of any transaction; and a node that is told so while it prepares a statement
 * forgets it, and runs that one and the rest outside (MariaDB 10.11.19: 6 of 37,000 transactions, and none as text).
 *
 * Answers the rows of each; where it is `counted`, how many rows the statement met, as the driver would say it.
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

/** What is asked over it by itself goes as text, too. */
export const asText = (connection: Connection): Connection =>
  Object.assign(Object.create(connection), { execute: connection.executeUnprepared })
