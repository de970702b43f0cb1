import { mkdirSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { expect, it } from "vitest"
import { changeDirectory, shellWord } from "../../src/text/shell.ts"
import { machine, SHELLS } from "../support/cli.ts"
import { ACTING } from "../support/controlCharacters.ts"
import { temporary } from "../support/root.ts"

const ODD = [
  "",
  " ",
  "=ls",
  "~",
  "-n",
  "--",
  "#x",
  "!!",
  "a!cat",
  "\\",
  "'",
  "''",
  "a'b''c'",
  '"',
  "$(touch obeyed)",
  "`touch obeyed`",
  "$HOME",
  "*",
  "?",
  "[a-z]*",
  "{a,b}",
  "a;b&c|d<e>f",
  "%1",
  "%s%n",
  "^x^y",
  "\u001b[31m",
  "\u001b]0;title\u0007",
  "\t",
  "\u0003",
  "\u0004x",
  "a\nb",
  "\n\nb",
  "a\r",
  "\u202egpj",
  "a\u200bb",
  "\u2028",
  "\u007f",
  "\u009b2J",
  "\u{e0041}",
  "caf\u00e9",
  "🙂",
  "👩‍💻!'$x",
  "-\u001b!'%\\\""
]

const text = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...ODD),
      fc.constantFrom(..."ab1 !'\"$`\\#=~%-\n"),
      fc.string({ unit: "binary", maxLength: 1 })
    )
  })
  .map((each) => each.replaceAll("\0", "").toWellFormed().replace(/\n+$/, ""))

const words = [...ODD, ...fc.sample(text, { numRuns: 300, seed: 4711 })]

it.each(Object.keys(SHELLS) as ReadonlyArray<keyof typeof SHELLS>)(
  "is one word that is typed into %s",
  async (shell) => {
    const box = machine({ LC_ALL: "C.UTF-8" })
    const lines = words.map((each) => `printf '%s\\0' ${shellWord(each)}`)
    const { stderr, stdout } = await box.typed(shell, lines.join("\n"))
    expect(stdout.split("\0").slice(0, -1), stderr).toEqual(words)
  }
)

it("is one line in which a terminal finds nothing to act upon", () => {
  for (const each of words) {
    expect(shellWord(each)).not.toMatch(ACTING)
    expect(shellWord(each)).not.toContain("\n")
  }
})

it.each(Object.keys(SHELLS) as ReadonlyArray<keyof typeof SHELLS>)(
  "goes to any directory that %s knows",
  async (shell) => {
    const box = machine({ LC_ALL: "C.UTF-8" })
    const directories = [...ODD, "end\n", "end\n\n", "end"].flatMap((name) => {
      const directory = join(temporary(), `x${name}`)
      mkdirSync(directory, { recursive: true })
      return directory
    })
    const lines = directories.map((each) => `${changeDirectory(each)} && printf '%s\\0' "$(/bin/pwd && printf .)"`)
    const { stderr, stdout } = await box.typed(shell, lines.join("\n"))
    expect(stdout.split("\0").slice(0, -1), stderr).toEqual(directories.map((each) => `${each}\n.`))
  }
)
