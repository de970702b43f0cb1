import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/** How many go together at the most. */
const MOST = 64

interface Ticket<M, A, E> {
  readonly member: M
  exit?: Exit.Exit<A, E>
}

/** Lets everything come in that has arrived by now. */
const arrivals = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/**
 * Lets those go together that come while others are at work. Everybody waits for a turn; whose turn it is takes along
 * all that wait by then. `run` answers what came of each, in their order; it may leave out any but the first, and these
 * wait on.
 */
export const groupCommit = <M, A, E>(
  run: (members: ReadonlyArray<M>) => Effect.Effect<ReadonlyArray<Exit.Exit<A, E>>>
) => {
  const turn = Effect.unsafeMakeSemaphore(1)
  const waiting = new Set<Ticket<M, A, E>>()
  return (member: M): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const mine: Ticket<M, A, E> = { member }
      waiting.add(mine)
      const go = Effect.flatMap(arrivals, () => {
        waiting.delete(mine)
        const group = [mine, ...[...waiting].slice(0, MOST - 1)]
        const work = Effect.map(run(group.map((ticket) => ticket.member)), (exits) => {
          for (const [index, exit] of exits.entries()) {
            const ticket = group[index]
            if (ticket === undefined) continue
            ticket.exit = exit
            waiting.delete(ticket)
          }
        })
        // Who is taken along does not end with who takes it.
        return group.length === 1
          ? work
          : Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(Effect.interruptible(work)), Fiber.join))
      })
      const decodeAll = Effect.suspend(() => mine.exit ?? Effect.dieMessage("nothing came of it"))
      return turn
        .withPermits(1)(Effect.suspend(() => (mine.exit === undefined ? go : Effect.void)))
        .pipe(
          Effect.zipRight(decodeAll),
          Effect.onInterrupt(() => Effect.sync(() => waiting.delete(mine)))
        )
    })
}
