import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Unavailable } from "../domain/errors.ts"
import { Dialect } from "./Dialect.ts"
import { patiently, type Troubled, unavailable } from "./patience.ts"

/** A database once it is open, within `patience`. `label` names it for people, without secrets. */
export const openLayer = (
  label: string,
  patience: Duration.Duration,
  open: Effect.Effect<SqlClient.SqlClient, Troubled, Scope.Scope | Reactivity.Reactivity>,
  dialectOf: (
    sql: SqlClient.SqlClient
  ) => Effect.Effect<typeof Dialect.Service, never, Scope.Scope | Reactivity.Reactivity>
): Layer.Layer<SqlClient.SqlClient | Dialect, Unavailable> =>
  Layer.scopedContext(
    patiently(open, patience).pipe(
      Effect.mapError(({ trouble }) => unavailable(label, trouble)),
      Effect.flatMap((sql) =>
        Effect.map(dialectOf(sql), (dialect) =>
          Context.make(SqlClient.SqlClient, sql).pipe(Context.add(Dialect, dialect))
        )
      )
    )
  ).pipe(Layer.provide(Reactivity.layer))
