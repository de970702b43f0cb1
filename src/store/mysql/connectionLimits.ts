import type * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Driver } from "../Driver.ts"

/** The maximum number of connections from one process to a server. */
export const CONNECTIONS = 10

const noneFree = () => new SqlError({ cause: { errno: 1040, sqlState: "08004", message: "no free connection" } })

/** Limits concurrent connections to one server, or to `several`. Fails after waiting `limit` milliseconds for one. */
export const makeConnectionLimits = (several: boolean, limit: number) => {
  /**
   * In a cluster, transactions also queue in this process: each commit on another node aborts every transaction that is
   * waiting on this one, so the fewer wait there, the fewer have to be retried.
   */
  const clusterLock = Effect.unsafeMakeSemaphore(1)
  const takeClusterLock = Effect.acquireRelease(Effect.interruptible(clusterLock.take(1)), () => clusterLock.release(1))

  /** The pool waits without limit. That is safe with a single server: slots leave a connection for a transaction. */
  const reserveFrom = (sql: SqlClient.SqlClient): (typeof Driver.Service)["reserve"] => {
    let hasConnected = false
    // `disconnect`, so that a timeout need not wait for the pool.
    const first = Effect.map(Effect.disconnect(sql.reserve), (connection) => {
      hasConnected = true
      return connection
    })
    const next = Effect.suspend(() => (hasConnected ? sql.reserve : first))
    return several
      ? Effect.timeoutFail(Effect.zipRight(takeClusterLock, next), { duration: limit, onTimeout: noneFree })
      : next
  }

  const slots = Effect.unsafeMakeSemaphore(CONNECTIONS - 2)
  const takeSlot = Effect.timeoutFail(Effect.interruptible(slots.take(1)), { duration: limit, onTimeout: noneFree })
  const withConnectionSlot: (typeof Driver.Service)["withConnectionSlot"] = (effect) =>
    Effect.flatMap(
      slots.withPermitsIfAvailable(1)(effect),
      Option.match({
        onSome: Effect.succeed,
        onNone: () =>
          Effect.acquireUseRelease(
            takeSlot,
            () => effect,
            () => slots.release(1)
          )
      })
    )

  return { withConnectionSlot, reserveFrom }
}
