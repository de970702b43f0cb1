import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Milliseconds by a clock that only runs forward, whatever the time of day is set to. It counts from anywhere: only the
 * difference of two readings means something.
 */
export const monotonic: Effect.Effect<number> = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos) / 1e6)
