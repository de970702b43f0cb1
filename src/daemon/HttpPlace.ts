import * as Effect from "effect/Effect"
import type { HttpStatus } from "../commands/Results.ts"
import { makeToken } from "./makeToken.ts"

/** The state of HTTP for the daemon's commands: its address, and the token that changes need. */
export class HttpPlace extends Effect.Service<HttpPlace>()("HttpPlace", {
  sync: () => {
    let now: HttpStatus | null = null
    let waiting: ReadonlyArray<(place: HttpStatus | null) => void> = []
    let turnOn = () => {}
    const turnedOn = new Promise<void>((done) => {
      turnOn = done
    })
    const isSettled = () => now !== null && (now.address ?? now.problem) !== null
    return {
      token: makeToken(),
      /** Returns null if HTTP is off. */
      now: () => now,
      set: (place: HttpStatus | null) => {
        now = place
        if (!isSettled()) return
        for (const tell of waiting) tell(now)
        waiting = []
      },
      /** Waits until HTTP is to be served although it is off. */
      turnedOn: Effect.promise(() => turnedOn),
      /** Has HTTP served from now on, and returns where, or what is known after `limit` milliseconds. */
      turnOn: (limit: number): Promise<HttpStatus | null> => {
        turnOn()
        if (isSettled()) return Promise.resolve(now)
        return new Promise((done) => {
          const timer = setTimeout(() => done(now), limit)
          waiting = [
            ...waiting,
            (place) => {
              clearTimeout(timer)
              done(place)
            }
          ]
        })
      }
    }
  }
}) {}
