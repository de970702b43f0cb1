import { describe, expect, it } from "vitest"
import { type Board, boardOf } from "../../src/dashboard/board.ts"
import { matching } from "../../src/dashboard/filter.ts"
import { rowsOf } from "../../src/dashboard/rows.ts"
import type { State } from "../../src/dashboard/state.ts"
import type { Assignment } from "../../src/domain/Assignment.ts"
import { unwatched } from "../../src/domain/Health.ts"

const assignment = (key: string, port: number, state: Assignment["health"]["state"] = "down"): Assignment => ({
  key,
  port,
  kind: "special",
  app: null,
  description: null,
  host: null,
  owner: null,
  pinned: false,
  health: { ...unwatched, state },
  listener: null
})

const stateWith = (assignments: ReadonlyArray<Assignment>, more: Partial<State> = {}): State => ({
  link: "live",
  knownAt: 0,
  problem: null,
  assignments: new Map(assignments.map((each) => [each.key, each])),
  status: {
    ranges: {
      app: { range: "3000-3099", slots: 50, claimed: 0 },
      special: { range: "3500-3519", slots: 20, claimed: 0 }
    }
  } as State["status"],
  reserved: [],
  examination: null,
  foreign: new Map(),
  operations: [],
  message: null,
  isRefused: false,
  ...more
})

const stateAt = ({ cells }: Board, port: number) => cells.get(port)?.state

describe("the board", () => {
  it("says what is on every port: who holds it before what listens, and that before what is reserved", () => {
    const board = boardOf(
      stateWith([assignment("a", 3000, "up"), assignment("b", 3001), assignment("c", 8080)], {
        foreign: new Map([
          [3002, "node"],
          [3001, "node"]
        ]),
        reserved: [3003, 3002].map((port) => ({
          port,
          reason: "why",
          source: "built-in",
          at: null,
          by: null,
          host: null
        }))
      })
    )
    expect([3000, 3001, 3002, 3003, 3004, 8080].map((port) => stateAt(board, port))).toEqual([
      "up",
      "down",
      "foreign",
      "reserved",
      "free",
      "down"
    ])
    expect(board.outside).toEqual([8080])
    expect(board.counts).toMatchObject({ up: 1, down: 2, foreign: 1, reserved: 1, free: 116 })
  })

  it("names all keys of a port, and shows characters that act on others", () => {
    const board = boardOf(stateWith([assignment("a", 3000), assignment("b\u202e", 3000)]))
    expect(board.cells.get(3000)?.text).toBe("a, b\\u202e")
  })

  it("keeps the cells that say the same, so that they are not drawn again", () => {
    const before = boardOf(stateWith([assignment("a", 3000), assignment("b", 3001)]))
    const after = boardOf(stateWith([assignment("a", 3000), assignment("b", 3001, "up")]), before)
    const drawn = [...after.cells.values()].filter((cell) => before.cells.get(cell.port) !== cell)
    expect(drawn.map(({ port }) => port)).toEqual([3001])
  })

  it("has nothing outside until the ranges are known", () => {
    expect(boardOf(stateWith([assignment("a", 3000)], { status: null })).cells.size).toBe(0)
  })
})

describe("the rows", () => {
  const board = boardOf(stateWith([assignment("a", 3000), assignment("b", 3061)]))
  const [apps, specials] = board.ranges

  it("have the prods of some pairs above their devs, and fold what is free but the first", () => {
    if (apps === undefined) throw new Error("no range")
    const rows = rowsOf(apps, 5, board.cells, false)
    expect(rows.map((row) => ("folded" in row ? row.folded : row.ports))).toEqual([
      [3000, 3002, 3004, 3006, 3008],
      [3001, 3003, 3005, 3007, 3009],
      [3010, 3012, 3014, 3016, 3018],
      [3011, 3013, 3015, 3017, 3019],
      { first: 3020, last: 3059 },
      [3060, 3062, 3064, 3066, 3068],
      [3061, 3063, 3065, 3067, 3069],
      { first: 3070, last: 3099 }
    ])
  })

  it("have every port once when they are unfolded, whatever the width", () => {
    for (const range of [apps, specials])
      for (let columns = 2; columns <= 10; columns += 1) {
        if (range === undefined) throw new Error("no range")
        const ports = rowsOf(range, columns, board.cells, true).flatMap((row) => ("folded" in row ? [] : row.ports))
        const { first, last } = range.range
        expect([...ports].sort((a, b) => a - b)).toEqual(
          Array.from({ length: last - first + 1 }, (_, at) => first + at)
        )
      }
  })
})

describe("the search", () => {
  it("finds what has every word in what is known of a port", () => {
    const shop = { ...assignment("shop-dev", 3001, "up"), description: "Web Shop" }
    const state = stateWith([assignment("cad-dev", 3000), shop])
    const board = boardOf(state)
    const find = (query: string, ...states: ReadonlyArray<"up" | "down">) => [
      ...matching(board, state.assignments.values(), { query, states: new Set(states) })
    ]
    expect(find("dev")).toEqual([3000, 3001])
    expect(find("web dev")).toEqual([3001])
    expect(find("WEB cad")).toEqual([])
    expect(find("", "down")).toEqual([3000])
    expect(find("3050")).toEqual([3050])
  })
})
