import type { Statement } from "@effect/sql/Statement"
import type { Answers, Statements } from "./Driver.ts"

/** A question, and what its rows come to. */
export interface Question<A> {
  readonly statement: Statement<object>
  readonly decode: (rows: ReadonlyArray<object>) => A
}

export const question = <R extends object, A>(
  statement: Statement<R>,
  decode: (rows: ReadonlyArray<R>) => A
): Question<A> => ({ statement, decode: (rows) => decode(rows as ReadonlyArray<R>) })

/** Questions that are asked at once, by the names that their answers get. What need not be asked is `undefined`. */
export type Questions = Readonly<Record<string, Question<unknown> | undefined>>

type Answered<Q extends Questions> = {
  readonly [N in keyof Q]: Q[N] extends Question<infer A> | infer Unasked ? A | Extract<Unasked, undefined> : never
}

export const statementsOf = (questions: Questions): Statements =>
  Object.values(questions).flatMap((each) => each?.statement ?? [])

/** What `questions` come to by what the database answered to their statements. */
export const answered = <Q extends Questions>(questions: Q, answers: Answers): Answered<Q> =>
  Object.fromEntries(
    Object.entries(questions)
      .filter(([, each]) => each !== undefined)
      .map(([name, each], index) => [name, each?.decode(answers[index] as ReadonlyArray<object>)])
  ) as Answered<Q>
