import { expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { lazily } from "../../src/store/lazily.ts"

/** A resource that is made when `open` is done, and the list of what happened to it. */
const slow = Effect.gen(function* () {
  const events: Array<string> = []
  const open = yield* Deferred.make<string, string>()
  const begin = Effect.sync(() => events.push("begun"))
  const make = Effect.acquireRelease(Effect.zipRight(begin, Effect.interruptible(Deferred.await(open))), (value) =>
    Effect.sync(() => events.push(`released ${value}`))
  )
  return { events, open, make }
})

it.scoped("makes it once, for all who ask meanwhile, even if the first gives up", () =>
  Effect.gen(function* () {
    const { events, make, open } = yield* slow
    const { get, isMade } = yield* lazily(make)
    const first = yield* Effect.fork(get)
    yield* Effect.yieldNow()
    const second = yield* Effect.fork(get)
    yield* Fiber.interrupt(first)
    expect(isMade()).toBe(false)
    yield* Deferred.succeed(open, "it")
    expect(yield* Fiber.join(second)).toBe("it")
    expect(yield* get).toBe("it")
    expect(events).toEqual(["begun"])
  })
)

it.scoped("keeps nobody waiting, at whatever moment the first gives up", () =>
  Effect.gen(function* () {
    for (let steps = 0; steps < 20; steps++) {
      const { get } = yield* lazily(Effect.as(Effect.yieldNow(), "it"))
      const first = yield* Effect.fork(get)
      for (let step = 0; step < steps; step++) yield* Effect.yieldNow()
      yield* Fiber.interrupt(first)
      expect(yield* get).toBe("it")
    }
  })
)

it.scoped("tells all who wait that it failed, and tries again for the next", () =>
  Effect.gen(function* () {
    let attempts = 0
    const { get } = yield* lazily(
      Effect.suspend(() =>
        ++attempts === 1 ? Effect.zipRight(Effect.yieldNow(), Effect.fail("away")) : Effect.succeed("it")
      )
    )
    expect(yield* Effect.all([Effect.flip(get), Effect.flip(get)], { concurrency: 2 })).toEqual(["away", "away"])
    expect(yield* get).toBe("it")
    expect(attempts).toBe(2)
  })
)

it.effect("keeps nobody waiting whose attempt fails while its scope cannot be closed", () =>
  Effect.gen(function* () {
    const stuck = Effect.zipRight(
      Effect.addFinalizer(() => Effect.never),
      Effect.fail("away")
    )
    const scope = yield* Scope.make()
    const { get } = yield* Scope.extend(lazily(stuck), scope)
    expect(yield* Effect.flip(get)).toBe("away")
  })
)

it.effect("releases it with the scope, at once if it comes later", () =>
  Effect.gen(function* () {
    for (const late of [false, true]) {
      const { events, make, open } = yield* slow
      const scope = yield* Scope.make()
      const { get } = yield* Scope.extend(lazily(make), scope)
      const asked = yield* Effect.fork(get)
      yield* Effect.yieldNow()
      if (late) yield* Scope.close(scope, Exit.void)
      yield* Deferred.succeed(open, "it")
      expect(yield* Fiber.join(asked)).toBe("it")
      if (!late) {
        expect(events).toEqual(["begun"])
        yield* Scope.close(scope, Exit.void)
      }
      expect(events).toEqual(["begun", "released it"])
    }
  })
)
