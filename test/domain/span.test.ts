import { expect, it } from "vitest"
import { parseSince } from "../../src/domain/since.ts"
import { parseSpan, parseWait } from "../../src/domain/span.ts"

const HOUR = 3_600_000

it.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["30 secs", 30_000],
  ["5m", 300_000],
  ["5 min", 300_000],
  ["2h", 2 * HOUR],
  ["1.5 hours", 1.5 * HOUR],
  ["3d", 72 * HOUR],
  ["2 days", 48 * HOUR],
  ["1w", 168 * HOUR],
  ["2 weeks", 336 * HOUR]
])("reads %s as a time span, as a time ago, and as far as it is a day at most as a time to wait", (text, span) => {
  expect(parseSpan(text)).toBe(span)
  expect(parseSince(text, 1e12)).toBe(1e12 - span)
  expect(parseWait(text)).toBe(span <= 24 * HOUR ? span : undefined)
})

it.each([
  "",
  "s",
  "5",
  "-5m",
  "5 m s",
  "5  m",
  "1e3s",
  "5mo",
  "m5",
  "5m ",
  "9999999s",
  "5.m",
  "2d3h",
  "5M",
  "5 constructor",
  "5 __proto__"
])("takes %j for no time span", (text) => {
  expect(parseSpan(text)).toBeUndefined()
  expect(parseSince(text, 0)).toBeUndefined()
})

it("waits for seconds if no unit is given", () => {
  expect(["30", "0.5"].map(parseWait)).toEqual([30_000, 500])
})
