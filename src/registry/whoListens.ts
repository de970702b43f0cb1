import * as Effect from "effect/Effect"
import type { Listener } from "../domain/Listener.ts"
import type { Listeners } from "../machine/Listeners.ts"

/** What listens on a port, and whether connecting to it succeeds if nothing is known to. */
export interface Seen {
  readonly found: ReadonlyArray<Listener>
  /** Undefined if that was not tried or is not known. */
  readonly answers: boolean | undefined
}

/** Whether what was seen fits together: a server that came up or ended meanwhile is seen by half. */
const isWhole = ({ answers, found }: Seen): boolean =>
  found.length > 0 ? found.every(({ process }) => process !== null) : answers !== true

/** How long a bind test of another program may listen. */
const BIND_TEST = "50 millis"

/**
 * Finds what listens on `port`. A server that comes up or ends meanwhile is looked for again at once. What answers and
 * still is not there is looked for once more later: several bind tests before the start of a server come and go.
 */
export const whoListens = Effect.fn("whoListens")(function* (
  { answers, on }: Pick<typeof Listeners.Service, "answers" | "on">,
  port: number
) {
  const look = Effect.gen(function* () {
    const found = yield* on(new Set([port]))
    return { found, answers: found.length > 0 ? undefined : yield* answers(port) } satisfies Seen
  })
  const first = yield* look
  if (isWhole(first)) return first
  const second = yield* look
  if (isWhole(second) || second.found.length > 0) return second
  return yield* Effect.delay(look, BIND_TEST)
})
