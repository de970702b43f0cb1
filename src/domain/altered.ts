import type { Image } from "./Image.ts"
import { describeOwner, ownerFrom, type StoredOwner } from "./Owner.ts"
import type { Altered, KeyAltered } from "./PastOperation.ts"

const ownerText = (stored: StoredOwner | null): string | null => {
  const owner = stored === null ? undefined : ownerFrom(stored)
  return owner === undefined ? null : describeOwner(owner)
}

/** Returns a change of a text; undefined if it is none. */
const altered = (before: string | null, after: string | null): Altered | undefined =>
  before === after ? undefined : { before, after }

/** Returns what an operation by `host` altered of `key`, from its image. */
export const alteredIn = (image: Image, key: string | null, host: string): KeyAltered => {
  let description: Altered | undefined
  let owner: Altered | undefined
  for (const each of image) {
    if (each[0] === "record" && each[1] === key)
      description = altered(each[2]?.description ?? null, each[3]?.description ?? null)
    if (each[0] === "owner" && each[1] === host && each[2] === key)
      owner = altered(ownerText(each[3]), ownerText(each[4]))
  }
  return { ...(description === undefined ? {} : { description }), ...(owner === undefined ? {} : { owner }) }
}

const reverse = ({ after, before }: Altered): Altered => ({ before: after, after: before })

/** Returns what taking that back alters. */
export const takenBack = ({ description, owner }: KeyAltered): KeyAltered => ({
  ...(description === undefined ? {} : { description: reverse(description) }),
  ...(owner === undefined ? {} : { owner: reverse(owner) })
})
