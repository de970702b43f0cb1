import { parseEnv } from "node:util"
import { parse } from "dotenv"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Content, ownNames, type Split, split, withBlock, withoutBlock } from "../../src/env/block.ts"
import { breakOf, linesOf, readValue, variablesIn } from "../../src/env/lines.ts"

const NAMES = ["PORT", "D_URL", "CAD_DEV_PORT"]

const content = (port: number, options: ReadonlyArray<string> = []): Content => ({
  lines: [`PORT=${port}`, `D_URL=http://localhost:${port}`, `CAD_DEV_PORT=${port}`],
  options,
  replaced: new Set(NAMES)
})

const splitOf = (text: string): Split => {
  const found = split(text)
  if ("problem" in found) throw new Error(`line ${found.line}: ${found.problem}`)
  return found
}

const write = (text: string, port: number, isNew = false): string => withBlock(splitOf(text), content(port), isNew)

const read = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(variablesIn(text).map((each) => [each.name, readValue(each)]))

/** What users have in their files, and what they have not yet thought of. */
const line = fc.oneof(
  fc.constantFrom(
    "",
    "  ",
    "# a comment with 'quotes\" and PORT=1",
    "PORT=3000",
    "PORT = 3000 # mine",
    "  export PORT='3000'",
    "PORT: 3000",
    "PORT=",
    'PORT="3000',
    'PORT="30\n00"',
    "D_URL=`http://\nx`",
    "export CAD_DEV_PORT=1",
    "A=1",
    "A=2",
    "SECRET='it''s'",
    'B="two\nPORT=4\nlines" # c',
    "C='a\r\nD_URL=x\r\nb'",
    'D="a \\" b"',
    "E=é日本 x",
    "# replaced by d env: PORT=5",
    "# replaced by d env: # replaced by d env: A=1",
    "plain words",
    "export",
    "EXPORTED_PORT=1",
    "X.Y-Z=1"
  ),
  fc.string({ unit: fc.constantFrom("A", "PORT", "=", '"', "'", "`", "#", " ", "\\", "\r", ":", "export ", "$", "x") })
)

const file = fc
  .record({
    mark: fc.constantFrom("", "", "\ufeff"),
    shebang: fc.constantFrom("", "", "", "#!/bin/sh\n"),
    lines: fc.array(fc.record({ line, end: fc.constantFrom("\n", "\n", "\r\n") }), { maxLength: 12 }),
    crlf: fc.boolean(),
    last: fc.boolean()
  })
  .map(({ crlf, last, lines, mark, shebang }) => {
    const text = lines.map((each) => each.line + (crlf ? "\r\n" : each.end)).join("")
    return mark + shebang + (last ? text : text.replace(/(\r\n|\n)$/, ""))
  })

describe("any file", () => {
  it("is read as dotenv reads it", () => {
    fc.assert(
      fc.property(file, (text) => {
        expect(read(text)).toEqual(parse(text))
      }),
      { numRuns: 2000 }
    )
  })

  it("has the bytes of before when a block was written, written anew and removed", () => {
    fc.assert(
      fc.property(file, fc.boolean(), (text, isNew) => {
        const once = write(text, 3001, isNew)
        expect(write(once, 3001)).toBe(once)
        const again = write(once, 3003)
        expect(write(text, 3003, isNew)).toBe(again)
        expect(withoutBlock(splitOf(again))).toBe(isNew && text === "" ? undefined : text)
      }),
      { numRuns: 2000 }
    )
  })

  it("keeps its other lines, byte for byte and in their order", () => {
    fc.assert(
      fc.property(file, (text) => {
        const { after, before } = splitOf(write(text, 3001))
        const kept = linesOf((before + after.replace(/^(\r\n|\n)/, "")).replace(/^\ufeff/, ""))
        const own = linesOf(text.replace(/^\ufeff/, ""))
        expect(kept.length).toBe(own.length)
        for (const [at, each] of kept.entries())
          if (each !== own[at]) expect(each).toBe(`# replaced by d env: ${own[at]}`)
      }),
      { numRuns: 1000 }
    )
  })

  it("has our values for dotenv, and all others as they were", () => {
    fc.assert(
      fc.property(file, (text) => {
        const before = parse(text)
        const after = parse(write(text, 3001))
        expect(after).toMatchObject({ PORT: "3001", D_URL: "http://localhost:3001", CAD_DEV_PORT: "3001" })
        for (const name of NAMES) {
          delete before[name]
          delete after[name]
        }
        expect(after).toEqual(before)
      }),
      { numRuns: 2000 }
    )
  })

  it("has our values for Node, unless it reads the quotes of the file in another way", () => {
    let compared = 0
    fc.assert(
      fc.property(file, (text) => {
        const own = parse(text)
        // Node takes no colon, no backslash before a quote, and words without a value for a part of the next name.
        if (JSON.stringify(parseEnv(text.replace(/^\ufeff/, ""))) !== JSON.stringify(own)) return
        compared++
        expect(parseEnv(write(text, 3001))).toMatchObject({ PORT: "3001", CAD_DEV_PORT: "3001" })
      }),
      { numRuns: 2000 }
    )
    expect(compared).toBeGreaterThan(50)
  })

  it("comes back from a block that was moved to another place between its lines", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("A=1", "# c", "PORT=2", "", "B='x'")), fc.nat(12), (lines, at) => {
        const text = lines.map((each) => `${each}\n`).join("")
        const { block } = splitOf(write(text, 3001))
        const moved = [...lines.slice(0, at), block?.text ?? "", ...lines.slice(at)].map((each) => `${each}\n`).join("")
        const again = write(moved, 3001)
        expect(write(again, 3001)).toBe(again)
        expect(parse(again)["PORT"]).toBe("3001")
        expect(withoutBlock(splitOf(again))).toBe(text)
      })
    )
  })
})

it.each([
  ["# >>> d env >>>\nPORT=1\n", 1, "a block begins that does not end"],
  ["A=1\n# <<< d env <<<\n", 2, "a block ends that does not begin"],
  ["# >>> d env >>>\n# >>> d env >>>\n# <<< d env <<<\n", 2, "a block begins inside the one of line 1"],
  [
    "# >>> d env >>>\n# <<< d env <<<\r\n\n# >>> d env --mode=prod >>>\n# <<< d env <<<",
    4,
    "a second block begins; the first is in line 1"
  ],
  ["\ufeff# >>> d env >>>\n", 1, "a block begins that does not end"]
])("refuses damaged marks: %j", (text, line, problem) => {
  expect(split(text)).toEqual({ line, problem })
})

it("writes the line break that the file has", () => {
  const text = write("A=1\r\nB=2\r\n", 3001)
  expect(breakOf(text)).toBe("\r\n")
  expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/)
})

it("stays behind the byte order mark of a file that is not UTF-8, and behind the line of an interpreter", () => {
  expect(write("\u00ef\u00bb\u00bfA=\u00e9", 1)).toMatch(/^\u00ef\u00bb\u00bf# >>> d env/)
  expect(write("#!/bin/sh\nA=1", 1)).toMatch(/^#!\/bin\/sh\n# >>> d env/)
  expect(withoutBlock(splitOf(write("#!/bin/sh", 1)))).toBe("#!/bin/sh")
})

it("remembers the options, and whether the file was made", () => {
  const text = withBlock(splitOf(""), content(1, ["--mode=prod", "--env=A=url:{app}-dev"]), true)
  expect(splitOf(text).block).toMatchObject({ options: ["--mode=prod", "--env=A=url:{app}-dev"], made: true })
  expect(splitOf(write(text, 2)).block).toMatchObject({ options: [], made: true })
  expect(withoutBlock(splitOf(`${text}A=1\n`))).toBe("A=1\n")
})

it("knows the variables of the user, those out of force too", () => {
  expect([...ownNames(splitOf(write("PORT=1\nA=2\n", 3001)))]).toEqual(["PORT", "A"])
})
