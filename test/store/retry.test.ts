import { expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { DatabaseFailure } from "../../src/store/failures.ts"
import { type RetryLimits, withRetry } from "../../src/store/retry.ts"
import { clockOf, clockOfSleeps } from "../support/clock.ts"

const DEFAULT: RetryLimits = { stalled: 5000, total: 60_000 }

const busy = new DatabaseFailure({
  kind: { _tag: "Contended", reason: "it is locked by another program", hint: "wait" }
})

/** How many seconds somebody waits for a lock that never comes, if `progress` answers so after each second. */
const secondsOf = (patience: RetryLimits, progress: (second: number) => unknown) =>
  Effect.gen(function* () {
    const seconds = Effect.map(Clock.currentTimeMillis, (now) => Math.floor(now / 1000))
    yield* Effect.flip(withRetry(Effect.fail(busy), patience, Effect.map(seconds, progress)))
    return yield* seconds
  }).pipe(Effect.withClock(clockOfSleeps()))

it.effect("gives up on a lock that stays, once it has seen for as long as the limit that nothing moves", () =>
  Effect.gen(function* () {
    expect(yield* secondsOf(DEFAULT, () => 1)).toBe(5)
  })
)

it.effect("waits while others make progress, for a minute at most", () =>
  Effect.gen(function* () {
    expect(yield* secondsOf(DEFAULT, (second) => second)).toBe(60)
  })
)

it.effect("gives up a while after others have stopped making progress", () =>
  Effect.gen(function* () {
    expect(yield* secondsOf(DEFAULT, (second) => Math.min(second, 20))).toBeOneOf([25, 26])
  })
)

it.effect("waits no longer than a configured limit, whoever makes progress", () =>
  Effect.gen(function* () {
    expect(yield* secondsOf({ stalled: 3000, total: 3000 }, (second) => second)).toBe(3)
  })
)

it.effect("does not take a progress that cannot be read for one, not even at the first look", () =>
  Effect.gen(function* () {
    expect(yield* secondsOf(DEFAULT, () => undefined)).toBe(5)
  })
)

it.each([
  ["back an hour", -3_600_000],
  ["forward an hour", 3_600_000]
])("waits as long although the time of day is set %s meanwhile", async (_, jump) => {
  const began = performance.now()
  let attempts = 0
  const attempt = Effect.suspend(() => {
    attempts++
    return Effect.fail(busy)
  })
  const clock = clockOf(
    () => Date.now() + (attempts > 1 ? jump : 0),
    () => performance.now()
  )
  await Effect.runPromise(Effect.withClock(Effect.flip(withRetry(attempt, { stalled: 400, total: 400 })), clock))
  const waited = performance.now() - began
  expect(waited).toBeGreaterThanOrEqual(400)
  expect(waited).toBeLessThan(2000)
})
