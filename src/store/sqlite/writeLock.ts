import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Database } from "./binding.ts"

/** SQLite's result code for a lock that another connection has. */
const BUSY = 5

/** The first delay between two attempts, and the longest, in milliseconds. */
const FIRST_MS = 2
const LONGEST_MS = 60

const isBusy = (error: unknown): boolean => ((error as { readonly errcode?: number }).errcode ?? 0) % 256 === BUSY

/**
 * Begins a transaction that writes, and waits for the write lock for up to `wait` milliseconds.
 *
 * SQLite has no queue for it: its own busy handler sleeps between attempts, too, but blocks the event loop. An attempt
 * here is one call of the driver, and the longer the wait, the rarer they are, so that those who wait take next to
 * nothing from the one that holds the lock. The jitter keeps them from waking up together.
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
