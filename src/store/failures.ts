import * as Data from "effect/Data"
import type { Fault } from "../domain/Fault.ts"

/** A failed statement, by what it means for the registry, whatever the database calls it. */
export type FailureKind =
  /** One of the registry's tables does not exist: the schema has to be created. */
  | { readonly _tag: "MissingTable" }
  /** The tables are of an older version than this program's, and have to be upgraded. */
  | { readonly _tag: "Outdated" }
  /** A unique key, table, column or index already exists: a writer that does not take our lock was faster. */
  | { readonly _tag: "Duplicate" }
  /**
   * - Contended: another transaction is in the way; a retry may succeed.
   * - ConnectionLost: the connection broke. The statement that was sent last may have been executed.
   * - Unreachable: no connection can be made.
   * - Rejected: it will fail until someone fixes something.
   * - MissingColumn: likewise, because a table has another shape.
   */
  | {
      readonly _tag: "Contended" | "ConnectionLost" | "Unreachable" | "Rejected" | "MissingColumn"
      readonly reason: string
      readonly hint: string
      /** Derived from the tag if missing. */
      readonly fault?: Fault
    }

/** A statement failed. */
export class DatabaseFailure extends Data.TaggedError("DatabaseFailure")<{ readonly kind: FailureKind }> {}

/** A COMMIT was sent and its outcome is unknown: it may have taken effect. */
export class CommitLost extends Data.TaggedError("CommitLost")<{ readonly kind: FailureKind }> {}
