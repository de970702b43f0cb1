import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/** The maximum group size. */
const GROUP_MAX = 64

interface Waiter<M, A, E> {
  readonly member: M
  exit?: Exit.Exit<A, E>
}

/** Lets everyone who has arrived by now join the group. */
const arrivals = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/**
 * Runs members in groups. While one group runs, new members wait for the lock; whoever gets it leads the next group,
 * and takes in everyone who is waiting by then. `run` returns the outcome of each member, in order. It may leave out
 * any but the first; these keep waiting.
 */
export const groupCommit = <M, A, E>(
  run: (members: ReadonlyArray<M>) => Effect.Effect<ReadonlyArray<Exit.Exit<A, E>>>
) => {
  const lock = Effect.unsafeMakeSemaphore(1)
  const waiting = new Set<Waiter<M, A, E>>()
  return (member: M): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const own: Waiter<M, A, E> = { member }
      waiting.add(own)
      const lead = Effect.flatMap(arrivals, () => {
        waiting.delete(own)
        const group = [own, ...[...waiting].slice(0, GROUP_MAX - 1)]
        const work = Effect.map(run(group.map((waiter) => waiter.member)), (exits) => {
          for (const [index, exit] of exits.entries()) {
            const waiter = group[index]
            if (waiter === undefined) continue
            waiter.exit = exit
            waiting.delete(waiter)
          }
        })
        // Interrupting the leader must not cancel the rest of the group.
        return group.length === 1
          ? work
          : Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(Effect.interruptible(work)), Fiber.join))
      })
      const outcome = Effect.suspend(() => own.exit ?? Effect.dieMessage("nothing came of it"))
      return lock
        .withPermits(1)(Effect.suspend(() => (own.exit === undefined ? lead : Effect.void)))
        .pipe(
          Effect.zipRight(outcome),
          Effect.onInterrupt(() => Effect.sync(() => waiting.delete(own)))
        )
    })
}
