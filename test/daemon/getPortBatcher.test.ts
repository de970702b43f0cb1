import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { batchGetPorts } from "../../src/daemon/getPortBatcher.ts"

/** A database whose one number is read a moment after it was asked for, and that remembers what it was asked. */
const database = () => {
  const questions: Array<ReadonlyArray<string>> = []
  const state = { value: 0, hang: false, broken: false }
  const ask = batchGetPorts(async (keys) => {
    questions.push(keys)
    const { value } = state
    if (state.hang) await new Promise(() => {})
    if (state.broken) throw new Error("broken")
    await sleep(5)
    return (key: string) => `${key} ${value}`
  })
  return { ask, questions, state }
}

it("asks once for what comes together, and for each key once", async () => {
  const { ask, questions } = database()
  const answers = await Promise.all(["a", "b", "a", "c"].map(ask))
  expect(answers).toEqual(["a 0", "b 0", "a 0", "c 0"])
  expect(questions).toEqual([["a", "b", "c"]])
})

it("answers nobody with what was read before the question came", async () => {
  const { ask, state } = database()
  const asked: Array<Promise<void>> = []
  for (let round = 1; round <= 200; round++) {
    state.value = round
    asked.push(ask("a").then((answer) => expect(Number(answer.slice(2))).toBeGreaterThanOrEqual(round)))
    if (round % 3 === 0) await sleep(1)
  }
  await Promise.all(asked)
})

it("goes on beside a question that hangs, and after one that failed", async () => {
  const { ask, state } = database()
  state.hang = true
  void ask("stuck")
  await sleep(5)
  state.hang = false
  expect(await ask("a")).toBe("a 0")
  state.broken = true
  await expect(ask("b")).rejects.toBeUndefined()
  state.broken = false
  expect(await ask("c")).toBe("c 0")
})

it("leaves nobody out, however many ask", async () => {
  const { ask, questions } = database()
  const keys = Array.from({ length: 1000 }, (_, at) => `k${at}`)
  expect(await Promise.all(keys.map(ask))).toEqual(keys.map((key) => `${key} 0`))
  expect(Math.max(...questions.map((each) => each.length))).toBeLessThanOrEqual(64)
})
