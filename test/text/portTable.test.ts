import { stripVTControlCharacters } from "node:util"
import { expect, it } from "vitest"
import type { Assignment } from "../../src/domain/Assignment.ts"
import { unwatched } from "../../src/domain/Health.ts"
import { plainTable } from "../../src/text/portTable.ts"
import { terminalTable } from "../../src/text/portTableTerminal.ts"

const row = (key: string, port: number, description: string | null): Assignment => ({
  key,
  port,
  kind: "special",
  app: null,
  description,
  host: null,
  health: unwatched,
  listener: null
})

const ROWS = [
  row("bridge", 80, "A bridge that has a description which is far too long for a narrow terminal"),
  row("a-rather-long-key", 65535, null),
  row("wide", 3502, "日本語の説明はとても幅が広いので切られる")
]

it("is whole and plain in a pipe", () => {
  expect(plainTable(ROWS)).toBe(
    [
      "KEY                 PORT  KIND     HEALTH   DESCRIPTION",
      "bridge                80  special  unknown  A bridge that has a description which is far too long for a narrow terminal",
      "a-rather-long-key  65535  special  unknown",
      "wide                3502  special  unknown  日本語の説明はとても幅が広いので切られる"
    ].join("\n")
  )
})

it("is its header where there is nothing", () => {
  expect(plainTable([])).toBe("KEY  PORT  KIND  HEALTH  DESCRIPTION")
})

it("cuts descriptions to the terminal, and nothing else", () => {
  const lines = terminalTable(ROWS, 60, false).split("\n")
  expect(lines[1]).toBe("bridge                80  special  unknown  A bridge that h…")
  for (const width of [10, 40, 60, 200]) {
    const text = terminalTable(ROWS, width, false)
    for (const { key, port } of ROWS) expect(text).toMatch(new RegExp(`^${key} +${port} `, "m"))
  }
})

it("is coloured on request, and the same text without", () => {
  const coloured = terminalTable(ROWS, 60, true)
  expect(coloured).not.toBe(stripVTControlCharacters(coloured))
  expect(stripVTControlCharacters(coloured)).toBe(terminalTable(ROWS, 60, false))
})
