import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Loss } from "../config/databaseUrl.ts"
import type { BackedUpElsewhere, CannotBackUp, Fault } from "../domain/errors.ts"
import type { CommitLost } from "./retry.ts"

/** What a failed statement means for us, whatever the driver calls it. */
export type Trouble =
  /** One of our tables is not there: the schema has to be made. */
  | { readonly _tag: "MissingTable" }
  /** The tables are of an older version than this program's: they have to be brought up to date. */
  | { readonly _tag: "Outdated" }
  /** A unique key exists already, or a table, column or index: somebody outside our queue was faster. */
  | { readonly _tag: "Duplicate" }
  /**
   * - Busy: somebody else is in the way; the same again may succeed.
   * - Lost: the connection broke. What was sent last may have been done.
   * - Down: there is no connection to be had.
   * - Refused: it will not work until somebody mends something.
   * - MissingColumn: the same, because a table has another shape.
   */
  | {
      readonly _tag: "Busy" | "Lost" | "Down" | "Refused" | "MissingColumn"
      readonly reason: string
      readonly hint: string
      /** Where it is none, the tag says it. */
      readonly fault?: Fault
    }

export type Statements = ReadonlyArray<Statement<object>>

/** What a database answers to statements, one for each: the rows, or what the driver says of a change. */
export type Answers = ReadonlyArray<unknown>

/** What a transaction asks as it begins. */
export interface Reading {
  /** Not asked if the database is as it was at `since`. */
  readonly questions: Statements
  readonly since?: string | undefined
  /** Asked in any case. */
  readonly always?: Statements
}

/** What a transaction rests on. */
export interface Begun {
  /** To `questions`; `undefined` if they were not asked. */
  readonly answers: Answers | undefined
  readonly always: Answers
}

/** The column types in which the databases differ. */
export interface ColumnTypes {
  /** Holds a name and is compared byte for byte. */
  readonly name: (length: number) => string
  /** A row's own number, counted up by the database. */
  readonly serial: string
  /** What follows the closing bracket of CREATE TABLE. */
  readonly options: string
}

/** The few things in which the databases differ, resolved once, when the store is made. */
export class Dialect extends Context.Tag("Dialect")<
  Dialect,
  {
    /** Names the database for people, without secrets. */
    readonly label: string
    /** A connection for one transaction, within the limit that is set for getting one. */
    readonly reserve: Effect.Effect<Connection, SqlError, Scope.Scope>
    /** What a statement answers, with little between, and not behind a transaction of this process. */
    readonly read: (statement: string, values: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<object>, SqlError>
    /** Begins a transaction that no other writer can run beside, and answers what is read in it. */
    readonly begin: (connection: Connection, reading: Reading) => Effect.Effect<Begun, SqlError>
    /**
     * Runs statements in a transaction that does not wait in the queue of those that change the registry, and keeps none
     * of them waiting: for what concerns this host alone.
     */
    readonly besides: (statements: Statements) => Effect.Effect<unknown, SqlError | CommitLost>
    /**
     * Runs what is left to do, and commits. Answers the `since` with which the next transaction learns that nothing was
     * changed, or `undefined` if the database does not tell.
     */
    readonly commit: (connection: Connection, last: Statements) => Effect.Effect<string | undefined, SqlError>
    /**
     * Another text whenever anybody has committed anything meanwhile; `undefined` where the database has none to give.
     */
    readonly version: Effect.Effect<string | undefined, SqlError>
    /** Something that is another thing once other processes have changed the registry; asked for while they are in the way. */
    readonly progress: Effect.Effect<unknown, SqlError>
    /** The rows of each of `questions`, as they were committed, and not behind a transaction of this process. */
    readonly look: (questions: Statements) => Effect.Effect<Answers, SqlError>
    /**
     * Runs what needs a connection, or transactions, one after the other, when there is a place for it; whatever is not
     * the one write goes through here, so that there is always a connection left for that.
     */
    readonly admit: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
    /** Runs statements in their order, and answers what the driver says of each. */
    readonly all: (connection: Connection, statements: Statements) => Effect.Effect<Answers, SqlError>
    readonly diagnose: (error: SqlError) => Trouble
    /** The same for what a COMMIT was answered: unless it is known not to have taken effect, its connection is lost. */
    readonly diagnoseCommit: (error: SqlError) => Trouble
    /** How many rows the raw result of an UPDATE or DELETE says it met. */
    readonly rowsMet: (raw: unknown) => number
    /** Writes a copy of the database, as it is at this moment, to `file`, and returns its size in bytes. */
    readonly backup: (file: string) => Effect.Effect<number, SqlError | CannotBackUp | BackedUpElsewhere>
    /** Brings what was committed to where a plain copy of the database's file has it. */
    readonly settle: Effect.Effect<unknown, SqlError>
    readonly columnTypes: Effect.Effect<ColumnTypes, SqlError>
    /** The columns of every table that there is: `table.column`, in lower case. */
    readonly columns: Effect.Effect<ReadonlySet<string>, SqlError>
    /** The account that this program was let in as, as GRANT names it; none where there are no accounts. */
    readonly account: Effect.Effect<string | undefined, SqlError>
    /** How much of what was committed a crash may lose; `undefined` where that is nothing. */
    readonly loses: Effect.Effect<Loss | undefined, SqlError>
  }
>() {}
