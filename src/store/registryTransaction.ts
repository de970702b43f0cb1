import * as Effect from "effect/Effect"
import type { Done } from "../domain/Operation.ts"
import { portsOf, type RegistryState } from "../domain/RegistryState.ts"
import { type Decoded, decodeAll, statementsOf } from "./Query.ts"
import type { RegistryTables } from "./registryTables.ts"
import type { QueryRunner } from "./runQuery.ts"
import { type CommitWith, transaction } from "./transaction.ts"

/** The state that a transaction left, with claims that agree with the rows. Valid until something is committed. */
export interface Kept {
  readonly since: string
  readonly state: RegistryState
}

/** The data that decisions are based on. */
export interface Found {
  readonly state: RegistryState
  /** Whether the claims are known to agree with the rows. */
  readonly agrees: boolean
  /** The operations that were made before, with the history of each. */
  readonly made: ReadonlyMap<string, ReadonlyArray<Done>>
}

/** Returns the state of the registry by what was read of its tables. */
export const stateOf = ({ marks, ...stored }: Decoded<RegistryTables["everything"]>): RegistryState => ({
  ...stored,
  ...marks,
  ports: portsOf(stored.rows)
})

/**
 * Runs `body` in a transaction, with the whole registry and those of `operations` that were made before. Uses `kept`
 * instead of reading the registry if nothing was committed since.
 */
export const registryTransaction = <A, E, R>(
  runner: QueryRunner,
  tables: RegistryTables,
  body: (found: Found, commitWith: CommitWith) => Effect.Effect<A, E, R>,
  operations: ReadonlyArray<string> = [],
  kept?: Kept
) => {
  const always = { made: tables.ofOperations(operations), engine: runner.engineQuery() }
  const reading = { queries: statementsOf(tables.everything), since: kept?.since, always: statementsOf(always) }
  return transaction((begun, commitWith) => {
    const { engine, made = new Map() } = decodeAll(always, begun.always)
    const stored = begun.results && decodeAll(tables.everything, begun.results)
    const state = stored === undefined ? kept?.state : stateOf(stored)
    if (state === undefined) return Effect.dieMessage("nothing was read, and nothing was kept")
    const found = { state, agrees: stored === undefined, made }
    return runner
      .requireOurs(state.facts)
      .pipe(Effect.zipRight(runner.requireEngine(engine)), Effect.zipRight(body(found, commitWith)))
  }, reading)
}
