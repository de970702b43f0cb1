import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { diffClaims, reconcile, renameClaim } from "../../src/domain/claims.ts"
import type { Claim } from "../../src/domain/RegistryState.ts"

const STAMP = { claimedAt: "2026-01-01T00:00:00.000Z", host: "h", by: "me" }
const claim = (key: string, day = 1): Claim => ({ ...STAMP, claimedAt: `2025-01-0${day}T00:00:00.000Z`, key })
const holders = (claims: ReadonlyMap<number, Claim>) =>
  Object.fromEntries([...claims].map(([port, { key }]) => [port, key]))

describe("reconcile", () => {
  it("adopts a row that has no claim", () => {
    expect(holders(reconcile(new Map([["a", 3000]]), new Map(), STAMP))).toEqual({ 3000: "a" })
  })

  it("gives none to what a column for claims may not hold", () => {
    const ports = new Map([
      ["🙂", 3000],
      ["é", 3001],
      ["k".repeat(251), 3002],
      ["k".repeat(250), 3003],
      ["no key\n", 3004]
    ])
    expect(holders(reconcile(ports, new Map(), STAMP))).toEqual({ 3003: "k".repeat(250), 3004: "no key\n" })
  })

  it("drops a claim whose row is gone", () => {
    expect(holders(reconcile(new Map(), new Map([[3000, claim("a")]]), STAMP))).toEqual({})
  })

  it("lets a claim follow its row, before a newcomer on the same port", () => {
    const ports = new Map([
      ["a", 3002],
      ["aa", 3002]
    ])
    expect(holders(reconcile(ports, new Map([[3000, claim("aa")]]), STAMP))).toEqual({ 3002: "aa" })
  })

  it("leaves a shared port with the older claim, and passes it on when the holder goes", () => {
    const shared = new Map([
      ["pt", 3001],
      ["cad-dev", 3001],
      ["zed", 3001]
    ])
    const claims = reconcile(shared, new Map([[3001, claim("cad-dev")]]), STAMP)
    expect(holders(claims)).toEqual({ 3001: "cad-dev" })
    shared.delete("cad-dev")
    expect(holders(reconcile(shared, claims, STAMP))).toEqual({ 3001: "pt" })
  })

  it("lets two claims change places", () => {
    const before = new Map([
      [1, claim("a")],
      [2, claim("b")]
    ])
    const after = reconcile(
      new Map([
        ["a", 2],
        ["b", 1]
      ]),
      before,
      STAMP
    )
    expect(holders(after)).toEqual({ 1: "b", 2: "a" })
    expect(diffClaims(before, after)).toHaveLength(2)
  })

  it("gives a right anew where it was dropped and comes back to the same port", () => {
    const [before, after] = [new Map([[3000, claim("a", 1)]]), new Map([[3000, claim("a", 2)]])]
    expect(diffClaims(before, after)).toEqual([{ claim: claim("a", 2), from: 3000, to: 3000 }])
  })

  it("holds for all rows and claims", () => {
    const name = fc.constantFrom<string>("a", "b", "c", "d", "e", "f")
    const port = fc.integer({ min: 1, max: 6 })
    const ports = fc.array(fc.tuple(name, port)).map((entries) => new Map(entries))
    const claims = fc
      .uniqueArray(fc.tuple(port, name, fc.integer({ min: 1, max: 9 })), { selector: ([, key]) => key })
      .map((entries) => new Map(entries.map(([at, key, day]): [number, Claim] => [at, claim(key, day)])))
    fc.assert(
      fc.property(ports, claims, (rows, before) => {
        const after = reconcile(rows, before, STAMP)
        // Every port that anybody has is claimed, by one key that has it.
        expect(new Set(after.keys())).toEqual(new Set(rows.values()))
        for (const [at, { key }] of after) expect(rows.get(key)).toBe(at)
        expect(new Set([...after.values()].map(({ key }) => key)).size).toBe(after.size)
        // A claim that was right is not touched.
        for (const [at, held] of before) if (rows.get(held.key) === at) expect(after.get(at)).toBe(held)
        // It has nothing more to say the second time.
        expect(diffClaims(after, reconcile(rows, after, STAMP))).toEqual([])
      })
    )
  })
})

it("takes the claim along when a key is renamed", () => {
  const before = new Map([[3000, claim("a", 7)]])
  const after = reconcile(new Map([["b", 3000]]), renameClaim(before, "a", "b"), STAMP)
  expect(after.get(3000)).toEqual(claim("b", 7))
  expect(diffClaims(before, after)).toEqual([
    { claim: claim("a", 7), from: 3000 },
    { claim: claim("b", 7), to: 3000 }
  ])
})
