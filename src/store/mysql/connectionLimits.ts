import type * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Driver } from "../Driver.ts"

/** How many connections a process has to a server at the most. */
export const CONNECTIONS = 10

const noneFree = () => new SqlError({ cause: { errno: 1040, sqlState: "08004", message: "no free connection" } })

/** Who may have a connection to one server, or to `several`; who waits for it longer than `limit` milliseconds fails. */
export const makeConnectionLimits = (several: boolean, limit: number) => {
  /**
   * In a cluster the queue is in this process as well: each commit on another node throws out everybody who waits at
   * this one, and the fewer wait there, the fewer have to begin anew.
   */
  const turn = Effect.unsafeMakeSemaphore(1)
  const takeTurn = Effect.acquireRelease(Effect.interruptible(turn.take(1)), () => turn.release(1))

  /** The pool waits without limit; but of a single server's there is always one left for a transaction. */
  const reserveFrom = (sql: SqlClient.SqlClient): (typeof Driver.Service)["reserve"] => {
    let reached = false
    // Who gives up does not wait until there is a connection after all.
    const first = Effect.map(Effect.disconnect(sql.reserve), (connection) => {
      reached = true
      return connection
    })
    const next = Effect.suspend(() => (reached ? sql.reserve : first))
    return several
      ? Effect.timeoutFail(Effect.zipRight(takeTurn, next), { duration: limit, onTimeout: noneFree })
      : next
  }

  const places = Effect.unsafeMakeSemaphore(CONNECTIONS - 2)
  const place = Effect.timeoutFail(Effect.interruptible(places.take(1)), { duration: limit, onTimeout: noneFree })
  const withConnectionSlot: (typeof Driver.Service)["withConnectionSlot"] = (effect) =>
    Effect.flatMap(
      places.withPermitsIfAvailable(1)(effect),
      Option.match({
        onSome: Effect.succeed,
        onNone: () =>
          Effect.acquireUseRelease(
            place,
            () => effect,
            () => places.release(1)
          )
      })
    )

  return { withConnectionSlot, reserveFrom }
}
