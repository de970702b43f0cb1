import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Unavailable } from "../domain/errors.ts"
import { Driver } from "./Driver.ts"
import { type DatabaseFailure, type RetryLimits, unavailable, withRetry } from "./retry.ts"

/** A database, and what is particular about it. */
export interface Opened {
  readonly sql: SqlClient.SqlClient
  readonly driver: typeof Driver.Service
}

/** A database once it is open, within `databaseTimeout`. `label` names it for people, without secrets. */
export const openLayer = (
  label: string,
  databaseTimeout: RetryLimits,
  open: Effect.Effect<Opened, DatabaseFailure, Scope.Scope | Reactivity.Reactivity>
): Layer.Layer<SqlClient.SqlClient | Driver, Unavailable> =>
  Layer.scopedContext(
    withRetry(open, databaseTimeout).pipe(
      Effect.mapError(({ kind }) => unavailable(label, kind)),
      Effect.map(({ driver, sql }) => Context.make(SqlClient.SqlClient, sql).pipe(Context.add(Driver, driver)))
    )
  ).pipe(Layer.provide(Reactivity.layer))
