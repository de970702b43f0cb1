import { describe, expect, it } from "vitest"
import { knownOf, nextHealth, type PortHealth, type ProbeResult, stillTrue } from "../../src/domain/portHealth.ts"

const DAY = 86_400
const THRESHOLDS = { downAfter: 3, staleAfter: 14 * DAY, staleAfterDev: 30 * DAY }

/** Looks at one port, one after the other; each says at which second of watched time it is taken. */
const after = (key: string, looks: ReadonlyArray<readonly [ProbeResult, number]>, before?: PortHealth): PortHealth =>
  looks.reduce<PortHealth | undefined>(
    (health, [look, watched]) =>
      nextHealth(
        health,
        { key, port: 3000 },
        look,
        { at: new Date(watched * 1000).toISOString(), watched },
        THRESHOLDS
      ),
    before
  ) as PortHealth

const states = (key: string, ...looks: ReadonlyArray<ProbeResult>) =>
  looks.map(
    (_, index) =>
      after(
        key,
        looks.slice(0, index + 1).map((look, at) => [look, at * 30] as const)
      ).state
  )

describe("a port", () => {
  it("is what the first look says", () => {
    expect(states("a-prod", "up")).toEqual(["up"])
    expect(states("a-prod", "down")).toEqual(["down"])
    expect(states("a-prod", "none", "none", "down")).toEqual(["unknown", "unknown", "down"])
  })

  it("is down after three failures in a row, and up at the first success", () => {
    expect(states("a-prod", "up", "down", "down", "up", "down", "down", "down", "up")).toEqual([
      "up",
      "up",
      "up",
      "up",
      "up",
      "up",
      "down",
      "up"
    ])
  })

  it("is not judged by a look that could not be taken", () => {
    expect(states("a-prod", "up", "down", "none", "down", "none", "none", "down")).toEqual([
      "up",
      "up",
      "up",
      "up",
      "up",
      "up",
      "down"
    ])
  })

  it("knows since when, and when it was last up", () => {
    const health = after("a-prod", [
      ["up", 0],
      ["up", 30],
      ["down", 60],
      ["down", 90],
      ["down", 120],
      ["down", 150]
    ])
    expect(health).toMatchObject({
      state: "down",
      since: new Date(120_000).toISOString(),
      lastUp: new Date(30_000).toISOString(),
      failures: 4,
      lastUpWatchedSeconds: 30
    })
  })

  it("begins anew with another key", () => {
    const health = after("a-prod", [["up", 0]])
    expect(after("b-prod", [["down", 30]], health)).toMatchObject({
      key: "b-prod",
      state: "down",
      lastUp: null,
      lastUpWatchedSeconds: 30
    })
  })
})

it("has nothing to be blamed for before it was claimed again", () => {
  const stale = after("a-prod", [
    ["down", 0],
    ["down", 14 * DAY]
  ])
  expect(stillTrue(stale, new Date(15 * DAY * 1000).toISOString())).toBeUndefined()
  expect(stillTrue(stale, new Date(0).toISOString())).toBe(stale)
  expect(stillTrue(stale, undefined)).toBe(stale)
})

describe("a stale port", () => {
  it("was down for 14 days of watched time, a dev port for 30", () => {
    for (const [key, days] of [
      ["a-prod", 14],
      ["special", 14],
      ["a-dev", 30]
    ] as const) {
      expect(
        after(key, [
          ["down", 0],
          ["down", days * DAY - 1]
        ]).state
      ).toBe("down")
      expect(
        after(key, [
          ["down", 0],
          ["down", days * DAY]
        ])
      ).toMatchObject({ state: "stale", since: new Date(days * DAY * 1000).toISOString() })
    }
  })

  it("clears at the first success, and counts from there", () => {
    const stale = after("a-prod", [
      ["down", 0],
      ["down", 14 * DAY]
    ])
    const up = after("a-prod", [["up", 14 * DAY + 30]], stale)
    expect(up.state).toBe("up")
    expect(
      after(
        "a-prod",
        [
          ["down", 14 * DAY + 60],
          ["down", 14 * DAY + 90],
          ["down", 14 * DAY + 120]
        ],
        up
      ).state
    ).toBe("down")
  })
})

describe("a time that is still to come", () => {
  const now = "2026-11-20T12:00:00.000Z"
  const yesterday = "2026-11-19T12:00:00.000Z"
  const tomorrow = "2026-11-21T12:00:00.000Z"
  const known = (record: Partial<PortHealth>, claimedAt: string, probedAt: string | null = null) => {
    const health = { ...after("app", [["down", 0]]), ...record }
    const claim = { key: "app", claimedAt, host: "there", by: "me" }
    return knownOf(
      { records: new Map([[3000, health]]), watched: 0, probedAt, machine: undefined },
      { ports: new Map([["app", 3000]]), claims: new Map([[3000, claim]]) },
      3000,
      now
    )
  }

  it("is never shown", () => {
    expect(known({ since: tomorrow, lastUp: tomorrow }, tomorrow)).toMatchObject({ since: now, lastUp: now })
    expect(known({ state: "up", since: yesterday, lastUp: null }, yesterday, tomorrow)).toMatchObject({ lastUp: null })
    expect(known({ since: yesterday, lastUp: yesterday }, yesterday)).toMatchObject({
      since: yesterday,
      lastUp: yesterday
    })
  })

  it("blames nobody who claimed the port before it", () => {
    expect(known({ state: "stale", since: tomorrow }, yesterday)).toBeUndefined()
    expect(known({ state: "stale", since: now }, yesterday)).toMatchObject({ state: "stale" })
    expect(known({ state: "up", since: tomorrow }, yesterday)).toMatchObject({ state: "up", since: now })
  })
})
