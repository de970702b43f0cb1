import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Actor } from "../config/Config.ts"
import { after } from "../domain/applyChanges.ts"
import { type KeyCollision, type OutcomeUnknown, Overtaken, TooLate, type Unavailable } from "../domain/errors.ts"
import { asAnswered, type Done, Operation } from "../domain/Operation.ts"
import { type Change, portsOf, type RegistryState } from "../domain/RegistryState.ts"
import { Deadline } from "../domain/RequestDeadline.ts"
import { nameOf } from "../text/describe.ts"
import { quote } from "../text/escape.ts"
import type { Part } from "./changeStatements.ts"
import { type Changes, RowMoved } from "./executeChanges.ts"
import { grouped } from "./groupCommit.ts"
import { answered, statementsOf } from "./Query.ts"
import type { Rows } from "./registryTables.ts"
import { CommitLost, Troubled } from "./retry.ts"
import type { Guard } from "./runQuery.ts"
import { type AtLast, transaction } from "./transaction.ts"

/** What a decision comes to: the answer for the caller, and what has to be written for it to be true. */
export interface Plan<A> {
  readonly answer: A
  readonly changes: ReadonlyArray<Change>
}

interface Decision {
  readonly decide: (state: RegistryState) => Effect.Effect<Plan<unknown>, unknown>
  /** The number that its changes are kept under. */
  readonly operation: string
  /** Whether it may have been made before, under the same number. */
  readonly repeatable: boolean
}

type Came = Exit.Exit<unknown, unknown>

/** How long a transaction is kept open for one more decision. */
const DECIDING_MS = 100

/** How long decisions that were refused together are tried alone, until others have their turn. */
const ALONE_MS = 1000

/** What a transaction left in the database, with claims that agree with the rows; it is so still at `version`. */
interface Known {
  readonly version: string
  readonly state: RegistryState
}

/** What decisions are made on. */
interface Found {
  readonly state: RegistryState
  /** Whether the claims are known to agree with the rows. */
  readonly agrees: boolean
  /** Those operations that were made before, with what the history has of them. */
  readonly made: ReadonlyMap<string, ReadonlyArray<Done>>
}

/**
 * Runs `body` in a transaction of its own, on everything that there is, and on those `operations` that were made before.
 * What is `known` is not read again if nothing was committed since.
 */
export const inState = <A, E, R>(
  guard: Guard,
  rows: Rows,
  body: (found: Found, atLast: AtLast) => Effect.Effect<A, E, R>,
  operations: ReadonlyArray<string> = [],
  known?: Known
) => {
  const always = { made: rows.ofOperations(operations), engine: guard.ofEngine() }
  const reading = { questions: statementsOf(rows.everything), since: known?.version, always: statementsOf(always) }
  return transaction((begun, atLast) => {
    const { engine, made = new Map() } = answered(always, begun.always)
    const stored = begun.answers && answered(rows.everything, begun.answers)
    const state = stored === undefined ? known?.state : { ...stored, ports: portsOf(stored.rows) }
    if (state === undefined) return Effect.dieMessage("nothing was read, and nothing is known")
    const found = { state, agrees: stored === undefined, made }
    return guard
      .requireOurs(state.facts)
      .pipe(Effect.zipRight(guard.requireEngine(engine)), Effect.zipRight(body(found, atLast)))
  }, reading)
}

/** The answer of a decision that was made before, as its `events` tell. Nothing of it is made again. */
const answerAgain = ({ decide }: Decision, state: RegistryState, events: ReadonlyArray<Done>) => {
  const before = asAnswered(state, events)
  /** What would be done only now: a port that is given to nobody, or a key that is still there. */
  const isNew = (change: Change) =>
    (change._tag === "Assign" && before.ports.get(change.key) !== change.port) ||
    (change._tag === "Remove" && !events.some(({ key }) => key === change.key))
  return Effect.matchEffect(decide(before), {
    onSuccess: ({ answer, changes }) => (changes.some(isNew) ? new Overtaken() : Effect.succeed(answer)),
    // It was done, whatever stands in its way now.
    onFailure: () => new Overtaken()
  })
}

/** How often a row may have been written meanwhile, until it is taken for one that nothing meets. */
const MOVES_MAX = 20

/** A value that is not equal to itself, or not to its text: NULL, or a number in a column without a type. */
const unmet = ({ key, stored }: RowMoved) =>
  new Troubled({
    trouble: {
      _tag: "Refused",
      reason: `the row of ${nameOf(key)} reads ${quote(stored)} and is no text, or another program writes it all the time`,
      hint: "write that row anew, as text, with what made it"
    }
  })

/** Whether what failed would have failed for any decision: the database is away, or somebody is in the way. */
const isAboutAll = (cause: Cause.Cause<unknown>): boolean => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  return error instanceof Troubled && error.trouble._tag !== "Refused"
}

/**
 * The one write: inside a transaction, lets `decide` choose on everything that is there, and writes what it chose with
 * claims and history. `decide` may run several times.
 */
export const makeWriter = (actor: Actor, guard: Guard, rows: Rows, changes: Changes) => {
  /**
   * How many decisions go together at the most. What failed once they were made is tried with half as many: the more
   * there are, the longer it takes, and on a cluster, where the faster node overtakes, one that always takes longer would
   * never end.
   */
  let most = Number.POSITIVE_INFINITY

  /** What the last of these transactions left. */
  let known: Known | undefined

  /**
   * What came of each of `decisions`, made one after the other, each on what the ones before left, and written in one
   * transaction that no other writer runs beside. They may be made several times. It ends early where deciding takes
   * long, because others wait for the database meanwhile.
   *
   * Where a COMMIT was not answered, a transaction of its own finds out what came of it, before anything else is
   * tried. It stands in the queue behind the lost one, or, on another node of a cluster, excludes it by committing:
   * so it finds the history of the lost one, or knows that there will be none. Only where nothing gets that far is
   * the outcome unknown.
   */
  const writeTogether = (decisions: ReadonlyArray<Decision>): Effect.Effect<ReadonlyArray<Came>> =>
    Effect.suspend(() => {
      // The global one, because importing it costs every process that only reads.
      const batch = crypto.randomUUID()
      /** What the transaction that was sent last came to: the numbers of the changes that it wrote, and when. */
      let wrote: { readonly numbers: ReadonlyArray<string>; readonly at: string } | undefined
      let sent: { readonly came: ReadonlyArray<Came>; readonly lost: CommitLost } | undefined
      let came: Array<Came> = []
      const wasDone = Effect.gen(function* () {
        if (wrote !== undefined && (yield* rows.wasWritten(wrote.numbers, wrote.at))) return true
        yield* changes.touch(crypto.randomUUID())
        return false
      })
      const repeatable = decisions.filter((each) => each.repeatable).map(({ operation }) => operation)
      let hasty = true
      let moves = 0
      const attempt = Effect.fnUntraced(function* ({ agrees, made, state: stored }: Found, atLast: AtLast) {
        yield* guard.requireNewest(stored.facts)
        const began = performance.now()
        const at = DateTime.formatIso(yield* DateTime.now)
        const parts: Array<Part> = []
        let state = stored
        came = []
        for (const decision of decisions) {
          const { decide, operation } = decision
          // The same one twice at once: the second finds the first when it is committed.
          if (parts.some((part) => part.operation === operation)) break
          const events = made.get(operation)
          if (events !== undefined) {
            came.push(yield* Effect.exit(answerAgain(decision, state, events)))
            continue
          }
          const exit = yield* Effect.exit(decide(state))
          came.push(Exit.map(exit, (plan) => plan.answer))
          if (Exit.isSuccess(exit)) {
            parts.push({ state, changes: exit.value.changes, operation })
            const right = { claimedAt: at, host: actor.host, by: actor.user }
            state = after(state, exit.value.changes, right, agrees || parts.length > 1)
          }
          if (came.length >= most || performance.now() - began > DECIDING_MS) break
        }
        const steps = changes.stepsOf({ stored, agrees }, parts, state, { ...actor, at, batch })
        const numbers = parts.filter((part) => part.changes.length > 0).map(({ operation }) => operation)
        wrote = { numbers: numbers.length > 0 ? numbers : [batch], at }
        // What nothing rests on goes with COMMIT. If that fails, the next attempt looks which statement did.
        const meeting = steps.findLastIndex(({ meets }) => meets !== undefined) + 1
        const rest = steps.slice(meeting)
        if (meeting > 0) yield* changes.take(steps.slice(0, meeting))
        if (!hasty) yield* changes.take(rest)
        atLast(hasty ? rest.map(({ statement }) => statement) : [], (version) => {
          // What a registry says of itself is there with its first change.
          const { settingsTable, version: stands } = stored.facts ?? {}
          const isKnown = settingsTable !== undefined && stands !== undefined && (agrees || parts.length > 0)
          known = isKnown && version !== undefined ? { version, state } : undefined
        })
        hasty = false
        return came
      })
      return guard
        .tried(
          Effect.gen(function* () {
            if (sent !== undefined && (yield* guard.provide(transaction(() => wasDone)))) return sent.came
            sent = undefined
            came = []
            const since = known
            known = undefined
            const done = yield* guard.provide(inState(guard, rows, attempt, repeatable, since))
            most *= 2
            return done
          }).pipe(
            Effect.mapError((error) => {
              if (came.length > 0) most = Math.max(1, Math.floor(came.length / 2))
              return error instanceof RowMoved && ++moves > MOVES_MAX ? unmet(error) : error
            }),
            guard.troubled,
            Effect.mapError((error) => {
              if (error instanceof CommitLost) sent = { came, lost: error }
              // What fails while the outcome is open does not settle it.
              return sent !== undefined && error instanceof Troubled ? sent.lost : error
            })
          )
        )
        .pipe(
          Effect.catchAllCause((cause) => {
            // What a statement refuses, or a bug, is perhaps only about one of them.
            if (decisions.length > 1 && sent === undefined && !isAboutAll(cause)) return oneByOne(decisions)
            const concerned = sent?.came ?? decisions
            return Effect.map(Effect.exit(guard.named(Effect.failCause(cause))), (exit) => concerned.map(() => exit))
          })
        )
    })

  /** Each in a transaction of its own, as far as one gets in a moment. */
  const oneByOne = Effect.fnUntraced(function* (decisions: ReadonlyArray<Decision>) {
    const began = performance.now()
    const came: Array<Came> = []
    for (const decision of decisions) {
      came.push(...(yield* writeTogether([decision])))
      if (performance.now() - began > ALONE_MS) break
    }
    return came
  })

  const inTurn = grouped(writeTogether)

  return Effect.fn("Store.write")(function* <A, E, R>(decide: (state: RegistryState) => Effect.Effect<Plan<A>, E, R>) {
    const context = yield* Effect.context<R>()
    const deadline = yield* Deadline
    const operation = yield* Operation
    const came = inTurn({
      decide: (state) => (performance.now() > deadline ? new TooLate() : Effect.provide(decide(state), context)),
      operation: operation ?? crypto.randomUUID(),
      repeatable: operation !== undefined
    })
    return yield* came as Effect.Effect<A, E | KeyCollision | Overtaken | TooLate | Unavailable | OutcomeUnknown>
  })
}
