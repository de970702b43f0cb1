import { describe, expect, it } from "vitest"
import { judge, type Verdict } from "./checker.ts"
import type { Ask, Attempt, Outcome, Tables } from "./history.ts"

/** One attempt a line: who, from when to when, what, and what came of it. */
const attempt = (began: number, ended: number, ask: Ask, outcome: Outcome): Attempt => ({
  client: 0,
  ask,
  began,
  ended,
  outcome
})

const ok = (assigned: Readonly<Record<string, number>>, created = true): Outcome => ({
  _tag: "Ok",
  assigned: Object.entries(assigned).map(([key, port]) => ({ key, port, created })),
  released: []
})
const released = (...keys: ReadonlyArray<string>): Outcome => ({ _tag: "Ok", assigned: [], released: keys })
const refused = (code: string): Outcome => ({ _tag: "Refused", code })
const unknown: Outcome = { _tag: "Unknown" }

const allocate = (...app: ReadonlyArray<string>): Ask => ({ command: "allocate", app, special: [] })
const release = (...app: ReadonlyArray<string>): Ask => ({ command: "release", app, special: [] })
const special = (key: string): Ask => ({ command: "allocate", app: [], special: [key] })
const set = (key: string, value: number, force = false): Ask => ({ command: "setPort", key, value, force })
const remove = (key: string): Ask => ({ command: "deletePort", key })
const get = (key: string): Ask => ({ command: "getPort", key })

/** A run as it should be: two apps side by side, one given back, a port shared by force, a rename, a lost reply. */
const good: ReadonlyArray<Attempt> = [
  attempt(0, 10, allocate("a"), ok({ "a-prod": 3000, "a-dev": 3001 })),
  attempt(5, 12, allocate("b"), ok({ "b-prod": 3002, "b-dev": 3003 })),
  attempt(20, 30, allocate("a"), ok({ "a-prod": 3000, "a-dev": 3001 }, false)),
  attempt(31, 32, get("a-dev"), ok({ "a-dev": 3001 }, false)),
  attempt(40, 50, release("b"), released("b-prod", "b-dev")),
  attempt(45, 60, allocate("c"), ok({ "c-prod": 3002, "c-dev": 3003 })),
  attempt(61, 62, get("b-dev"), refused("not-set")),
  attempt(70, 80, special("s"), ok({ s: 3500 })),
  attempt(81, 90, set("t", 3500), refused("conflict")),
  attempt(91, 95, set("t", 3500, true), ok({ t: 3500 })),
  attempt(96, 99, { command: "rename", key: "t", to: "u" }, ok({ u: 3500 })),
  attempt(100, 110, allocate("d"), unknown)
]

const tables: Tables = {
  ports: new Map([
    ["a-prod", 3000],
    ["a-dev", 3001],
    ["c-prod", 3002],
    ["c-dev", 3003],
    ["s", 3500],
    ["u", 3500]
  ]),
  claims: new Map([
    [3000, "a-prod"],
    [3001, "a-dev"],
    [3002, "c-prod"],
    [3003, "c-dev"],
    [3500, "s"]
  ]),
  done: [
    ...["a-prod", "a-dev", "b-prod", "b-dev", "c-prod", "c-dev", "s"].map((key) => ({ what: "allocate", key })),
    { what: "release", key: "b-prod" },
    { what: "release", key: "b-dev" },
    { what: "set", key: "t" },
    { what: "rename", key: "u" },
    { what: "adopt", key: "s" }
  ]
}

const RULES = { appRange: { first: 3000, last: 3499 }, refusals: ["conflict", "not-set"] }

type Fault = Exclude<keyof Verdict, "operations" | "ok" | "refused" | "unknown">

const found = (history: ReadonlyArray<Attempt>, left: Tables = tables): ReadonlyArray<Fault> => {
  const { ok, operations, refused, unknown, ...faults } = judge(history, left, RULES)
  return (Object.keys(faults) as Array<Fault>).filter((fault) => faults[fault].length > 0)
}

const ports = (changes: Readonly<Record<string, number | null>>): ReadonlyMap<string, number> => {
  const map = new Map(tables.ports)
  for (const [key, port] of Object.entries(changes)) {
    if (port === null) map.delete(key)
    else map.set(key, port)
  }
  return map
}
const left = (changes: Readonly<Record<string, number | null>>): Tables => {
  const next = ports(changes)
  return { ports: next, claims: new Map([...next].reverse().map(([key, port]) => [port, key])), done: undefined }
}

describe("the judge", () => {
  it("has nothing to say of a good run, with the lost reply's work done or not", () => {
    expect(found(good)).toEqual([])
    expect(found(good, left({ "d-prod": 3004, "d-dev": 3005 }))).toEqual([])
    expect(judge(good, tables, RULES)).toMatchObject({ operations: 12, ok: 9, refused: 2, unknown: 1 })
  })

  it.each<[string, Fault, ReadonlyArray<Attempt>, Tables]>([
    [
      "one port answered to two apps at one time, though one is gone in the end",
      "duplicates",
      [
        ...good,
        attempt(120, 130, allocate("e"), ok({ "e-prod": 3002, "e-dev": 3003 })),
        attempt(140, 150, release("e"), released("e-prod", "e-dev"))
      ],
      left({})
    ],
    ["one port in two rows", "duplicates", [...good, attempt(120, 130, set("v", 3500), unknown)], left({ v: 3500 })],
    [
      "a port taken without force from one who has it by force",
      "duplicates",
      [...good, attempt(120, 130, set("v", 3500), ok({ v: 3500 })), attempt(140, 150, remove("v"), released("v"))],
      left({})
    ],
    ["an acknowledged allocation that is not there", "losses", good, left({ "a-prod": null, "a-dev": null })],
    ["an acknowledged release that was undone", "losses", good, left({ "b-prod": 3002, "b-dev": 3003 })],
    [
      "an acknowledged change that an older one won over",
      "losses",
      [...good, attempt(120, 130, set("s", 3600), ok({ s: 3600 }))],
      left({})
    ],
    ["an acknowledged change without its history", "losses", good, { ...tables, done: tables.done?.slice(1) }],
    ["a row that nobody attempted", "inventions", good, left({ z: 3700 })],
    [
      "the work of an attempt that was refused",
      "inventions",
      [...good, attempt(120, 130, set("w", 3700), refused("conflict"))],
      left({ w: 3700 })
    ],
    [
      "a change that was made twice",
      "inventions",
      good,
      { ...tables, done: [...(tables.done ?? []), { what: "release", key: "b-dev" }] }
    ],
    ["a claim without a row", "drift", good, { ...tables, claims: new Map([...(tables.claims ?? []), [3900, "s"]]) }],
    ["a row without a claim", "drift", good, { ...tables, claims: new Map([...(tables.claims ?? [])].slice(1)) }],
    [
      "an odd pair",
      "pairs",
      [...good, attempt(120, 130, allocate("e"), ok({ "e-prod": 3011, "e-dev": 3012 }))],
      left({ "e-prod": 3011, "e-dev": 3012 })
    ],
    ["a split pair", "pairs", good, left({ "d-prod": 3004, "d-dev": 3007 })],
    ["half a pair", "pairs", good, left({ "d-prod": 3004 })],
    ["a pair out of range", "pairs", good, left({ "d-prod": 3500, "d-dev": 3501 })],
    [
      "an app that was moved",
      "moved",
      [...good, attempt(120, 130, allocate("a"), ok({ "a-prod": 3008, "a-dev": 3009 }))],
      left({ "a-prod": 3008, "a-dev": 3009 })
    ],
    [
      "two answers to one app at one time",
      "moved",
      [
        ...good,
        attempt(120, 130, allocate("e"), ok({ "e-prod": 3008, "e-dev": 3009 })),
        attempt(121, 131, allocate("e"), ok({ "e-prod": 3010, "e-dev": 3011 }))
      ],
      left({ "e-prod": 3008, "e-dev": 3009 })
    ],
    [
      "a question answered with what was no more",
      "stale",
      [
        ...good,
        attempt(120, 121, get("b-dev"), ok({ "b-dev": 3003 }, false)),
        attempt(122, 123, get("s"), refused("not-set"))
      ],
      tables
    ],
    ["a refusal that is none", "unclean", [...good, attempt(120, 130, allocate("e"), refused("internal"))], tables]
  ])("finds %s", (_, fault, history, tables) => {
    expect(found(history, tables)).toContain(fault)
  })
})
