import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Database } from "./binding.ts"

/** SQLite's result code for a lock that another connection holds. */
const BUSY = 5

/** The first and the longest delay between two attempts, in milliseconds. */
const FIRST_MS = 2
const LONGEST_MS = 60

const isBusy = (error: unknown): boolean => ((error as { readonly errcode?: number }).errcode ?? 0) % 256 === BUSY

/**
 * Begins a write transaction, waiting up to `wait` milliseconds for the write lock.
 *
 * SQLite has no queue for the lock. Its own busy handler also sleeps between attempts, but blocks the event loop. Here
 * an attempt is one call of the driver, and attempts become rarer the longer the wait is, so that waiting processes
 * hardly slow down the one that holds the lock. Jitter keeps them from waking up together.
 */
export const beginImmediate = (database: Database, wait: number): Effect.Effect<void, SqlError> =>
  Effect.async((resume) => {
    const began = performance.now()
    let delay = FIRST_MS
    let timer: NodeJS.Timeout | undefined
    const attempt = () => {
      try {
        database.exec("BEGIN IMMEDIATE")
        resume(Effect.void)
      } catch (cause) {
        if (!isBusy(cause) || performance.now() - began >= wait) return resume(new SqlError({ cause }))
        timer = setTimeout(attempt, delay * (0.5 + Math.random()))
        delay = Math.min(delay * 1.5, LONGEST_MS)
      }
    }
    attempt()
    return Effect.sync(() => clearTimeout(timer))
  })
