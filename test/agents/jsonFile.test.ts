import fc from "fast-check"
import { findNodeAtLocation, parse, parseTree } from "jsonc-parser"
import { describe, expect, it } from "vitest"
import { jsonFile } from "../../src/agents/jsonFile.ts"
import { isProblem } from "../../src/files/problem.ts"

const OWN = { command: "/usr/bin/node", args: ["/opt/d.cjs", "mcp"] }
const OTHER = { command: "d", args: ["mcp"] }
const format = jsonFile("mcpServers", "ports", "stdio")
const ENTRY = '"ports": { "type": "stdio", "command": "/usr/bin/node", "args": ["/opt/d.cjs", "mcp"] }'

const written = (text: ReturnType<typeof format.add>): string => {
  if (typeof text !== "string") throw new Error(isProblem(text) ? text.problem : "there is no text")
  return text
}

const fail = (): never => {
  throw new Error("not found")
}

const added = (text: string | undefined): string => written(format.add(text, OWN))

const meaning = (text: string): Record<string, Record<string, unknown>> =>
  parse(text.replace("\ufeff", ""), [], { allowTrailingComma: true })

describe("an entry in a JSON file", () => {
  it.each([
    // Whoever makes the file, the object, or puts the entry into it, is told by the space.
    [undefined, `{ "mcpServers": { ${ENTRY} } }\n`],
    ["", `{ "mcpServers": { ${ENTRY} } }`],
    ["\n", `\n{ "mcpServers": { ${ENTRY} } }`],
    ["{}", `{"mcpServers": { ${ENTRY} }}`],
    ["{ }\n", `{"mcpServers": { ${ENTRY} } }\n`],
    ["{\n}\n", `{\n  "mcpServers": { ${ENTRY} }\n}\n`],
    ['{\n  "a": 1\n}\n', `{\n  "mcpServers": { ${ENTRY} },\n  "a": 1\n}\n`],
    ['{"a":1}', `{"mcpServers": { ${ENTRY} },"a":1}`],
    ['{ "a": 1 }', `{ "mcpServers": { ${ENTRY} }, "a": 1 }`],
    ['{\n\t"mcpServers": {}\n}', `{\n\t"mcpServers": {${ENTRY}}\n}`],
    ['{\r\n\t"mcpServers": {\r\n\t}\r\n}', `{\r\n\t"mcpServers": {\r\n\t\t${ENTRY}\r\n\t}\r\n}`],
    [
      '{\n  "mcpServers": { // mine\n    // the first\n    "x": {}, // x\n  },\n}',
      `{\n  "mcpServers": { // mine\n    ${ENTRY},\n    // the first\n    "x": {}, // x\n  },\n}`
    ],
    [
      '{"mcpServers": {/* one */"x"/* two */: {}/* three */\n}}',
      `{"mcpServers": {/* one */${ENTRY},"x"/* two */: {}/* three */\n}}`
    ],
    ['\ufeff{\n  "a": 1\n}', `\ufeff{\n  "mcpServers": { ${ENTRY} },\n  "a": 1\n}`]
  ])("is added to %j, and removed again", (before, after) => {
    expect(added(before)).toBe(after)
    expect(format.remove(after)).toBe(before)
  })

  it.each([
    ['{\n  "a": 1,,\n}', "is not JSON, at line 2, column 10: property name expected"],
    ['{\n  "mcpServers": {', "is not JSON, at line 2, column 18: close brace expected"],
    ["[]", "is not a JSON object"],
    ['{\n  "mcpServers": []\n}', 'has a "mcpServers" in line 2 that is not an object'],
    ['{\n  "mcpServers": {},\n  "mcpServers": {}\n}', 'has a second "mcpServers" in line 3'],
    ['{ "mcpServers": { "ports": 1,\n"ports": 2 } }', 'has a second "ports" in line 2']
  ])("is not added to %j", (text, problem) => {
    for (const result of [format.read(text), format.add(text, OWN), format.remove(text)])
      expect(result).toMatchObject({ problem })
  })

  it.each([
    // Another program has written the file anew, or somebody has moved the entry.
    [`{"a":1,"mcpServers":{"x":{},${ENTRY}}}`, '{"a":1,"mcpServers":{"x":{}}}'],
    [`{\n  "mcpServers": {\n    "x": {}, // x\n    ${ENTRY}\n  }\n}`, '{\n  "mcpServers": {\n    "x": {} // x\n  }\n}'],
    [`{"mcpServers":{${ENTRY} /* , */ , "x":{}}}`, '{"mcpServers":{ /* , */  "x":{}}}'],
    [`{\n  "mcpServers": {\n    ${ENTRY}\n  }\n}`, '{\n  "mcpServers": {\n  }\n}'],
    [`{ "mcpServers": { ${ENTRY} }, "b": 2 }`, '{ "b": 2 }']
  ])("is removed from %j", (before, after) => {
    expect(format.remove(before)).toBe(after)
  })

  it("keeps what somebody has added to it when it starts another program", () => {
    const before = '{"mcpServers":{"ports":{"command":"d", /* fast */ "args":[ "mcp" ],"env":{"A":"1"}}}}'
    expect(format.change(before, OWN)).toBe(
      '{"mcpServers":{"ports":{"command":"/usr/bin/node", /* fast */ "args":["/opt/d.cjs", "mcp"],"env":{"A":"1"}}}}'
    )
  })
})

const trivia = fc.constantFrom(
  "",
  "",
  " ",
  "\n",
  "\n  ",
  "\n    ",
  "\t",
  ' // c, "d": {\n',
  "/* { , */",
  "/* a\n b */",
  "  \n\n  "
)

/** The text of a list of items between brackets, as people write it. */
const listed = (open: string, close: string, items: fc.Arbitrary<ReadonlyArray<string>>) =>
  fc.tuple(items, fc.infiniteStream(trivia), fc.boolean()).map(([texts, space, trailing]) => {
    const next = () => space.next().value ?? ""
    const comma = trailing && texts.length > 0 ? `,${next()}` : ""
    return open + texts.map((text) => `${next()}${text}${next()}`).join(",") + (comma || next()) + close
  })

const scalar = fc.constantFrom("1", "-2.5e3", "true", "null", '"a, b"', '"{ \\" } // no"', '"ü"', "[]", "{}")

const object = (names: ReadonlyArray<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  listed(
    "{",
    "}",
    fc
      .tuple(fc.subarray([...names]), fc.array(fc.tuple(trivia, trivia, value), { minLength: 6, maxLength: 6 }))
      .map(([chosen, values]) =>
        chosen.map((name, at) => {
          const [before = "", after = "", text = ""] = values[at] ?? []
          return `${JSON.stringify(name)}${before}:${after}${text}`
        })
      )
  )

const inner = fc.oneof(
  scalar,
  object(["a", "mcpServers"], scalar),
  listed("[", "]", fc.array(scalar, { maxLength: 3 }))
)
const servers = object(["one", "two", "port"], object(["command", "args"], scalar))
const livedIn = fc
  .tuple(
    object(["a", "b", "c"], inner),
    fc.option(servers, { nil: undefined }),
    fc.boolean(),
    fc.constantFrom("", "\n", "// end\n"),
    fc.constantFrom("\n", "\r\n")
  )
  .map(([rest, container, first, end, lineBreak]) => {
    if (container === undefined) return (rest + end).replaceAll("\n", lineBreak)
    const member = `"mcpServers": ${container}`
    const isEmpty = Object.keys(meaning(rest)).length === 0
    const text = first || isEmpty ? `{${member}${isEmpty ? "" : ","}${rest.slice(1)}` : `{\n  "z": 0,\n  ${member}\n}`
    return (text + end).replaceAll("\n", lineBreak)
  })

describe("any file that people and programs have written", () => {
  it("is as before, to the byte, when the entry was added, changed and removed", () => {
    fc.assert(
      fc.property(livedIn, (text) => {
        const before = meaning(text)
        const one = written(format.add(text, OTHER))
        expect(meaning(one)).toEqual({
          ...before,
          mcpServers: { ...before["mcpServers"], ports: { type: "stdio", ...OTHER } }
        })
        const two = written(format.change(one, OWN))
        expect(two).toBe(added(text))
        expect(format.read(two)).toEqual({ entry: { type: "stdio", ...OWN } })
        expect(format.remove(two)).toBe(text)
      }),
      { numRuns: 2000 }
    )
  })

  it("loses the entry alone, wherever it was moved to", () => {
    const withOurs = object(["one", "ports", "two"], fc.constant('{ "command": "d", "args": ["mcp"] }')).filter(
      (text) => meaning(text)["ports"] !== undefined
    )
    const bare = (text: string) => text.replaceAll(/[\s,]/g, "")
    fc.assert(
      fc.property(withOurs, (container) => {
        const text = `{\n  "mcpServers": ${container},\n  "z": 0\n}`
        const { ports: _, ...others } = meaning(text)["mcpServers"] ?? {}
        const after = written(format.remove(text))
        expect(meaning(after)["mcpServers"] ?? {}).toEqual(others)
        // Where the container was made for the entry, it went with it.
        if (meaning(after)["mcpServers"] === undefined) return
        const node = findNodeAtLocation(parseTree(text) ?? fail(), ["mcpServers", "ports"])?.parent ?? fail()
        expect(bare(after)).toBe(bare(text.slice(0, node.offset) + text.slice(node.offset + node.length)))
      }),
      { numRuns: 2000 }
    )
  })
})
