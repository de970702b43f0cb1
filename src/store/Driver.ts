import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { DurabilityRisk } from "../config/databaseUrl.ts"
import type { BackedUpElsewhere, CannotBackUp } from "../domain/errors.ts"
import type { CommitLost, FailureKind } from "./failures.ts"

export type Statements = ReadonlyArray<Statement<object>>

/** The raw results of statements, one each: the rows, or the driver's report of a change. */
export type RawResults = ReadonlyArray<unknown>

/** The queries that a transaction starts with. */
export interface Reading {
  /** Skipped if nothing was committed after `since`. */
  readonly queries: Statements
  readonly since?: string | undefined
  /** Run in any case. */
  readonly always?: Statements
}

/** The results that a transaction is based on. */
export interface Begun {
  /** Of `queries`; undefined if they were skipped. */
  readonly results: RawResults | undefined
  readonly always: RawResults
}

/** The column types in which the databases differ. */
export interface ColumnTypes {
  /** Holds a name and is compared byte for byte. */
  readonly name: (length: number) => string
  /** A row's own number, assigned by the database. */
  readonly serial: string
  /** The part of CREATE TABLE after the closing parenthesis. */
  readonly options: string
}

/** Everything in which the databases differ, resolved once, when the store is made. */
export class Driver extends Context.Tag("Driver")<
  Driver,
  {
    /** Names the database for people, without secrets. */
    readonly label: string
    /** Takes a connection for one transaction. With several servers, the wait for it is limited. */
    readonly reserve: Effect.Effect<Connection, SqlError, Scope.Scope>
    /** Runs one query with little overhead, and without waiting for a transaction of this process. */
    readonly readOne: (
      statement: string,
      values: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<object>, SqlError>
    /** Begins a transaction that excludes other writers, and runs the queries that it starts with. */
    readonly begin: (connection: Connection, reading: Reading) => Effect.Effect<Begun, SqlError>
    /** Runs statements about this host alone in a transaction; on a server, without the writers' lock. */
    readonly runBeside: (statements: Statements) => Effect.Effect<unknown, SqlError | CommitLost>
    /**
     * Runs the remaining statements, and commits. Returns the `since` by which the next transaction can tell that
     * nothing was committed after it; undefined if the database cannot tell.
     */
    readonly commit: (connection: Connection, last: Statements) => Effect.Effect<string | undefined, SqlError>
    /** Changes whenever anyone commits; undefined if the database has no such version. */
    readonly dataVersion: Effect.Effect<string | undefined, SqlError>
    /** Changes when other processes change the registry. It distinguishes slow writers from a stuck lock. */
    readonly progress: Effect.Effect<unknown, SqlError>
    /** Runs queries on what is committed, without waiting for a transaction of this process. */
    readonly readMany: (queries: Statements) => Effect.Effect<RawResults, SqlError>
    /**
     * Waits for a connection slot, and runs `effect`. Everything but the one write goes through here, so that a
     * connection is always left for the write.
     */
    readonly withConnectionSlot: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>
    /** Runs statements in order, and returns the driver's report of each. */
    readonly runAll: (connection: Connection, statements: Statements) => Effect.Effect<RawResults, SqlError>
    readonly classifyError: (error: SqlError) => FailureKind
    /** Likewise for an error in response to COMMIT: ConnectionLost, unless it is known to mean a rollback. */
    readonly classifyCommitError: (error: SqlError) => FailureKind
    /** Returns how many rows an UPDATE or DELETE matched, by its raw result. */
    readonly affectedRows: (raw: unknown) => number
    /** Writes a consistent copy of the database to `file`, and returns its size in bytes. */
    readonly backup: (file: string) => Effect.Effect<number, SqlError | CannotBackUp | BackedUpElsewhere>
    /** Fails if there is no room for a change, or no right to make one, as far as that shows without making one. */
    readonly tryStorage: Effect.Effect<void, SqlError>
    /** Moves what is committed into the database file itself, so that a plain copy of the file contains it. */
    readonly checkpoint: Effect.Effect<unknown, SqlError>
    readonly columnTypes: Effect.Effect<ColumnTypes, SqlError>
    /** The columns of every table: `table.column`, in lower case. */
    readonly columns: Effect.Effect<ReadonlySet<string>, SqlError>
    /** The account that this program is logged in as, in the form of GRANT; undefined if there are no accounts. */
    readonly account: Effect.Effect<string | undefined, SqlError>
    /** The setting by which a crash may lose what was committed; undefined if there is none. */
    readonly durabilityRisk: Effect.Effect<DurabilityRisk | undefined, SqlError>
  }
>() {}
