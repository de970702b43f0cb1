import * as Either from "effect/Either"
import type { CommandResult, Description } from "../domain/CommandResult.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { describeAs } from "./allocate.ts"
import { findNamed, type Named } from "./named.ts"
import { portFrom } from "./set.ts"

/** Decides `describe` on `state`: a key, or both keys of an app. An empty text removes the description. */
export const decideDescription = (named: Named, text: string, state: RegistryState) =>
  Either.gen(function* () {
    const { keys } = yield* findNamed("describe", named, state)
    const described: Array<Description> = []
    for (const key of keys) {
      const port = yield* portFrom(key, state.rows.get(key))
      described.push({ key, port, description: text === "" ? null : text })
    }
    const answer: CommandResult<{ readonly described: ReadonlyArray<Description> }> = {
      result: { described },
      notes: []
    }
    return { answer, changes: keys.flatMap((key) => describeAs(state, key, text)) }
  })
