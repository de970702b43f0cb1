import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { jsonProblem } from "../../src/config/jsonProblem.ts"

describe("the place where a text is not JSON", () => {
  const cases: ReadonlyArray<readonly [text: string, place: string]> = [
    ["", "line 1, column 1: it ends too early"],
    ["// mine\n{}", "line 1, column 1: JSON has no comments"],
    ['{"a":"4000-4099" // mine\n}', "line 1, column 18: JSON has no comments"],
    ['{\n  "a": "b", /* mine */\n  "c": "d"\n}', "line 2, column 13: JSON has no comments"],
    ['{"a":"sqlite:/a//b",\n# mine\n}', "line 2, column 1: JSON has no comments"],
    ['{"a":"b",}', "line 1, column 10: remove the comma before it"],
    ['{"a":[1,2,]}', "line 1, column 11: remove the comma before it"],
    ['{"a":"b"\n,\n}', "line 3, column 1: remove the comma before it"],
    ["{'a':'b'}", "line 1, column 2: write double quotes"],
    ["{\"a\":'b'}", "line 1, column 6: write double quotes"],
    ["{a:1}", "line 1, column 2"],
    ['{"a":tru}', "line 1, column 6"],
    ['{"a":NaN}', "line 1, column 6"],
    ['{"a":0123}', "line 1, column 7"],
    ['{"a":"b"', "line 1, column 9: it ends too early"],
    ['{"a":"b', "line 1, column 8: it ends too early"],
    ['{"a":"b"}}', "line 1, column 10"],
    ['{"a":"b"\n"c":"d"}', "line 2, column 1"],
    ['{"a":"b\nc"}', "line 1, column 8"],
    ['{"a":"b\\xc"}', "line 1, column 8"],
    ["a=4", "line 1, column 1"]
  ]

  it.each(cases)("is in %j", (text, place) => {
    expect(jsonProblem(text)).toBe(`is not JSON, at ${place}`)
  })

  const noise = fc.constantFrom(
    ",",
    "}",
    "]",
    "{",
    "[",
    '"',
    "'",
    ":",
    "#",
    "//",
    "x",
    "\\",
    "\n",
    "1",
    "-",
    " ",
    "tru"
  )

  it("is not before what was put into a document", () => {
    fc.assert(
      fc.property(fc.json(), noise, fc.nat(), (json, wrong, nat) => {
        const at = nat % (json.length + 1)
        const text = json.slice(0, at) + wrong + json.slice(at)
        try {
          JSON.parse(text)
        } catch {
          const [, line, column] = /line (\d+), column (\d+)/.exec(jsonProblem(text)) ?? []
          const lines = text.split("\n").slice(0, Number(line) - 1)
          const found = lines.join("\n").length + (lines.length > 0 ? 1 : 0) + Number(column) - 1
          // A word or an escape may begin up to five characters before it.
          expect(found).toBeGreaterThanOrEqual(Math.max(0, at - 5))
          expect(found).toBeLessThanOrEqual(text.length)
        }
      }),
      { numRuns: 2000 }
    )
  })

  it("quotes nothing of the text, which may have a password", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(jsonProblem(`{"databaseUrl": "s3cr3t" ${text} s3cr3t`)).not.toContain("s3cr3t")
      })
    )
  })
})
