import { stripVTControlCharacters } from "node:util"
import { beforeAll, describe, expect, it } from "vitest"
import { listen, type Machine } from "../support/cli.ts"
import { inProcess } from "../support/inProcess.ts"
import { onTerminal, tooWide } from "../support/terminal.ts"

/** Whatever the width, in colour or not, on a real terminal. */
const WIDTHS = [40, 80, 200]

let box: Machine

beforeAll(async () => {
  box = inProcess({
    AUTOMATELINUX_APP_RANGE: "28700-28749",
    AUTOMATELINUX_SPECIAL_RANGE: "28750-28799",
    AUTOMATELINUX_HOST: "laptop"
  })
  await box.ok("allocate", "--app", "transport-planner", "--description", "駅の時刻表、🚆 e\u0301tc. ".repeat(6))
  await box.with({ AUTOMATELINUX_HOST: "build" }).ok("allocate", "--special", "stream")
})

describe("listPorts", () => {
  it.each(WIDTHS)("fits into %i columns, and names every key and port", async (columns) => {
    await listen(28_701, "127.0.0.1")
    for (const env of [{}, { NO_COLOR: "1" }]) {
      const { code, lines } = await onTerminal(box.with(env), columns, "d listPorts")
      expect(code).toBe(0)
      expect(tooWide(lines, columns)).toEqual([])
      const text = lines.join("\n")
      expect(text === stripVTControlCharacters(text)).toBe("NO_COLOR" in env)
      const plain = stripVTControlCharacters(text)
      expect(plain).toMatch(/^transport-planner-prod +28700\b.* unknown/m)
      expect(plain).toMatch(/^transport-planner-dev +28701\b.* up/m)
      expect(plain).toMatch(/^stream +28750\b.* unknown/m)
      if (columns > 40) expect(plain).toMatch(new RegExp(`^transport-planner-dev .* ${process.pid}\\b`, "m"))
      if (columns === 200) expect(plain).toMatch(/^stream .* build$/m)
    }
  })

  it("is whole and plain in a pipe, whatever the terminal", async () => {
    const { lines } = await onTerminal(box, 40, "d listPorts | cat")
    expect(`${lines.join("\n")}\n`).toBe(await box.ok("listPorts"))
  })
})
