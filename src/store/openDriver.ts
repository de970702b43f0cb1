import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Unavailable } from "../domain/errors.ts"
import { Dialect } from "./Driver.ts"
import { type Patience, patiently, type Troubled, unavailable } from "./retry.ts"

/** A database, and what is particular about it. */
export interface Opened {
  readonly sql: SqlClient.SqlClient
  readonly dialect: typeof Dialect.Service
}

/** A database once it is open, within `patience`. `label` names it for people, without secrets. */
export const openLayer = (
  label: string,
  patience: Patience,
  open: Effect.Effect<Opened, Troubled, Scope.Scope | Reactivity.Reactivity>
): Layer.Layer<SqlClient.SqlClient | Dialect, Unavailable> =>
  Layer.scopedContext(
    patiently(open, patience).pipe(
      Effect.mapError(({ trouble }) => unavailable(label, trouble)),
      Effect.map(({ dialect, sql }) => Context.make(SqlClient.SqlClient, sql).pipe(Context.add(Dialect, dialect)))
    )
  ).pipe(Layer.provide(Reactivity.layer))
