import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** What a failed statement means for us, whatever the driver calls it. */
export type Trouble =
  /** One of our tables is not there: the schema has to be made. */
  | { readonly _tag: "MissingTable" }
  /** Somebody else was in the way; the same again may succeed. */
  | { readonly _tag: "Busy"; readonly reason: string; readonly hint: string }
  /** A unique key exists already. */
  | { readonly _tag: "Duplicate" }
  /** It will not work until somebody mends something. */
  | { readonly _tag: "Refused"; readonly reason: string; readonly hint: string }

/** The few things in which the databases differ, resolved once, when the store is made. */
export class Dialect extends Context.Tag("Dialect")<
  Dialect,
  {
    /** Names the database for people, without secrets. */
    readonly label: string
    /** Begins a transaction that no other writer can run beside. */
    readonly begin: (connection: Connection) => Effect.Effect<unknown, SqlError>
    readonly diagnose: (error: SqlError) => Trouble
    /** How many rows the raw result of an UPDATE or DELETE says it met. */
    readonly rowsMet: (raw: unknown) => number
    /** The type of a column that holds a name and is compared byte for byte. */
    readonly nameType: (length: number) => string
    /** The type of a row's own number, counted up by the database. */
    readonly serialType: string
    /** What follows the closing bracket of CREATE TABLE. */
    readonly tableOptions: string
  }
>() {}
