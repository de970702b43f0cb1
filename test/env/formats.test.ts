import { execFileSync } from "node:child_process"
import { parseEnv } from "node:util"
import { parse } from "dotenv"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { composeSlug } from "../../src/env/composeName.ts"
import { FORMATS, format } from "../../src/env/formats.ts"
import { shellName } from "../../src/env/variables.ts"

const value = fc.string({
  unit: fc.constantFrom("/", "a", " ", "'", '"', "$", "\\", "`", "#", "é", "=", "\u202e", "!")
})

it("is read as it is written by dotenv and by Node, or left out", () => {
  fc.assert(
    fc.property(value, (written) => {
      const { left, lines } = format({ D_DIR: written, PORT: "1" }, "dotenv")
      const expected = left.includes("D_DIR") ? { PORT: "1" } : { D_DIR: written, PORT: "1" }
      expect(parse(lines.join("\n"))).toEqual(expected)
      expect(parseEnv(lines.join("\n"))).toEqual(expected)
    }),
    { numRuns: 1000 }
  )
})

it("leaves out only what no quotes can hold", () => {
  expect(format({ A: 'it\'s "1"', B: "it's", C: 'a $b `c` "d"' }, "dotenv")).toEqual({
    lines: ['B="it\'s"', "C='a $b `c` \"d\"'"],
    left: ["A"]
  })
})

it.each(["bash", "dash", "zsh"])("is the same for %s", (shell) => {
  fc.assert(
    fc.property(value, (written) => {
      const { lines } = format({ D_DIR: written, PORT: "1" }, "shell")
      const out = execFileSync(shell, ["-c", `eval "$1"; printenv D_DIR PORT`, "x", lines.join("\n")], {
        encoding: "utf8",
        env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8" }
      })
      expect(out).toBe(`${written}\n1\n`)
    }),
    { numRuns: 30 }
  )
})

it("writes values of several lines for GitHub Actions", () => {
  expect(format({ A: "1", B: "x\nEND\ny", C: "a=<<b" }, "github").lines).toEqual([
    "A=1",
    "B<<END_",
    "x",
    "END",
    "y",
    "END_",
    "C=a=<<b"
  ])
})

it("writes one JSON document", () => {
  expect(FORMATS).toContain("json")
  fc.assert(
    fc.property(value, (written) => {
      const [line = "", ...more] = format({ A: written }, "json").lines
      expect(more).toEqual([])
      expect(JSON.parse(line)).toEqual({ A: written })
    })
  )
})

it.each([
  ["cad", "CAD"],
  ["cad.fix-ui", "CAD_FIX_UI"],
  ["7zip", "_7ZIP"]
])("calls the ports of %s %s", (app, name) => {
  expect(shellName(app)).toBe(name)
})

// Each as docker compose normalizes it.
it.each([
  ["cad", "cad"],
  ["My App", "myapp"],
  ["cad.fix-ui_2", "cadfix-ui_2"],
  ["__-x", "x"],
  ["日本", ""]
])("calls the compose project of the folder %j %j", (folder, name) => {
  expect(composeSlug(folder)).toBe(name)
})
