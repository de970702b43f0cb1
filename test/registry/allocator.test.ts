import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { builtInReserved } from "../../src/domain/reservedPorts.ts"
import { choosePair, nextSlot, type PortUsage } from "../../src/registry/allocator.ts"

const APPS = { first: 3000, last: 3039 }
const DEFAULT_APPS = { first: 3000, last: 3499 }

/** The registry of the design's section 3. */
const NINE: ReadonlyMap<string, number> = new Map([
  ["cad-prod", 3000],
  ["cad-dev", 3001],
  ["pt-prod", 3002],
  ["pt-dev", 3003],
  ["loom-dev", 3005],
  ["dashboard-prod", 3006],
  ["dashboard-dev", 3007],
  ["loom-server", 3500],
  ["dashboard-bridge", 3501]
])

const quiet = (ports: ReadonlyMap<string, number>): PortUsage => ({
  ports,
  reserved: builtInReserved,
  bound: new Set()
})
const pair = (app: string, world: PortUsage) => choosePair(`${app}-prod`, `${app}-dev`, DEFAULT_APPS, world)

const port = fc.integer({ min: 2990, max: 3050 })
const key = fc
  .tuple(fc.constantFrom("a", "b", "c", "d", "e"), fc.constantFrom("-prod", "-dev", ""))
  .map((parts) => parts.join(""))
const worlds: fc.Arbitrary<PortUsage> = fc.record({
  ports: fc.array(fc.tuple(key, port)).map((entries) => new Map(entries)),
  reserved: fc.array(port).map((ports) => new Map(ports.map((each) => [each, "because"]))),
  bound: fc.array(port).map((ports) => new Set(ports))
})

const isFree = (candidate: number, world: PortUsage): boolean =>
  ![...world.ports.values()].includes(candidate) && !world.reserved.has(candidate) && !world.bound.has(candidate)

describe("the nine rows", () => {
  it("keeps an app that has both ports", () => {
    expect(pair("cad", quiet(NINE))).toEqual({ _tag: "Kept", prod: 3000, dev: 3001 })
  })

  it("gives a new app the lowest whole pair, not 3004 alone", () => {
    expect(pair("newapp", quiet(NINE))).toEqual({ _tag: "Free", port: 3008, skipped: [] })
  })

  it("completes loom's pair with its free half", () => {
    expect(pair("loom", quiet(NINE))).toEqual({ _tag: "Completed", prod: 3004, dev: 3005 })
  })

  it("gives a special the next port from 3500", () => {
    expect(nextSlot({ first: 3500, last: 3999 }, 1, quiet(NINE))).toEqual({ _tag: "Free", port: 3502, skipped: [] })
  })
})

describe("half a pair", () => {
  const half = (app: string, key: string, at: number, more: Partial<PortUsage> = {}) =>
    pair(app, {
      ...quiet(
        new Map([
          [key, at],
          ["other", 3011]
        ])
      ),
      ...more
    })

  it("is completed only where the half has its mode's parity and lies in the range", () => {
    expect(half("x", "x-prod", 3004)).toEqual({ _tag: "Completed", prod: 3004, dev: 3005 })
    expect(half("x", "x-prod", 3005)).toEqual({ _tag: "Blocked", half: "prod", port: 3005 })
    expect(half("x", "x-dev", 3004)).toEqual({ _tag: "Blocked", half: "dev", port: 3004 })
    expect(half("x", "x-prod", 4000)).toEqual({ _tag: "Blocked", half: "prod", port: 4000 })
    expect(half("x", "x-dev", 2999)).toEqual({ _tag: "Blocked", half: "dev", port: 2999 })
  })

  it("is a conflict where the partner is assigned, reserved or bound", () => {
    expect(half("x", "x-prod", 3010)).toMatchObject({ obstacle: { _tag: "Assigned", key: "other" } })
    expect(half("x", "x-dev", 3307)).toMatchObject({ obstacle: { _tag: "Reserved" } })
    expect(half("x", "x-prod", 3020, { bound: new Set([3021]) })).toMatchObject({ obstacle: { _tag: "Bound" } })
  })
})

describe("every world", () => {
  it("gives only free ports, and the lowest", () => {
    fc.assert(
      fc.property(worlds, fc.constantFrom(1 as const, 2 as const), (world, size) => {
        const slot = nextSlot(APPS, size, world)
        const free: Array<number> = []
        for (let at = APPS.first; at + size - 1 <= APPS.last; at += size) {
          if (Array.from({ length: size }, (_, offset) => at + offset).every((each) => isFree(each, world)))
            free.push(at)
        }
        expect(slot._tag === "Free" ? slot.port : undefined).toBe(free[0])
      })
    )
  })

  it("never splits a pair and never names a bound port that nobody would have had to skip", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const slot = nextSlot(APPS, 2, world)
        if (slot._tag === "Full") return
        expect(slot.port % 2).toBe(0)
        for (const skipped of slot.skipped) {
          expect(world.bound.has(skipped)).toBe(true)
          expect(skipped).toBeLessThan(slot.port)
        }
      })
    )
  })

  it("is full exactly where its figures add up", () => {
    fc.assert(
      fc.property(worlds, fc.boolean(), (world, crowded) => {
        const taken = Array.from({ length: crowded ? 40 : 0 }, (_, at): [string, number] => [`k${at}`, 3000 + at])
        const slot = nextSlot(APPS, 2, { ...world, ports: new Map([...world.ports, ...taken]) })
        if (crowded) expect(slot._tag).toBe("Full")
        if (slot._tag === "Full") {
          const { busy, claimed, reserved, slots } = slot.figures
          expect(slot.skipped.filter((port) => port < APPS.first || port > APPS.last)).toEqual([])
          expect([slots, claimed + reserved + busy]).toEqual([20, 20])
        }
      })
    )
  })

  it("fills to the brim with distinct whole pairs, and then says no", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const ports = new Map(world.ports)
        const before = [...ports.values()]
        const given: Array<number> = []
        for (let at = 0; ; at++) {
          const slot = nextSlot(APPS, 2, { ...world, ports })
          if (slot._tag === "Full") break
          given.push(slot.port, slot.port + 1)
          ports.set(`new${at}-prod`, slot.port).set(`new${at}-dev`, slot.port + 1)
        }
        expect(new Set(given).size).toBe(given.length)
        expect(given.filter((each) => before.includes(each))).toEqual([])
      }),
      { numRuns: 50 }
    )
  })

  it("answers what is stored, a completed pair, a free pair, or a reason", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const choice = choosePair("a-prod", "a-dev", APPS, world)
        const stored = [world.ports.get("a-prod"), world.ports.get("a-dev")]
        if (choice._tag === "Kept") expect([choice.prod, choice.dev]).toEqual(stored)
        else if (choice._tag === "Blocked") expect(stored).toContain(choice.port)
        else if (choice._tag === "Completed") {
          expect(choice.prod % 2).toBe(0)
          expect(choice.dev).toBe(choice.prod + 1)
          expect(isFree(stored[0] === undefined ? choice.prod : choice.dev, world)).toBe(true)
        } else expect(stored).toEqual([undefined, undefined])
      })
    )
  })
})

it("keeps the database and the browsers' blocked ports out of every pair of the default ranges", () => {
  const ports = new Map<string, number>()
  for (let at = 0; ; at++) {
    const slot = nextSlot(DEFAULT_APPS, 2, quiet(ports))
    if (slot._tag === "Full") {
      expect(slot.figures).toEqual({ slots: 250, claimed: 248, reserved: 2, busy: 0 })
      break
    }
    ports.set(`n${at}-prod`, slot.port).set(`n${at}-dev`, slot.port + 1)
  }
  for (const reserved of [3306, 3307, 3388, 3389]) expect([...ports.values()]).not.toContain(reserved)
})
