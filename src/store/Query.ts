import type { Statement } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { RawResults, Statements } from "./Driver.ts"

/** A statement, and how its rows are decoded. */
export interface Query<A> {
  readonly statement: Statement<object>
  readonly decode: (rows: ReadonlyArray<object>) => A
}

export const query = <R extends object, A>(
  statement: Statement<R>,
  decode: (rows: ReadonlyArray<R>) => A
): Query<A> => ({ statement, decode: (rows) => decode(rows as ReadonlyArray<R>) })

/** Runs a query alone, in the transaction around it if there is one. */
export const runAlone = <A>({ decode, statement }: Query<A>) => Effect.map(statement, decode)

/** Queries that are run together, by the names of their results. Undefined ones are skipped. */
export type Queries = Readonly<Record<string, Query<unknown> | undefined>>

export type Decoded<Q extends Queries> = {
  readonly [N in keyof Q]: Q[N] extends Query<infer A> | infer Skipped ? A | Extract<Skipped, undefined> : never
}

export const statementsOf = (queries: Queries): Statements =>
  Object.values(queries).flatMap((each) => each?.statement ?? [])

/** Decodes the raw results of `queries`, in order. */
export const decodeAll = <Q extends Queries>(queries: Q, results: RawResults): Decoded<Q> =>
  Object.fromEntries(
    Object.entries(queries)
      .filter(([, each]) => each !== undefined)
      .map(([name, each], index) => [name, each?.decode(results[index] as ReadonlyArray<object>)])
  ) as Decoded<Q>
