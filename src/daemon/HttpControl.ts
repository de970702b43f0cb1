import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import type { HttpStatus } from "../commands/Results.ts"
import { makeToken } from "./makeToken.ts"

/** Returns whether it is known where HTTP is served, or why it is not. */
const isSettled = (status: HttpStatus | null): boolean => status !== null && (status.address ?? status.problem) !== null

/** Connects the daemon's commands with HTTP: they turn it on, and learn where it is served and which token a change needs. */
export class HttpControl extends Effect.Service<HttpControl>()("HttpControl", {
  effect: Effect.gen(function* () {
    const turnedOn = yield* Deferred.make<void>()
    let status: HttpStatus | null = null
    let settled = yield* Deferred.make<void>()
    return {
      token: makeToken(),
      /** Returns null if HTTP is off. */
      status: () => status,
      setStatus: (next: HttpStatus) => {
        if (isSettled(next)) Deferred.unsafeDone(settled, Effect.void)
        else if (isSettled(status)) settled = Deferred.unsafeMake(FiberId.none)
        status = next
      },
      /** Waits until HTTP is to be served although it is off. */
      turnedOn: Deferred.await(turnedOn),
      /** Has HTTP served from now on, and returns where, or what is known after `limit` milliseconds. */
      turnOn: (limit: number): Effect.Effect<HttpStatus | null> =>
        Deferred.succeed(turnedOn, undefined).pipe(
          Effect.zipRight(Effect.suspend(() => Deferred.await(settled))),
          Effect.timeoutOption(limit),
          Effect.map(() => status)
        )
    }
  })
}) {}
