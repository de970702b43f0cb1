import { execFileSync, spawnSync } from "node:child_process"
import { resolve } from "node:path"
import { expect, it } from "vitest"
import { PROGRAM } from "../support/cli.ts"

/** The man page says what `d help` says. */

const PAGE = resolve("dist/man/d.1")
const plain = (text: string) => text.replaceAll(/\s+/g, " ")

it("is a page that mandoc finds nothing wrong with, but that it has no date", () => {
  const { stdout } = spawnSync("mandoc", ["-T", "lint", "-W", "warning", PAGE], { encoding: "utf8" })
  expect(stdout.trim().split("\n")).toEqual([expect.stringContaining('missing date, using "": TH')])
})

it("has every command, with all that its help has", () => {
  const rendered = execFileSync("mandoc", ["-T", "utf8", "-O", "width=400", PAGE], { encoding: "utf8" })
  // Bold and underlined letters are struck over.
  const page = plain(rendered.split("\b").reduce((text, rest) => text.slice(0, -1) + rest))
  const { commands } = JSON.parse(execFileSync(process.execPath, [PROGRAM, "help", "--json"], { encoding: "utf8" }))
  expect(commands.length).toBeGreaterThan(20)
  for (const { details, examples, name, options, summary, usage } of commands)
    for (const text of [
      `${name} ${summary}.`,
      ...usage,
      ...details,
      ...examples,
      ...options.flatMap((each: { name: string; help: string }) => [each.name, each.help])
    ])
      expect(page, `${name}: ${text}`).toContain(plain(text))
  for (const text of ["70 a bug in d", "AUTOMATELINUX_DATABASE_URL", "ports.json"]) expect(page).toContain(text)
})
