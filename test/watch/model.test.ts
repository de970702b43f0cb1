import { describe, expect, it } from "vitest"
import { changesBetween } from "../../src/watch/changes.ts"
import { failed, listed, MARKED_MS, passed, resized } from "../../src/watch/model.ts"
import type { State } from "../../src/watch/State.ts"
import { assigned, listenerOf, looked, many, NOON, press, watching } from "../support/watching.ts"

const keysOf = ({ rows }: State) => rows.map(({ key }) => key)

const LIST = [assigned("cad-prod", 3000, "down"), assigned("cad-dev", 3001, "up"), assigned("pt", 3500)]

describe("changes", () => {
  it("are one per key: new, gone, moved, up, down, or another one that the list shows", () => {
    const [prod = assigned("", 0), dev = assigned("", 0), pt = assigned("", 0)] = LIST
    const kinds = (...after: ReadonlyArray<(typeof LIST)[number]>) =>
      changesBetween(LIST, after).map(({ change, key }) => `${key} ${change}`)
    expect(kinds(...LIST)).toEqual([])
    expect(kinds(prod, dev, pt, assigned("x", 3501, "up"))).toEqual(["x new"])
    expect(kinds(prod, dev)).toEqual(["pt gone"])
    expect(kinds({ ...prod, port: 3010 }, dev, { ...pt, description: "a proxy" })).toEqual([
      "cad-prod moved",
      "pt changed"
    ])
    expect(kinds(assigned("cad-prod", 3000, "up"), assigned("cad-dev", 3001, "stale"), pt)).toEqual([
      "cad-prod up",
      "cad-dev down"
    ])
    expect(kinds(prod, { ...dev, listener: listenerOf(4712) }, pt)).toEqual(["cad-dev changed"])
  })

  it("are not what only a probe writes", () => {
    const probed = LIST.map((each) => ({ ...each, health: { ...each.health, checkedAt: "2026-11-26T12:00:00.000Z" } }))
    expect(changesBetween(LIST, probed)).toEqual([])
  })
})

describe("the rows", () => {
  it("stay the same objects if nothing has changed, so that nothing is computed again", () => {
    const state = watching(LIST)
    expect(
      listed(
        state,
        looked(
          LIST.map((each) => ({ ...each })),
          1000
        )
      ).rows
    ).toBe(state.rows)
  })

  it("keep a key that is gone as long as that is marked", () => {
    const state = listed(watching(LIST), looked(LIST.slice(0, 2), 1000))
    expect(keysOf(state)).toEqual(["cad-prod", "cad-dev", "pt"])
    expect(keysOf(passed(state, NOON + 1000 + MARKED_MS - 1))).toContain("pt")
    expect(keysOf(passed(state, NOON + 1000 + MARKED_MS))).toEqual(["cad-prod", "cad-dev"])
  })

  it("of one health keep a port that has another as long as that is marked", () => {
    const state = watching(LIST, undefined, "down")
    expect(keysOf(state)).toEqual(["cad-prod"])
    const up = listed(state, looked([assigned("cad-prod", 3000, "up"), ...LIST.slice(1)], 1000))
    expect(keysOf(up)).toEqual(["cad-prod"])
    // Also if a look comes before the clock.
    const again = listed(up, looked([assigned("cad-prod", 3000, "up"), ...LIST.slice(1)], 1000 + MARKED_MS))
    expect(keysOf(again)).toEqual([])
  })

  it("are sorted by port, key, state and change in turn", () => {
    const state = listed(watching(LIST), looked([...LIST.slice(0, 2), assigned("pt", 3500, "stale")], 1000))
    expect(keysOf(state)).toEqual(["cad-prod", "cad-dev", "pt"])
    expect(keysOf(press(state, "s").state)).toEqual(["cad-dev", "cad-prod", "pt"])
    expect(keysOf(press(state, "s", "s").state)).toEqual(["cad-dev", "cad-prod", "pt"])
    expect(keysOf(press(state, "s", "s", "s").state)[0]).toBe("pt")
    expect(press(state, "s", "s", "s", "s").state.sort).toBe("port")
  })

  it("are those that match every word of the filter, which Enter keeps and Escape clears", () => {
    const typed = press(watching(LIST), "/", "C", "a", "d", " ", "d", "e", "v").state
    expect(keysOf(typed)).toEqual(["cad-dev"])
    expect(keysOf(press(typed, "backspace", "backspace", "backspace").state)).toEqual(["cad-prod", "cad-dev"])
    const kept = press(typed, "return").state
    expect({ filtering: kept.filtering, keys: keysOf(kept) }).toEqual({ filtering: false, keys: ["cad-dev"] })
    expect(keysOf(press(kept, "escape").state)).toHaveLength(3)
    expect(keysOf(press(typed, "escape").state)).toHaveLength(3)
    // What the list shows of a process is found as well.
    expect(keysOf(press(watching(LIST), "/", "4", "7", "1", "1").state)).toEqual(["cad-dev"])
  })
})

describe("the selection", () => {
  it("moves by rows and screens, and the rows with it", () => {
    const state = watching(many(1000))
    const at = (...keys: ReadonlyArray<string>) => {
      const { cursor, top } = press(state, ...keys).state
      return [cursor, top]
    }
    expect(at("down")).toEqual([1, 0])
    expect(at("up")).toEqual([0, 0])
    expect(at("pagedown")).toEqual([20, 1])
    expect(at("G")).toEqual([999, 980])
    expect(at("end", "up")).toEqual([998, 980])
    expect(at("end", "pageup")).toEqual([979, 979])
    expect(at("G", "g")).toEqual([0, 0])
    expect(at("pagedown", "pagedown", "home")).toEqual([0, 0])
  })

  it("stays with its key when the order changes, and near its place if the key is gone", () => {
    const state = press(watching(LIST), "down").state
    expect(press(state, "s").state.selected).toBe("cad-dev")
    expect(press(state, "s").state.cursor).toBe(0)
    const gone = passed(listed(state, looked([LIST[0] ?? assigned("", 0), ...LIST.slice(2)], 1000)), NOON + 10_000)
    expect(gone.selected).toBe("pt")
  })

  it("stays on the screen when that gets smaller", () => {
    const state = resized(press(watching(many(100)), "pagedown").state, { columns: 40, rows: 8 })
    expect([state.cursor, state.top]).toEqual([20, 17])
  })

  it("has nothing to act on in an empty list", () => {
    for (const key of ["o", "e", "k", "return"]) expect(press(watching([]), key).action).toBeUndefined()
  })
})

describe("the daemon", () => {
  it("is said to be lost if another process answers after it, until it is back", () => {
    const without = listed(watching(LIST), { ...looked(LIST, 1000), by: "process" })
    expect(without.lost).toBe(true)
    expect(listed(without, { ...looked(LIST, 2000), by: "process" }).lost).toBe(true)
    expect(listed(without, looked(LIST, 2000)).lost).toBe(false)
  })

  it("leaves the last list and its time if nothing answers", () => {
    const error = { code: "unavailable" as const, message: "the database does not answer", hint: "start it" }
    const state = failed(watching(LIST), error, NOON + 9000)
    expect(state).toMatchObject({ lookedAt: NOON, now: NOON + 9000, failure: error })
    expect(keysOf(state)).toHaveLength(3)
    expect(listed(state, looked(LIST, 10_000)).failure).toBeUndefined()
  })
})
