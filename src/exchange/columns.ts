import { Unreadable } from "./Source.ts"

/** The columns of tables, by the titles that people give them. */
const TITLES = {
  key: ["key", "name", "app", "service"],
  port: ["port"],
  description: ["description", "comment", "note", "notes", "purpose"]
} as const

/** The positions of the columns in a table; undefined for a description that it has not. */
export interface Positions {
  readonly key: number
  readonly port: number
  readonly description: number | undefined
}

/** Finds the columns by the titles; undefined if there is none for keys or none for ports. */
export const positionsIn = (titles: ReadonlyArray<string>): Positions | undefined => {
  const plain = titles.map((title) => title.trim().toLowerCase())
  const find = (names: ReadonlyArray<string>): number | undefined => {
    const name = names.find((each) => plain.includes(each))
    return name === undefined ? undefined : plain.indexOf(name)
  }
  const key = find(TITLES.key)
  const port = find(TITLES.port)
  return key === undefined || port === undefined ? undefined : { key, port, description: find(TITLES.description) }
}

/** Throws if a table has no such columns. */
export const noColumns = (): never => {
  throw new Unreadable('has no table with a column "Key" and a column "Port"')
}
