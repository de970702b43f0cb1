import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { HttpControl } from "../../src/daemon/HttpControl.ts"
import { makeToken } from "../../src/daemon/makeToken.ts"
import { timing } from "../../src/daemon/timing.ts"

const SERVED = { address: "http://localhost:3500", problem: null }
const UNKNOWN = { address: null, problem: null }

it("turns HTTP on once, and answers all who wait as soon as it is known where it is served", () =>
  Effect.gen(function* () {
    const control = yield* HttpControl
    expect(control.status()).toBeNull()
    expect(yield* control.turnOn(1)).toBeNull()
    yield* control.turnedOn
    const waiting = yield* Effect.fork(Effect.all([control.turnOn(60_000), control.turnOn(60_000)], { concurrency: 2 }))
    yield* Effect.yieldNow()
    control.setStatus(UNKNOWN)
    control.setStatus(SERVED)
    expect(yield* waiting).toEqual([SERVED, SERVED])
    expect(yield* control.turnOn(60_000)).toEqual(SERVED)
    // It moves to another port.
    control.setStatus(UNKNOWN)
    expect(yield* control.turnOn(1)).toEqual(UNKNOWN)
    const problem = { address: null, problem: "the port is in use" }
    control.setStatus(problem)
    expect(yield* control.turnOn(60_000)).toEqual(problem)
  }).pipe(Effect.provide(HttpControl.Default), Effect.runPromise))

it("keeps a code for a browser however many are made after it, and none once the token is another one", () => {
  const token = makeToken()
  const code = token.code()
  for (let count = 0; count < 100; count++) token.code()
  expect(token.exchange(code)).toBe(token.now())
  expect(token.exchange(code)).toBeUndefined()
  const [old, late] = [token.now(), token.code()]
  token.renew()
  expect(token.now()).not.toBe(old)
  expect(token.exchange(late)).toBeUndefined()
})

it("has a request answered by the router itself as long as nothing is measured", async () => {
  const answer = Promise.resolve({
    ok: true,
    result: 1,
    notes: [],
    text: () => Promise.reject(new Error("unused"))
  } as const)
  const { observe, timed } = timing(() => answer)
  const route = timed("socket")
  expect(route({ command: "getPort" })).toBe(answer)
  const observed: Array<unknown> = []
  observe((each) => observed.push(each))
  await route({ command: "getPort" })
  await route({ command: {} })
  expect(observed).toEqual([
    { command: "getPort", via: "socket", seconds: expect.any(Number), ok: true },
    { command: "other", via: "socket", seconds: expect.any(Number), ok: true }
  ])
})
