import { describe, expect, it } from "vitest"
import type { WorktreeEntry } from "../../src/domain/Worktrees.ts"
import { widthOf } from "../../src/text/width.ts"
import { worktreeTable } from "../../src/text/worktreeText.ts"

const entry = (branch: string | null, directory: string, more: Partial<WorktreeEntry> = {}): WorktreeEntry => ({
  directory,
  main: false,
  bare: false,
  branch,
  head: "0123456789",
  locked: false,
  missing: false,
  apps: [],
  ...more
})

const pair = (app: string, directory: string, dev: "up" | "down" | "unknown", prod: "up" | "down" | "unknown") => ({
  app,
  directory,
  prod: { key: `${app}-prod`, port: 3000, health: prod },
  dev: { key: `${app}-dev`, port: 3001, health: dev }
})

const terminal = (width: number) => ({ width, colour: false, host: () => "" })

describe("the table of worktrees", () => {
  it("says up if one of the two ports is, and what is known of dev otherwise", () => {
    const states = (["up", "down", "unknown"] as const).flatMap((dev) =>
      (["up", "down"] as const).map((prod) => entry("x", "/x", { apps: [pair("x", "/x", dev, prod)] }))
    )
    const [, ...lines] = worktreeTable(states, terminal(80)).split("\n")
    expect(lines.map((line) => line.split(/ {2,}/)[4])).toEqual(["up", "up", "up", "down", "up", "unknown"])
    const half = { ...pair("x", "/x", "down", "up"), dev: null }
    expect(worktreeTable([entry("x", "/x", { apps: [half] })], terminal(80))).toContain("3000    -  up")
  })

  it("fits a terminal, and is whole in a pipe", () => {
    const long = `/home/me/${"deep/".repeat(30)}end`
    const app = `cad.x-${"long-".repeat(20)}end`
    const rows = [
      entry(`x/${"long-".repeat(40)}`, long, { apps: [pair(app, long, "unknown", "unknown")] }),
      entry("漢字🙂", "/home/me/漢字/fix"),
      entry(null, "/x\u001b[31m\n")
    ]
    for (const width of [60, 80, 100, 132]) {
      const lines = worktreeTable(rows, terminal(width)).split("\n")
      for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(width)
      expect(lines[1]).toMatch(/^x\/long\S*… +…\S*-end .* …\S*\/end$/)
      expect(lines[2]).toContain("漢字🙂 ")
      expect(lines[3]).toContain("\\u000a")
    }
    const [head = "", first = ""] = worktreeTable(rows, { ...terminal(0), width: undefined }).split("\n")
    expect(first).toContain(`x/${"long-".repeat(40)}`)
    expect(first.endsWith(long)).toBe(true)
    expect(head.startsWith("BRANCH")).toBe(true)
  })
})
