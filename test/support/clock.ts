import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** A clock that shows `now`, in milliseconds, while waiting takes real time. */
export const clockOf = (now: () => number): Clock.Clock => {
  const nanos = () => BigInt(now()) * 1_000_000n
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: now,
    unsafeCurrentTimeNanos: nanos,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanos: Effect.sync(nanos),
    sleep: Clock.make().sleep
  }
}
