import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { TOOLS } from "../../src/run/tools.ts"
import { machine } from "../support/cli.ts"
import { temporary } from "../support/root.ts"
import { run } from "../support/running.ts"

/** The table of docs/run.md, each line of which is typed. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "20180-20189", AUTOMATELINUX_SPECIAL_RANGE: "20190-20199" }
const PORT = "20181"

const [, table = ""] = /^(\| tool \|.*?)\n\n/ms.exec(readFileSync("docs/run.md", "utf8")) ?? []

/** Each line to type, and what is added to it. */
const LINES = table
  .split("\n")
  .slice(2)
  .flatMap((row) => {
    const [, , , added = "", lines = ""] = row.split("|").map((cell) => cell.trim())
    return [...lines.matchAll(/`d run ([^`]+)`/g)].map(([, line = ""]) => ({
      line,
      added: added === "nothing" ? "" : added.replaceAll("`", "").replace(/\bN\b/, PORT)
    }))
  })

it("has each tool that is given its port, and no other", () => {
  const given = LINES.filter(({ added }) => added !== "")
  const typed = given.flatMap(({ line }) => line.split(" "))
  for (const { name } of TOOLS) expect(typed).toContain(name)
  expect(given.length).toBeGreaterThanOrEqual(TOOLS.length)
})

/** A project in which each of `programs` writes down what it is given. */
const standIns = (programs: ReadonlySet<string>): string => {
  const root = temporary()
  writeFileSync(join(root, "package.json"), '{"name":"cad","scripts":{"dev":"vite"}}')
  const directory = join(root, "node_modules/.bin")
  mkdirSync(directory, { recursive: true })
  for (const name of programs)
    writeFileSync(join(directory, name), `#!/bin/sh\nprintf '%s\\n' "$PORT" ${name} "$@" >given\n`, { mode: 0o755 })
  return root
}

it.each(LINES)("$line gets $added", async ({ added, line }) => {
  const words = line.split(" ")
  const [program = ""] = words
  const isScript = program === "npm"
  const root = standIns(new Set(isScript ? ["vite"] : [program]))
  const running = run(machine({ ...RANGES, npm_config_update_notifier: "false" }), root, words)
  expect(await running.ended, running.stderr()).toBe(0)
  const given = isScript ? ["vite"] : words.map((word) => word.replace("{port}", PORT))
  expect(readFileSync(join(root, "given"), "utf8").trimEnd().split("\n")).toEqual([
    PORT,
    ...given,
    ...(added === "" ? [] : added.split(" "))
  ])
  // npm may add news of its own.
  const [said] = running.stderr().split("\n")
  expect(said).toBe(added === "" ? "" : `note: added ${added}`)
})
