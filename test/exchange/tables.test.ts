import { parse } from "csv-parse/sync"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Exported, FORMAT, FORMAT_VERSION } from "../../src/domain/Exchange.ts"
import { keyProblem, textProblem } from "../../src/domain/names.ts"
import { writeAs } from "../../src/exchange/exportCommand.ts"
import { formatOf, readAs } from "../../src/exchange/readers.ts"
import type { Source } from "../../src/exchange/Source.ts"

const key = fc
  .string({ unit: fc.constantFrom(..."abzAZ019._-"), minLength: 1, maxLength: 30 })
  .filter((each) => keyProblem(each) === undefined)

/** Every text that a description can be, and those that mean something in a table, a spreadsheet or HTML. */
const description = fc
  .oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.string({ unit: "grapheme", maxLength: 30 }),
    fc.string({ unit: fc.constantFrom(..."|\\`*_[]<>&#;!~'\"=+-@ \tab,1:/$"), maxLength: 20 }),
    fc.constantFrom(
      "=1+1",
      "'=1+1",
      "''@SUM(1)",
      "+31 20",
      "-1",
      "@me",
      "a | b",
      'say "hello", twice',
      "  both ends  ",
      "\u00a0no break\u00a0",
      "<script>alert(1)</script>",
      "&lt; &#124; &amp;amp;",
      "![x](javascript:alert(1))",
      "https://example.com/a_b_c",
      "שלום עולם",
      "\u202eevil\u202c",
      "👩‍👩‍👧‍👦 🇳🇱",
      "C:\\apps\\",
      "\\| \\\\|",
      "`a|b`",
      "---",
      "| Key | Port |",
      "x".repeat(500)
    )
  )
  .filter((each) => textProblem(each) === undefined)

const rows = fc.uniqueArray(fc.record({ key, port: fc.integer({ min: 1, max: 65_535 }), description }), {
  minLength: 1,
  maxLength: 40,
  selector: (row) => row.key
})

const exportedOf = (all: ReadonlyArray<{ key: string; port: number; description: string | null }>): Exported => ({
  format: FORMAT,
  version: FORMAT_VERSION,
  assignments: all.map((each) => ({
    ...each,
    shared: false,
    stored: null,
    claimed: null,
    created: null,
    pinned: null
  })),
  owners: [],
  reservations: [],
  ignored: []
})

const fileOf = (text: string, name = "ports"): Source => ({ name, directory: "/home/me", text })

const readBack = (format: "csv" | "markdown", source: Source) =>
  readAs(format, source).assignments.map((each) => ({
    key: each.key,
    port: Number(each.port),
    description: each.description ?? ""
  }))

describe.each(["csv", "markdown"] as const)("a table in %s", (format) => {
  it("is read as it was written, whatever the descriptions are", () => {
    fc.assert(
      fc.property(rows, (all) => {
        const source = fileOf(String(writeAs(format, exportedOf(all), false).text))
        expect(formatOf(source)).toBe(format)
        expect(readBack(format, source)).toEqual(all)
        // As a program of another system saves it.
        expect(readBack(format, { ...source, text: source.text.replaceAll("\n", "\r\n") })).toEqual(all)
      }),
      { numRuns: Number(process.env["RUNS"] ?? 300) }
    )
  })
})

it("writes no cell that a spreadsheet runs", () => {
  fc.assert(
    fc.property(rows, (all) => {
      const text = String(writeAs("csv", exportedOf(all), false).text)
      for (const cell of parse(text).flat()) expect(cell).not.toMatch(/^[=+@\t\r-]/)
    })
  )
})

it("writes a Markdown table without HTML or characters that act on a reader", () => {
  fc.assert(
    fc.property(rows, (all) => {
      const text = String(writeAs("markdown", exportedOf(all), false).text)
      expect(text).not.toMatch(/[<>]|[^\n\P{Cc}]|\p{Cf}/u)
      expect(text.trimEnd().split("\n")).toHaveLength(all.length + 2)
    })
  )
})

it("writes nothing that acts on a terminal to one", () => {
  const exported = exportedOf([{ key: "a", port: 1, description: "\u202eevil" }])
  expect(String(writeAs("csv", exported, true).text)).toContain("\\u202eevil")
  expect(String(writeAs("csv", exported, false).text)).toContain("\u202eevil")
})

it("names the variables as d env does, and leaves out those that could be two keys", () => {
  const exported = exportedOf([
    { key: "cad-dev", port: 1, description: null },
    { key: "a.b", port: 2, description: null },
    { key: "a-b", port: 3, description: null },
    { key: "2nd", port: 4, description: null }
  ])
  const { notes, text } = writeAs("env", exported, false)
  expect(String(text)).toBe("CAD_DEV_PORT=1\n# A_B_PORT could be a.b (2) or a-b (3)\n_2ND_PORT=4\n")
  expect(notes).toEqual(["warning: left out A_B_PORT, which could be a.b and a-b: d rename gives one another name"])
})

it("leaves rows that are not valid out of everything but JSON and SQL, and says so", () => {
  const exported: Exported = {
    ...exportedOf([{ key: "ok", port: 1, description: null }]),
    assignments: [
      ...exportedOf([{ key: "ok", port: 1, description: null }]).assignments,
      {
        key: "a b",
        port: 2,
        description: null,
        shared: false,
        stored: "2",
        claimed: null,
        created: null,
        pinned: null
      },
      {
        key: "bad",
        port: null,
        description: null,
        shared: false,
        stored: "it's\\",
        claimed: null,
        created: null,
        pinned: null
      }
    ]
  }
  for (const format of ["csv", "markdown", "env"] as const)
    expect(writeAs(format, exported, false).notes).toEqual([
      'note: left out "a b" and bad, which only --format json can have: the rows are not valid'
    ])
  expect(String(writeAs("sql", exported, false).text)).toBe(
    [
      "INSERT INTO settings (setting_key, setting_value) VALUES ('port_ok', '1');",
      "INSERT INTO settings (setting_key, setting_value) VALUES ('port_a b', '2');",
      "INSERT INTO settings (setting_key, setting_value) VALUES ('port_bad', CAST(X'697427735c' AS CHAR));",
      ""
    ].join("\n")
  )
})
