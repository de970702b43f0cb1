import * as Effect from "effect/Effect"
import type { Assignment } from "../domain/Assignment.ts"
import { Unavailable } from "../domain/errors.ts"
import type { Look } from "../http/events.ts"
import { Listeners } from "../machine/Listeners.ts"
import { HealthMonitor } from "../monitor/HealthMonitor.ts"
import { Registry } from "../registry/Registry.ts"
import { Store } from "../store/Store.ts"
import { toCommandError } from "../text/errors.ts"
import { bugIn } from "./bug.ts"

/** How long a look may wait for the database. */
const LIMIT = "5 seconds"

/** Returns the keys of what is up and was not when it was probed last. */
const freshIn = (assignments: ReadonlyArray<Assignment>): string =>
  assignments.flatMap(({ health, key }) => (health.state === "up" && health.since === null ? [key] : [])).join(" ")

/**
 * Makes the look that the events of HTTP are made of, which runs every second while a page is open. It finds out what is up
 * now, and probes the ports only when one has come up: so that it is stored since when, and who it is. It never fails.
 */
export const makeLook = Effect.gen(function* () {
  const registry = yield* Registry
  const monitor = yield* HealthMonitor
  const listeners = yield* Listeners
  const { label } = yield* Store
  let seen = ""

  const look = Effect.gen(function* () {
    // Without the kernel's tables only a probe shows what has come up.
    if (!(yield* listeners.visible)) yield* monitor.probe
    const before = yield* registry.live
    const fresh = freshIn(before.assignments)
    const isNew = fresh !== "" && fresh !== seen
    seen = fresh
    if (!isNew) return before
    yield* Effect.ignore(monitor.probe)
    return yield* registry.live
  })

  const silent = () =>
    new Unavailable({ store: label, fault: "silent", reason: "it does not answer", hint: "d doctor tells more" })

  return look.pipe(
    // `disconnect`: don't wait for a hung query to be interrupted.
    Effect.disconnect,
    Effect.timeoutFail({ duration: LIMIT, onTimeout: silent }),
    Effect.match({
      onFailure: (error): Look => ({ ok: false, failure: toCommandError(error) }),
      onSuccess: (found): Look => ({ ok: true, ...found })
    }),
    Effect.catchAllCause((cause) =>
      Effect.map(bugIn("the look of HTTP", cause), (failure): Look => ({ ok: false, failure }))
    )
  )
})
