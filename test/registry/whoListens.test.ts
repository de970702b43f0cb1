import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { whoListens } from "../../src/registry/whoListens.ts"
import { listenerOf, someProcess } from "../support/listener.ts"

const node = listenerOf(someProcess())
const unseen = listenerOf(null)

/** Listeners of which each look finds the next. */
const looks = (found: ReadonlyArray<ReadonlyArray<typeof node>>, answers: ReadonlyArray<boolean | undefined> = []) => {
  const rest = [...found]
  const replies = [...answers]
  return {
    on: () => Effect.sync(() => rest.shift() ?? []),
    answers: () => Effect.sync(() => replies.shift())
  }
}

it.live.each([
  ["one look is enough for a listener", looks([[node]]), { found: [node], answers: undefined }],
  ["one look is enough for nothing", looks([[], [node]], [false]), { found: [], answers: false }],
  ["a server comes up after the table was read", looks([[], [node]], [true]), { found: [node], answers: undefined }],
  ["a server ends before its process is found", looks([[unseen], []], [false]), { found: [], answers: false }],
  ["another user's stays unseen", looks([[unseen], [unseen]]), { found: [unseen], answers: undefined }],
  [
    "what an engine publishes answers and is never seen",
    looks([[], [], []], [true, true, true]),
    { found: [], answers: true }
  ],
  [
    "bind tests come and go before a server comes up",
    looks([[], [], [node]], [true, true]),
    { found: [node], answers: undefined }
  ],
  ["bind tests come and go, and nothing stays", looks([[], [], []], [true, true, false]), { found: [], answers: false }]
] as const)("%s", ([, listeners, seen]) =>
  Effect.map(whoListens(listeners, 3001), (found) => expect(found).toEqual(seen))
)
