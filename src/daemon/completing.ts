import * as Effect from "effect/Effect"
import { SHELLS } from "../commands/shell.ts"
import { Registry } from "../registry/Registry.ts"
import { complete } from "../shell/complete.ts"
import { completionText } from "../shell/completionText.ts"
import { NOTHING_KNOWN } from "../shell/known.ts"
import { forFile } from "../text/printed.ts"
import type { Answered, Request } from "./connection.ts"

const WORDS_MAX = 1000

/** How many operations are offered. */
const OPERATIONS_MAX = 20

const isWords = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.length <= WORDS_MAX && value.every((each) => typeof each === "string")

/** Answers what the functions of a shell ask at each Tab; undefined if a request is another one. */
export const completing = ({ command, shell, words }: Request) => {
  const named = SHELLS.find((each) => each === shell)
  if (command !== "complete" || named === undefined || !isWords(words)) return undefined
  return Effect.gen(function* () {
    const completion = complete(named, words)
    const { live } = completion
    const { known } = yield* Registry
    const text = completionText(
      named,
      completion,
      live.length === 0
        ? NOTHING_KNOWN
        : yield* known({
            reserved: live.some(({ isReserved }) => isReserved),
            operations: live.some(({ isOperation }) => isOperation) ? OPERATIONS_MAX : 0
          })
    )
    return { ok: true, notes: [], result: { text }, text: () => forFile(text) } satisfies Answered
  })
}
