import { mkdirSync, readdirSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { beforeAll, describe, expect, it } from "vitest"
import type { Explanation } from "../../src/domain/Explanation.ts"
import type { Examination } from "../../src/domain/Finding.ts"
import { copyOfProgram, listen, type Machine, PROGRAM } from "../support/cli.ts"
import { serve } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"
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
  await box.ok("setPort", "--key", "another-transport-planner-dev", "--value", "28701", "--force")
})

/** Everything that is said on several lines is a sentence; a line that is wider than the terminal is a command alone. */
const expectWrapped = (lines: ReadonlyArray<string>, columns: number): void => {
  for (const line of tooWide(lines, columns)) expect(line).toMatch(/^ *(cd|d|echo|export|kill|ss|sudo) /)
}

/** Text without its white space, which differs with the width, and its characters composed. */
const bare = (text: string): string => stripVTControlCharacters(text).replaceAll(/\s/g, "").normalize()

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
      expect(plain).toMatch(/^transport-planner-prod\s+28700\b.* unknown/m)
      expect(plain).toMatch(/^transport-planner-dev\s+28701\b.* up/m)
      expect(plain).toMatch(/^stream\s+28750\b.* unknown/m)
      if (columns > 40) expect(plain).toMatch(new RegExp(`^transport-planner-dev .* ${process.pid}\\b`, "m"))
      if (columns === 200) expect(plain).toMatch(/^stream .* build$/m)
    }
  })

  it("is whole and plain in a pipe, whatever the terminal", async () => {
    const { lines } = await onTerminal(box, 40, "d listPorts | cat")
    expect(`${lines.join("\n")}\n`).toBe(await box.ok("listPorts"))
  })
})

describe("doctor", () => {
  it.each(WIDTHS)("wraps its findings at %i columns, and breaks no command", async (columns) => {
    const directory = join(temporary(), "駅の時刻表 of a project, with spaces and e\u0301")
    mkdirSync(directory)
    await serve(28_710, { directory })
    for (const env of [{}, { NO_COLOR: "1" }]) {
      const { code, lines } = await onTerminal(box.with(env), columns, "d doctor --all")
      expect(code).toBe(1)
      expectWrapped(lines, columns)
      const { findings } = JSON.parse((await box.d("doctor", "--json")).stdout) as Examination
      const plain = stripVTControlCharacters(lines.join("\n"))
      expect(findings.length).toBeGreaterThan(3)
      for (const { fix, message } of findings) {
        if (fix !== null) expect(plain).toContain(` ${fix}\n`)
        expect(bare(plain)).toContain(bare(message))
      }
    }
  })

  it("is on one line each in a pipe", async () => {
    const { lines } = await onTerminal(box, 40, "d doctor --all | cat")
    expect(lines.filter((line) => line.includes("evidence: ")).every((line) => line.startsWith("    "))).toBe(true)
    expect(lines.at(-1)).toMatch(/^\d+ errors?, .*; \d+ checks, .*, in the registry's file \//)
  })
})

describe("explain", () => {
  it.each(WIDTHS)("wraps beside its labels at %i columns, and tells local times", async (columns) => {
    const { code, lines } = await onTerminal(box.with({ TZ: "Asia/Tokyo" }), columns, "d explain transport-planner-dev")
    expect(code).toBe(0)
    expectWrapped(lines, columns)
    const text = stripVTControlCharacters(lines.join("\n"))
    expect(text).not.toMatch(/\dT\d\d:|\.\d{3}Z/)
    const [, shown = "", ago] = /^claimed {5}(?:[\d-]{10} )?(\d\d:\d\d) \((\d+ (?:s|min)) ago\) by/m.exec(text) ?? []
    expect(ago).toBeDefined()
    const { keys } = JSON.parse(await box.ok("explain", "--port", "28701", "--json")) as Explanation
    const claimed = keys.find(({ key }) => key === "transport-planner-dev")?.claimed?.at ?? ""
    expect(shown).toBe(new Date(Date.parse(claimed) + 9 * 3600e3).toISOString().slice(11, 16))
    expect(await box.ok("explain", "--port", "28701")).toContain(`claimed     ${claimed} by `)
  })
})

describe("errors, hints and notes", () => {
  it.each(WIDTHS)("are wrapped at %i columns", async (columns) => {
    const { lines } = await onTerminal(box, columns, "d setPort --key planner-of-transports --value 28700; echo $?")
    expect(lines.at(-1)).toBe("1")
    expectWrapped(lines, columns)
    expect(lines.length > 3).toBe(columns < 200)
    expect(lines.join("\n")).toMatch(/\bd deletePort --key transport-planner-prod,/)
    const { stderr } = await box.d("setPort", "--key", "planner-of-transports", "--value", "28700")
    expect(bare(lines.join("\n"))).toBe(bare(`${stderr}1`))
  })

  it("are wrapped for standard error alone, and not in a pipe or a document", async () => {
    const command = "d getPort --key nothing"
    const whole = (await box.d("getPort", "--key", "nothing")).stderr
    expect((await onTerminal(box, 30, `${command} >/dev/null`)).lines.length).toBeGreaterThan(2)
    expect((await onTerminal(box, 30, `${command} 2>&1 | cat`)).lines.join("\n")).toBe(whole.trimEnd())
    expect((await onTerminal(box, 30, `${command} --json`)).lines).toHaveLength(1)
  })

  it("are shown while the files of d are being replaced", async () => {
    const program = copyOfProgram()
    for (const name of readdirSync(dirname(program)))
      if (name.startsWith("parts-")) rmSync(join(dirname(program), name), { recursive: true })
    const { code, lines } = await onTerminal(box, 30, `${process.execPath} ${program} ls`)
    expect(code).toBe(3)
    expect(lines[0]).toMatch(/^error: d cannot load its own files: /)
  })
})

describe("status and the log", () => {
  it("tell local times, and nothing of the inside", async () => {
    // Not by the function d, whose pid would be that of a shell.
    const line = `${process.execPath} ${PROGRAM} daemon >&2 & until d ping >/dev/null 2>&1; do :; done; d status; kill $!; wait`
    const { lines } = await onTerminal(box.with({ NO_COLOR: "1" }), 60, line)
    const text = lines.join("\n")
    expect(text).toMatch(/^daemon {5}\d+\.\d+\.\d+, pid \d+, up \d+ s$/m)
    expect(text).toMatch(/^last probe (none yet|\d\d:\d\d \(\d s ago\), \d+ ms for 4 ports)$/m)
    expect(text).toMatch(/^\d\d:\d\d:\d\d serving\n( {2}\w+: .*\n(?! )| {2}.*\n)+/m)
    expect(text).toMatch(/^\d\d:\d\d:\d\d stopped$/m)
    expect(text).not.toMatch(/#\d|fiber|timestamp/)
    expect(tooWide(lines, 60)).toEqual([])
  })
})
