import { expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { groupCommit } from "../../src/store/groupCommit.ts"

/** Work that is written down, and that waits for `open` each time. `answered` of each group are answered. */
const work = (answered = Number.POSITIVE_INFINITY) =>
  Effect.map(Deferred.make<void>(), (open) => {
    const groups: Array<ReadonlyArray<string>> = []
    const run = (members: ReadonlyArray<string>) =>
      Effect.suspend(() => {
        groups.push(members)
        const exits = members.map((each) => (each === "wrong" ? Exit.fail(each) : Exit.succeed(each.toUpperCase())))
        // As where a connection is waited for, which may be interrupted wherever it stands.
        return Effect.as(Effect.interruptible(Deferred.await(open)), exits.slice(0, answered))
      })
    return { groups, open: Deferred.succeed(open, undefined), go: groupCommit(run) }
  })

/** Lets every fiber go on until it waits. */
const settled = TestClock.adjust(1)

it.effect("takes along all that came while it was at work, and answers each", () =>
  Effect.gen(function* () {
    const { go, groups, open } = yield* work()
    const first = yield* Effect.fork(go("a"))
    yield* settled
    const others = yield* Effect.forEach(["b", "wrong", "c"], (each) => Effect.fork(Effect.either(go(each))))
    yield* settled
    yield* open
    expect(yield* Fiber.join(first)).toBe("A")
    expect(yield* Effect.forEach(others, Fiber.join)).toMatchObject([{ right: "B" }, { left: "wrong" }, { right: "C" }])
    expect(groups).toEqual([["a"], ["b", "wrong", "c"]])
  })
)

it.effect("gives another turn to whom the work left out", () =>
  Effect.gen(function* () {
    const { go, groups, open } = yield* work(2)
    const all = yield* Effect.forEach(["a", "b", "c", "d", "e"], (each) => Effect.fork(go(each)))
    yield* open
    expect(yield* Effect.forEach(all, Fiber.join)).toEqual(["A", "B", "C", "D", "E"])
    expect(groups).toEqual([["a", "b", "c", "d", "e"], ["c", "d", "e"], ["e"]])
  })
)

it.effect("does not end with the one that took the others along", () =>
  Effect.gen(function* () {
    const { go, groups, open } = yield* work()
    const leader = yield* Effect.fork(go("a"))
    const other = yield* Effect.fork(go("b"))
    yield* settled
    const ended = yield* Effect.fork(Fiber.interrupt(leader))
    yield* settled
    yield* open
    expect(yield* Fiber.join(other)).toBe("B")
    yield* Fiber.join(ended)
    expect(groups).toEqual([["a", "b"]])
  })
)

it.effect("ends at once where nobody else is waiting, and takes nobody along that has left", () =>
  Effect.gen(function* () {
    const { go, groups, open } = yield* work()
    const alone = yield* Effect.fork(go("a"))
    yield* settled
    const left = yield* Effect.fork(go("b"))
    const stays = yield* Effect.fork(go("c"))
    yield* settled
    yield* Fiber.interrupt(left)
    yield* Fiber.interrupt(alone)
    yield* open
    expect(yield* Fiber.join(stays)).toBe("C")
    expect(groups).toEqual([["a"], ["c"]])
  })
)

it.effect("goes on after a bug", () =>
  Effect.gen(function* () {
    let runs = 0
    const go = groupCommit((members: ReadonlyArray<string>) =>
      runs++ === 0 ? Effect.dieMessage("a bug") : Effect.succeed(members.map((each) => Exit.succeed(each)))
    )
    const [first, ...others] = yield* Effect.forEach(["a", "b", "c"], (each) => Effect.fork(go(each)))
    if (first === undefined) throw new Error("nobody came")
    expect(Exit.isFailure(yield* Fiber.await(first))).toBe(true)
    expect(yield* Effect.forEach(others, Fiber.join)).toEqual(["b", "c"])
    expect(runs).toBe(2)
  })
)
