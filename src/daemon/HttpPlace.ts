import * as Effect from "effect/Effect"
import type { HttpStatus } from "../commands/Results.ts"

/** Where this daemon serves HTTP, for its status: null if HTTP is off. */
export class HttpPlace extends Effect.Service<HttpPlace>()("HttpPlace", {
  sync: () => {
    let now: HttpStatus | null = null
    return {
      now: () => now,
      set: (place: HttpStatus | null) => {
        now = place
      }
    }
  }
}) {}
