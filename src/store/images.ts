import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { CHECK_NAMES } from "../domain/Finding.ts"
import type { Image } from "../domain/Image.ts"

/** What an operation changed is part of the history: rows of its transaction that are no events of their own. */

/** Begins the `what` of those rows. */
export const IMAGES = "undo:"
/** Differences, as JSON. */
export const IMAGE = `${IMAGES}image`
/** The owner of a key on another host, which went with the key: the columns of its row, as JSON. */
export const OWNER_IMAGE = `${IMAGES}owner`

/** How long the text of one row becomes: so many rows fit into one statement. */
const TEXT_MAX = 4000
/** The maximum length of a TEXT column, in bytes. */
const BYTES_MAX = 65_000

/** Stands for a difference that does not fit into a row: the operation cannot be taken back. */
const LOST = "lost"

/** Ends an image, with the number of its rows: one of which some were deleted is none. */
const END = "end"

/** Writes an image as the texts of as few rows as necessary. */
export const imageTexts = (image: Image): ReadonlyArray<string> => {
  const texts: Array<string> = []
  let current = ""
  for (const difference of image) {
    const written = JSON.stringify(difference)
    const text = Buffer.byteLength(written) > BYTES_MAX ? JSON.stringify([LOST]) : written
    if (current !== "" && current.length + text.length > TEXT_MAX) {
      texts.push(`[${current}]`)
      current = ""
    }
    current += `${text},`
  }
  return [...texts.map((text) => text.replace(/,]$/, "]")), `[${current}${JSON.stringify([END, texts.length + 1])}]`]
}

/** Makes the readers of the texts. */
const makeReaders = () => {
  const Text = Schema.NullOr(Schema.String)
  const Claim = Schema.Struct({
    key: Schema.String,
    claimedAt: Schema.String,
    host: Schema.String,
    by: Schema.String
  })
  const Record = Schema.Struct({ description: Text, createdAt: Schema.String, host: Schema.String, by: Schema.String })
  const Owner = Schema.Struct({ kind: Schema.String, name: Schema.String, since: Schema.String, seen: Text })
  const Reservation = Schema.Struct({
    reason: Schema.String,
    at: Schema.String,
    host: Schema.String,
    by: Schema.String
  })
  const Rule = Schema.Struct({
    name: Schema.String,
    rule: Schema.Struct({
      check: Schema.Literal(...CHECK_NAMES),
      key: Text,
      port: Schema.NullOr(Schema.Number),
      reason: Schema.String,
      at: Schema.String,
      host: Schema.String,
      by: Schema.String
    })
  })

  const Pin = Schema.Struct({ at: Schema.String, host: Schema.String, by: Schema.String })

  /** A value before and after. */
  const changed = <A, B>(value: Schema.Schema<A, B>) => [Schema.NullOr(value), Schema.NullOr(value)] as const

  const Differences = Schema.Array(
    Schema.Union(
      Schema.Tuple(Schema.Literal("row"), Schema.String, ...changed(Schema.String)),
      Schema.Tuple(Schema.Literal("claim"), Schema.Number, ...changed(Claim)),
      Schema.Tuple(Schema.Literal("record"), Schema.String, ...changed(Record)),
      Schema.Tuple(Schema.Literal("owner"), Schema.String, Schema.String, ...changed(Owner)),
      Schema.Tuple(Schema.Literal("reserved"), Schema.Number, ...changed(Reservation)),
      Schema.Tuple(Schema.Literal("rule"), ...changed(Rule)),
      Schema.Tuple(Schema.Literal("pin"), Schema.String, ...changed(Pin)),
      Schema.Tuple(Schema.Literal("port"), Schema.String, Schema.Number),
      Schema.Tuple(Schema.Literal("rename"), Schema.String, Schema.String),
      Schema.Tuple(Schema.Literal("shared"), Schema.Number, Schema.Array(Schema.String)),
      Schema.Tuple(Schema.Literal(END), Schema.Number)
    )
  )

  const OwnerRow = Schema.Tuple(Schema.String, Schema.String, Schema.String, Schema.String, Schema.String, Text)
  return {
    readImage: Schema.decodeUnknownEither(Schema.parseJson(Differences)),
    readOwner: Schema.decodeUnknownEither(Schema.parseJson(OwnerRow))
  }
}

/** Only few commands need the readers, so their schemas are built only then, once. */
let readers: ReturnType<typeof makeReaders> | undefined

/**
 * Reads the image of an operation from those of its rows that are no events. Undefined if it has none, because an older
 * `d` made it, if it is being deleted, or if it cannot be read, because a newer `d` wrote it.
 */
export const imageFrom = (
  rows: ReadonlyArray<{ readonly what: string; readonly detail: string | null }>
): Image | undefined => {
  const images = rows.filter(({ what }) => what === IMAGE)
  if (images.length === 0) return undefined
  readers ??= makeReaders()
  const { readImage, readOwner } = readers
  const differences = Either.getOrUndefined(Either.all(images.map(({ detail }) => readImage(detail))))?.flat()
  const owners = Either.getOrUndefined(
    Either.all(rows.filter(({ what }) => what === OWNER_IMAGE).map(({ detail }) => readOwner(detail)))
  )
  if (differences === undefined || owners === undefined) return undefined
  const end = differences.find((each) => each[0] === END)
  if (end?.[1] !== images.length) return undefined
  return [
    ...differences.flatMap((each) => (each[0] === END ? [] : [each])),
    ...owners.map(
      ([host, key, kind, name, since, seen]) => ["owner", host, key, { kind, name, since, seen }, null] as const
    )
  ]
}
