import { afterEach, expect, it, vi } from "vitest"
import { makeToken } from "../../src/daemon/makeToken.ts"

afterEach(() => void vi.restoreAllMocks())

it("gives the token for a code once, and within a minute", () => {
  let now = 1000
  vi.spyOn(performance, "now").mockImplementation(() => now)
  const token = makeToken()
  const [first, second] = [token.code(), token.code()]
  now += 59_000
  expect(token.exchange(first)).toBe(token.now())
  expect(token.exchange(first)).toBeUndefined()
  now += 2000
  expect(token.exchange(second)).toBeUndefined()
  expect(token.exchange("none")).toBeUndefined()
})

it("is another one once it is renewed, and so are its codes", () => {
  const token = makeToken()
  const [before, code] = [token.now(), token.code()]
  token.renew()
  expect(token.now()).not.toBe(before)
  expect(token.exchange(code)).toBeUndefined()
})
