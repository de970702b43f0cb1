import { stripVTControlCharacters } from "node:util"
import { describe, expect, it } from "vitest"
import { widthOf } from "../../src/text/width.ts"
import { failed, listed, resized } from "../../src/watch/model.ts"
import type { State } from "../../src/watch/State.ts"
import { makeScreen } from "../../src/watch/screen.ts"
import { makeView, onceHeader } from "../../src/watch/view.ts"
import { assigned, looked, many, NOON, press, watching } from "../support/watching.ts"

const plain = { colour: false, host: () => "box" }
const draw = (state: State, colour = false): ReadonlyArray<string> => makeView({ ...plain, colour })(state).lines

const LIST = [
  assigned("cad-prod", 3000, "down", { description: "CAD app \u001b[31m\u202eevil" }),
  assigned("cad-dev", 3001, "up", { description: "日本語の説明はとても幅が広いので切られるはずです。そして長い" }),
  assigned("a-special-with-a-key-that-is-so-long-that-it-leaves-no-room-for-anything-else-on-a-line", 3500)
]

describe("at 80x24", () => {
  it("shows a header, the list with its titles, and the keys", () => {
    const lines = draw(watching([assigned("cad-prod", 3000, "down"), assigned("cad-dev", 3001, "up")]))
    expect(lines).toHaveLength(24)
    expect(lines.slice(0, 5)).toEqual([
      "d watch  box  1 up, 1 down  12:00:00  daemon  by port",
      "   KEY       PORT  KIND  HEALTH  PROCESS    DESCRIPTION",
      ">  cad-prod  3000  prod  down",
      "   cad-dev   3001  dev   up      node 4711",
      ""
    ])
    expect(lines.at(-1)).toBe("↑↓ move  / filter  s sort  o open  e explain  k end  ? help  q quit")
  })

  it("marks what has changed, and says it", () => {
    const [prod = assigned("", 0)] = LIST
    const state = listed(watching(LIST.slice(0, 2)), looked([{ ...prod, port: 3010 }, assigned("new", 3600)], 1000))
    const lines = draw(state)
    expect(lines.slice(2, 5).map((line) => line.slice(0, 12))).toEqual([" - cad-dev  ", ">→ cad-prod ", " + new      "])
    expect(lines.at(-2)).toBe("cad-prod moved from 3000 to 3010, and 2 more changes")
  })

  it("tells the age of a list that could not be renewed, and why", () => {
    const error = { code: "unavailable" as const, message: "the database does not answer", hint: "start it" }
    const lines = draw(failed(watching(LIST), error, NOON + 12_000))
    expect(lines[0]).toContain("12 s old, of 12:00:00")
    expect(lines.at(-2)).toBe("cannot look: the database does not answer; trying again (start it)")
  })

  it("says how to begin if there is nothing", () => {
    expect(draw(watching([])).join("\n")).toContain("no port is assigned: d allocate --app APP")
    expect(draw(press(watching(LIST), "/", "z", "z").state).join("\n")).toContain("nothing matches /zz")
  })

  it("marks the selected row with colours, and without", () => {
    expect(draw(watching(LIST))[2]).toMatch(/^>/)
    expect(draw(watching(LIST), true)[2]).toContain("\u001b[7m")
    expect(draw(watching(LIST)).join("")).not.toContain("\u001b")
  })
})

const SIZES = [
  [80, 24],
  [200, 50],
  [40, 10],
  [20, 6],
  [9, 3],
  [1, 1]
] as const

it.each(SIZES)("fits into %i x %i, in whatever it shows", (columns, rows) => {
  for (const keys of [[], ["?"], ["e"], ["/", "c"], ["G"]]) {
    for (const colour of [false, true]) {
      const lines = draw(resized(press(watching(LIST), ...keys).state, { columns, rows }), colour)
      expect(lines.length).toBeLessThanOrEqual(rows)
      for (const line of lines) expect(widthOf(line), JSON.stringify(line)).toBeLessThanOrEqual(columns)
    }
  }
})

it("shows the health of a port beside a key of any length", () => {
  expect(draw(watching(LIST)).slice(2, 5)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^ {3}a-special-with-.*…\s+3500\s+unknown$/)])
  )
})

it("makes what others wrote harmless", () => {
  const all = draw(resized(watching(LIST.slice(0, 1)), { columns: 200, rows: 50 })).join("\n")
  expect(all).toContain("CAD app \\u001b[31m\\u202eevil")
  expect(stripVTControlCharacters(all)).toBe(all)
})

it("explains in the place of the list", () => {
  const { state } = press(watching(LIST), "e")
  expect(draw(state).join("\n")).toContain("Asking about 3000 …")
  const error = { code: "unavailable" as const, message: "no", hint: "later" }
  const refused = { ...state, pane: { _tag: "Explain" as const, port: 3000, told: error, top: 0 } }
  expect(draw(refused).slice(1, 3)).toEqual(["error: no", "hint: later"])
})

it("shows a command that ends what it does not end itself, whole", () => {
  const command = `systemctl --user stop ${"a-long-name-".repeat(8)}.service`
  const refusal = { why: "node, pid 4711, of me, is not ended from here", command, advice: null }
  const lines = draw({ ...watching(LIST), pane: { _tag: "Refused", refusal, top: 0 } })
  expect(lines.map((line) => line.trim()).join("")).toContain(command.slice(0, 70))
  expect(lines.join("").replaceAll(" ", "")).toContain(command.replaceAll(" ", ""))
})

it("has a header for a list that is printed once", () => {
  const watched = { title: "d watch --app cad", health: undefined }
  expect(onceHeader(looked(LIST), watched, { ...plain, width: undefined })).toBe(
    "d watch --app cad  box  1 up, 1 down, 1 unknown  12:00:00  daemon  by port"
  )
})

/** The lines that a frame writes. */
const rowsIn = (frame: string) => [...frame.matchAll(/\[(\d+)H/g)].map(([, row]) => Number(row))

describe("a frame", () => {
  const on = (state: State) => {
    let written = ""
    const screen = makeScreen((text) => (written += text))
    screen.enter()
    const view = makeView({ ...plain, colour: true })
    const drawn = (next: State) => {
      written = ""
      screen.draw(view(next).lines, next.size)
      return written
    }
    drawn(state)
    return drawn
  }

  it.each([
    [80, 24],
    [200, 50]
  ] as const)("at %i x %i writes the lines that differ, and nothing if none does", (columns, rows) => {
    const state = watching(many(1000), { columns, rows })
    const drawn = on(state)
    expect(drawn(state)).toBe("")
    const idle = listed(state, looked(many(1000), 1000))
    expect(rowsIn(drawn(idle))).toEqual([1])
    const [, ...others] = many(1000)
    const changed = listed(idle, looked([assigned("key-0000", 3000, "up"), ...others], 2000))
    // With its process, the first row makes a column, which moves what is right of it.
    drawn(changed)
    const again = listed(changed, looked([assigned("key-0000", 3000, "up", { description: "x" }), ...others], 3000))
    expect(rowsIn(drawn(again))).toEqual([1, 3, rows - 1])
    expect(rowsIn(drawn(press(again, "down").state))).toEqual([3, 4])
  })

  it("is shown at once by a terminal that can, and erases no last character", () => {
    const state = watching(many(3), { columns: 80, rows: 24 })
    const drawn = on(state)
    const down = drawn(press(state, "down").state)
    expect(down.startsWith("\u001b[?2026h")).toBe(true)
    expect(down.endsWith("\u001b[?2026l")).toBe(true)
    // The selected row is as wide as the screen.
    expect(down).toContain("\u001b[K")
    expect(down).not.toContain("\u001b[27m\u001b[K")
  })
})
