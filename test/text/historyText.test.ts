import { expect, it } from "vitest"
import type { PastChange, PastOperation } from "../../src/domain/PastOperation.ts"
import { historyText } from "../../src/text/historyText.ts"
import { plain } from "../../src/text/terminalStyle.ts"
import { widthOf } from "../../src/text/width.ts"

const operation = (change: Partial<PastChange>): PastOperation => ({
  number: 7,
  at: "2026-11-26T12:00:00.000Z",
  what: change.what ?? "describe",
  host: "box",
  user: "me",
  program: "d",
  takesBack: null,
  takenBackBy: null,
  undoable: true,
  changes: [{ what: "describe", key: "cad-dev", oldPort: null, newPort: null, detail: null, ...change }]
})

const LONG = { before: `Before: ${"a very long text ".repeat(20)}`, after: `After: ${"日本語の説明".repeat(20)}` }

const list = (change: Partial<PastChange>, width: number | undefined): string =>
  historyText({ operations: [operation(change)], trimmed: null }, {}, { ...plain, width }).split("\n")[1] ?? ""

it("shortens both values for a terminal, and shows them whole in a pipe and of one operation", () => {
  const line = list({ description: LONG }, 120)
  expect(line).toMatch(/cad-dev: Before: a very long tex… → After: 日本語の説明日本…$/)
  expect(widthOf(line)).toBeLessThanOrEqual(120)
  expect(list({ description: LONG }, undefined)).toContain(`cad-dev: ${LONG.before} → ${LONG.after}`)
  const one = historyText({ operations: [operation({ description: LONG })], trimmed: null }, { number: 7 }, plain)
  expect(one).toContain(`${LONG.before} → ${LONG.after}`)
})

it("shows the end of a directory, where directories differ", () => {
  const owner = { before: "/home/me/projects/of/this/year/cad", after: "/home/me/projects/of/this/year/cad-fix" }
  expect(list({ what: "bind", owner }, 120)).toMatch(/cad-dev: in …\S{19}\/cad → …\S{15}\/cad-fix$/)
})

it("tells what an older daemon or an older operation holds", () => {
  expect(list({ detail: "CAD app" }, undefined)).toMatch(/ cad-dev: CAD app$/)
  expect(list({ detail: null }, undefined)).toMatch(/ cad-dev: no description$/)
  expect(list({ what: "bind", detail: "/opt" }, undefined)).toMatch(/ cad-dev: in \/opt$/)
  expect(list({ what: "undo", detail: "6" }, undefined)).toMatch(/ cad-dev: what is known of it$/)
  expect(list({ what: "undo", oldPort: 3001, newPort: 3001 }, undefined)).toMatch(/ cad-dev: 3001 → 3001$/)
})
