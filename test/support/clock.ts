import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { temporary } from "./root.ts"

/**
 * A clock that shows `now`, in milliseconds, while waiting takes real time. `elapsed` is the one that nobody sets, where
 * that is another.
 */
export const clockOf = (now: () => number, elapsed = now): Clock.Clock => {
  const nanos = () => BigInt(Math.round(elapsed() * 1e6))
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: now,
    unsafeCurrentTimeNanos: nanos,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanos: Effect.sync(nanos),
    sleep: Clock.make().sleep
  }
}

/** A clock that begins at 0 and moves on when somebody sleeps, who is woken as soon as no other fiber can go on. */
export const clockOfSleeps = (): Clock.Clock => {
  let now = 0
  const sleep = (duration: Duration.Duration) =>
    Effect.map(
      Effect.promise(() => setImmediate()),
      () => {
        now += Duration.toMillis(duration)
      }
    )
  return { ...clockOf(() => now), sleep }
}

/** Shifts the time of day of the processes of Node that have its environment, also while they run. */
export const timeOfDay = () => {
  const file = join(temporary(), "seconds")
  const preload = join(temporary(), "clock.cjs")
  const set = (seconds: number) => writeFileSync(file, String(seconds))
  set(0)
  writeFileSync(
    preload,
    `const { readFileSync } = require("node:fs")
    const Real = Date
    const now = () => Real.now() + 1000 * Number(readFileSync(${JSON.stringify(file)}, "utf8"))
    globalThis.Date = class extends Real {
      static now() { return now() }
      constructor(...words) { super(...(words.length === 0 ? [now()] : words)) }
    }`
  )
  return { env: { NODE_OPTIONS: `--require ${preload}` }, set }
}
