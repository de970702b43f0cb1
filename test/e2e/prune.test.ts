import { beforeEach, expect, it } from "vitest"
import { type Machine, machine, startDaemon } from "../support/cli.ts"
import { until } from "../support/doctor.ts"
import { onTerminal, openTerminal, tooWide } from "../support/terminal.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "30340-30349", AUTOMATELINUX_SPECIAL_RANGE: "30350-30359" }

let box: Machine

/** A machine with stale keys, as its daemon has seen them. */
beforeEach(async () => {
  box = machine({
    ...RANGES,
    AUTOMATELINUX_PROBE_INTERVAL: "200 millis",
    AUTOMATELINUX_STALE_AFTER: "1 second",
    AUTOMATELINUX_STALE_AFTER_DEV: "1 second"
  })
  await box.ok("allocate", "--app", "shop", "--special", "bridge", "--special", "stream")
  await startDaemon(box)
  await until(
    async () => JSON.parse(await box.ok("prune", "--json")).pruned,
    (pruned) => pruned.length === 4
  )
})

const keysOf = async (): Promise<ReadonlyArray<string>> =>
  JSON.parse(await box.ok("listPorts", "--json")).map(({ key }: { key: string }) => key)

const ALL = ["shop-prod", "shop-dev", "bridge", "stream"]

it("asks on a terminal which to release, and releases these", { timeout: 60_000 }, async () => {
  const terminal = await openTerminal(box, box.home, "bash")
  await terminal.enter("d prune")
  await terminal.sees(/shop-prod +30340 +stale since .*\n[\s\S]*Release which of these\?/)
  await terminal.sees(/☒ shop 30340, 30341[\s\S]*☒ bridge 30350[\s\S]*☒ stream 30351/)
  // Up from the first line to the last choice.
  terminal.type("k ")
  await terminal.sees(/☐ stream 30351/)
  terminal.type("\r")
  await terminal.sees(/Release these 3 ports\? › \(y\/N\)/)
  terminal.type("y")
  await terminal.sees(/shop-prod 30340\nshop-dev 30341\nbridge 30350\n/)
  expect(await terminal.codeOf("")).toBe(0)
  expect(await keysOf()).toEqual(["stream"])
  await box.ok("undo")
  expect(await keysOf()).toEqual(ALL)
})

it.each([
  ["Ctrl-C at the choice", "\x03", "", 130],
  ["Escape at the choice", "\x1b", "", 130],
  ["nothing chosen", " \r", "", 0],
  ["Enter at the confirmation", "\r", "\r", 0],
  ["Ctrl-C at the confirmation", "\r", "\x03", 130]
])("changes nothing after %s", { timeout: 60_000 }, async (_, first, second, code) => {
  const terminal = await openTerminal(box, box.home, "bash")
  await terminal.enter("d prune")
  await terminal.sees(/☒ stream 30351/)
  terminal.type(first)
  if (second !== "") {
    await terminal.sees(/Release these 4 ports\?/)
    terminal.type(second)
  }
  await terminal.sees(/note: nothing was changed\n/)
  await terminal.enter('echo "code=$?"')
  expect(Number((await terminal.sees(/code=(\d+)\n/))[1])).toBe(code)
  expect(await terminal.codeOf("stty -a | grep -q ' icanon'")).toBe(0)
  expect(await keysOf()).toEqual(ALL)
})

it.each([
  "d prune | cat",
  "d prune </dev/null",
  "d prune --json",
  "CI=true; export CI; d prune",
  "TERM=dumb; export TERM; d prune"
])("asks nothing in %s", async (line) => {
  const { code, lines } = await onTerminal(box, 120, `${line}; echo done`)
  expect(code).toBe(0)
  expect(lines.at(-1)).toBe("done")
  expect(lines.join("\n")).not.toContain("Release which")
  expect(lines.join("\n")).toContain("stream")
  expect(await keysOf()).toEqual(ALL)
})

it.each([30, 80])("fits into %i columns", async (columns) => {
  const { lines } = await onTerminal(box, columns, "CI=true; export CI; d prune")
  expect(tooWide(lines, columns)).toEqual([])
  expect(lines.join(" ").replaceAll(/\s+/g, " ")).toMatch(/to release them: d prune --yes/)
})
