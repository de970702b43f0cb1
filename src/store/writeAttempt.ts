import type { SqlError } from "@effect/sql/SqlError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Actor } from "../config/Config.ts"
import { applyChanges } from "../domain/applyChanges.ts"
import { reconcile } from "../domain/claims.ts"
import { Overtaken } from "../domain/errors.ts"
import { asAnswered, type Done, isNew } from "../domain/Operation.ts"
import type { Change, Claim, RegistryState } from "../domain/RegistryState.ts"
import type { Part } from "./changeStatements.ts"
import type { ChangeExecutor } from "./executeChanges.ts"
import type { Found, Kept } from "./registryTransaction.ts"
import type { QueryRunner } from "./runQuery.ts"
import type { CommitWith } from "./transaction.ts"

/** The answer of a decision, and the changes that make it true. */
export interface Plan<A> {
  readonly answer: A
  readonly changes: ReadonlyArray<Change>
}

/** A decision to be made on the current state. It may be made several times. */
export interface Decision {
  readonly decide: (state: RegistryState) => Effect.Effect<Plan<unknown>, unknown>
  /** Reads in the transaction what `decide` needs in addition, before anything is changed in it. */
  readonly prepare: Effect.Effect<void, SqlError> | undefined
  /** Answers from the history of the change if it was made before, in place of `decide`. */
  readonly answerAgain: ((events: ReadonlyArray<Done>) => unknown) | undefined
  /** The number under which the history records its changes. */
  readonly operation: string
  /** Whether the client may be repeating a request whose change was already made. */
  readonly repeatable: boolean
}

export type DecisionExit = Exit.Exit<unknown, unknown>

/** The history entries by which a transaction can be recognised. */
interface Written {
  readonly operations: ReadonlyArray<string>
  readonly at: string
}

/** The result of an attempt before its COMMIT: the outcome of each decision, and how to recognise the transaction. */
export interface Attempted {
  readonly exits: ReadonlyArray<DecisionExit>
  readonly written: Written
}

interface Options {
  /** The number of the transaction. */
  readonly batch: string
  readonly maxGroupSize: number
  /** Whether the statements that need not be checked go with COMMIT. */
  readonly optimistic: boolean
  /** Called before anything is written. */
  readonly onAttempted: (attempted: Attempted) => void
  /** Called after COMMIT with the state that it left, if the next transaction may start from that. */
  readonly onCommitted: (kept: Kept | undefined) => void
}

/** How long a transaction is kept open for one more decision, in milliseconds: others wait for the lock. */
const DECIDING_MS = 100

/** Returns the answer of a decision that was made before, from its history. Changes nothing. */
const answerAgain = ({ answerAgain: answer, decide }: Decision, state: RegistryState, events: ReadonlyArray<Done>) => {
  if (answer !== undefined) return Effect.sync(() => answer(events))
  const before = asAnswered(state, events)
  return Effect.matchEffect(decide(before), {
    onSuccess: ({ answer, changes }) =>
      changes.some((change) => isNew(change, before, events)) ? new Overtaken() : Effect.succeed(answer),
    // It was done before, whatever prevents it now.
    onFailure: () => new Overtaken()
  })
}

/** Returns `changes` with the state that they are made on, whose claims agree with its rows, and the one that they leave. */
const partOf = (
  state: RegistryState,
  changes: ReadonlyArray<Change>,
  stamp: Omit<Claim, "key">,
  agrees: boolean
): Omit<Part, "operation"> => {
  const settled = agrees ? state : { ...state, claims: reconcile(state.ports, state.claims, stamp) }
  return { state: settled, left: applyChanges(settled, changes, stamp, true), changes }
}

/** Whether `decision` reads what the decisions before have changed, and the database does not have yet. */
const mustLead = ({ prepare }: Decision, parts: ReadonlyArray<Part>): boolean =>
  prepare !== undefined && parts.some(({ changes }) => changes.length > 0)

/** Makes one attempt to write a group of decisions, inside a transaction. */
export const makeWriteAttempt = (actor: Actor, runner: QueryRunner, executor: ChangeExecutor) => {
  /** Makes decisions in order, each on the state that the ones before left. Stops early if they take long. */
  const decideAll = Effect.fnUntraced(function* (
    decisions: ReadonlyArray<Decision>,
    { agrees, made, state: stored }: Found,
    at: string,
    maxGroupSize: number
  ) {
    const began = performance.now()
    const stamp = { claimedAt: at, host: actor.host, by: actor.user }
    const parts: Array<Part> = []
    const exits: Array<DecisionExit> = []
    let state = stored
    for (const decision of decisions) {
      const { decide, operation, prepare } = decision
      // The same operation twice in a group: the second one finds the first once that is committed.
      if (parts.some((part) => part.operation === operation) || mustLead(decision, parts)) break
      const events = made.get(operation)
      if (events !== undefined) {
        exits.push(yield* Effect.exit(answerAgain(decision, state, events)))
        continue
      }
      yield* prepare ?? Effect.void
      const exit = yield* Effect.exit(decide(state))
      exits.push(Exit.map(exit, (plan) => plan.answer))
      if (Exit.isSuccess(exit)) {
        const part = partOf(state, exit.value.changes, stamp, agrees || parts.length > 0)
        parts.push({ ...part, operation })
        state = part.left
      }
      if (exits.length >= maxGroupSize || performance.now() - began > DECIDING_MS) break
    }
    return { exits, parts, state }
  })

  return Effect.fnUntraced(function* (
    decisions: ReadonlyArray<Decision>,
    found: Found,
    { batch, maxGroupSize, onAttempted, onCommitted, optimistic }: Options,
    commitWith: CommitWith
  ) {
    const { agrees, state: stored } = found
    yield* runner.requireNewest(stored.facts)
    const at = DateTime.formatIso(yield* DateTime.now)
    const { exits, parts, state } = yield* decideAll(decisions, found, at, maxGroupSize)
    const statements = executor.statementsFor({ stored, agrees }, parts, state, { ...actor, at, batch })
    const operations = parts.filter(({ changes }) => changes.length > 0).map(({ operation }) => operation)
    onAttempted({ exits, written: { operations: operations.length > 0 ? operations : [batch], at } })

    // A statement that must match a row is checked before COMMIT. The others can go with it.
    const checked = statements.findLastIndex(({ expects }) => expects !== undefined) + 1
    const rest = statements.slice(checked)
    if (checked > 0) yield* executor.execute(statements.slice(0, checked))
    if (!optimistic) yield* executor.execute(rest)
    commitWith(optimistic ? rest.map(({ statement }) => statement) : [], (since) => {
      // The first change stores the facts. Until then they have to be read.
      const { settingsTable, version } = stored.facts ?? {}
      const isComplete = settingsTable !== undefined && version !== undefined && (agrees || parts.length > 0)
      onCommitted(isComplete && since !== undefined ? { since, state } : undefined)
    })
    return exits as ReadonlyArray<DecisionExit>
  })
}
