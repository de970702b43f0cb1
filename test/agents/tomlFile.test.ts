import fc from "fast-check"
import { parse } from "smol-toml"
import { describe, expect, it } from "vitest"
import { tomlFile } from "../../src/agents/tomlFile.ts"
import { isProblem } from "../../src/files/problem.ts"

const OWN = { command: "/usr/bin/node", args: ["/opt/d.cjs", "mcp"] }
const OTHER = { command: 'C:\\d "new"', args: ["mcp"] }
const format = tomlFile("mcp_servers", "ports")
const BLOCK = `# BEGIN automatelinux-ports: written by d agents install
[mcp_servers.ports]
command = "/usr/bin/node"
args = ["/opt/d.cjs", "mcp"]
# END automatelinux-ports`

const written = (text: ReturnType<typeof format.add>): string => {
  if (typeof text !== "string") throw new Error(isProblem(text) ? text.problem : "there is no text")
  return text
}

const meaning = (text: string): unknown => JSON.parse(JSON.stringify(parse(text, { integersAsBigInt: false })))

describe("an entry in a TOML file", () => {
  it.each([
    [undefined, `${BLOCK}\n`],
    ["", BLOCK],
    ["\n", `\n\n${BLOCK}\n`],
    ['model = "a" # mine\n', `model = "a" # mine\n\n${BLOCK}\n`],
    ['model = "a"', `model = "a"\n\n${BLOCK}`],
    ["a = 1\r\n", `a = 1\r\n\r\n${BLOCK.replaceAll("\n", "\r\n")}\r\n`],
    ["[mcp_servers.x]\ncommand = 'x'\n\n\n", `[mcp_servers.x]\ncommand = 'x'\n\n\n\n${BLOCK}\n`]
  ])("is added to %j, and removed again", (before, after) => {
    expect(format.add(before, OWN)).toBe(after)
    expect(format.remove(after)).toBe(before)
  })

  it.each([
    ["a = 1\nb = \n", "is not TOML, at line 2, column 5"],
    ["[a\n", "is not TOML, at line 1"],
    ["a = 1\na = 2\n", "is not TOML, at line 2"]
  ])("is not added to %j", (text, problem) => {
    for (const result of [format.read(text), format.add(text, OWN), format.remove(text)])
      expect(isProblem(result) && result.problem).toContain(problem)
  })

  it.each([
    ["mcp_servers = { x = { command = 'x' } }\n", "writes [mcp_servers.ports] in a way that is not changed by itself"],
    ["mcp_servers = 1\n", "writes [mcp_servers.ports] in a way that is not changed by itself"],
    [
      "# BEGIN automatelinux-ports: written by d agents install\n",
      "has a damaged mark in line 1: a block begins that does not end"
    ],
    ["a = 1\n# END automatelinux-ports\n", "has a damaged mark in line 2: a block ends that does not begin"]
  ])("is not added to %j, which can be parsed", (text, problem) => {
    expect(format.add(text, OWN)).toMatchObject({ problem })
  })

  it("is found and removed without its marks, as another program has left it", () => {
    const before = "a = 1\n\n[mcp_servers.x]\ncommand = 'x'\n\n# about y\n[y]\nb = 2\n"
    const entry = '[mcp_servers.ports]\ncommand = "d"\nargs = ["mcp"]\n\n[mcp_servers.ports.env]\nA = "1"\n'
    const text = before.replace("# about y", `${entry}\n# about y`)
    expect(format.remove(text)).toBe(before)
    expect(format.remove(`${before}\n${entry}`)).toBe(before)
    expect(format.remove(`${before}\n# BEGIN automatelinux-ports: written by d agents install\n${entry}`)).toBe(before)
    expect(format.change(text, OWN)).toBe(
      text.replace('command = "d"', 'command = "/usr/bin/node"').replace('["mcp"]', '["/opt/d.cjs", "mcp"]')
    )
  })

  it("is changed nowhere if it cannot be found", () => {
    const text = 'mcp_servers.ports = { command = "d", args = ["mcp"] }\n'
    expect(format.read(text)).toEqual({ entry: { command: "d", args: ["mcp"] } })
    for (const result of [format.change(text, OWN), format.remove(text)])
      expect(result).toMatchObject({ problem: expect.stringContaining("not changed by itself") })
  })

  it("is not looked for in a string", () => {
    const text = 'a = """\n[mcp_servers.ports]\ncommand = "d"\n"""\n'
    const after = written(format.add(text, OWN))
    expect(written(format.change(after, OTHER)).startsWith(text)).toBe(true)
    expect(format.remove(after)).toBe(text)
  })
})

const PIECES = [
  "# a comment: [mcp_servers.ports]\n",
  "\n",
  "  \n",
  "k# = 1 # one\n",
  "k#.a = 'x'\n",
  "k# = { a = 1, b = [1, 2,\n  3] }\n",
  "k# = 1979-05-27T07:32:00Z\n",
  "k# = '''\n[mcp_servers.ports]\n# END automatelinux-ports and more\n'''\n",
  'k# = """\n\\u00e9 \\\n  x"""\n',
  "[t#]\n",
  '[ t# . "quoted.key" ]\na = inf\n',
  "[[l#]]\nn = 0x1F\n",
  "[mcp_servers.s#]\ncommand = \"x\"\nargs = [\n  'a', # first\n]\n",
  "[mcp_servers.s#.env]\nA = 'b'\n",
  '[projects."/home/me/p#"]\ntrust_level = "trusted"\n'
]

const livedIn = fc
  .tuple(fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }), fc.boolean(), fc.boolean())
  .map(([pieces, crlf, cut]) => {
    const text = pieces
      .map((piece, at) => piece.replaceAll("#]", `${at}]`).replaceAll(/(?<=[ktsl/p])#/g, String(at)))
      .join("")
    const whole = crlf ? text.replaceAll("\n", "\r\n") : text
    return cut ? whole.replace(/\r?\n$/, "") : whole
  })

describe("any file that people and programs have written", () => {
  it("is as before, to the byte, when the entry was added, changed and removed", () => {
    fc.assert(
      fc.property(livedIn, (text) => {
        const before = meaning(text)
        const one = written(format.add(text, OTHER))
        expect(one.startsWith(text)).toBe(true)
        expect(meaning(one)).toMatchObject({ ...(before as object), mcp_servers: { ports: OTHER } })
        const two = written(format.change(one, OWN))
        expect(two).toBe(format.add(text, OWN))
        expect(format.read(two)).toEqual({ entry: OWN })
        expect(format.remove(two)).toBe(text)
      }),
      { numRuns: 1000 }
    )
  })
})
