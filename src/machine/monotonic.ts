import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Milliseconds on a monotonic clock, which changes of the time of day do not affect. Its origin is arbitrary: only the
 * difference of two readings is meaningful.
 */
export const monotonic: Effect.Effect<number> = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos) / 1e6)
