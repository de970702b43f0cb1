import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { machine, PROGRAM } from "../support/cli.ts"
import { rangesFrom, until } from "../support/doctor.ts"
import { listenersOn } from "../support/listening.ts"
import { temporary } from "../support/root.ts"
import { type Running, run } from "../support/running.ts"

/** Several runs of one app at the same moment: one of them starts. */

const RANGES = rangesFrom(21_400)
const PORT = 21_401

/** A server that takes a while, as most do, and that would take another port if its own is in use. */
const SLOW = `
console.log("started")
setTimeout(() => {
  const server = require("node:net").createServer().listen(process.env.PORT, () => console.log("up"))
  server.on("error", () => require("node:net").createServer().listen(0, () => console.log("elsewhere")))
}, 2000)`

const project = (): string => {
  const root = temporary()
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "cad" }))
  writeFileSync(join(root, "slow.js"), SLOW)
  return root
}

const outputs = (runs: ReadonlyArray<Running>) =>
  runs
    .map((each) => each.stdout())
    .join("")
    .split("\n")
    .filter((line) => line !== "")
    .sort()

it.each([[[]], [["--wait"]]])("starts one of five that are started at once: %j", async (options) => {
  const box = machine(RANGES)
  const root = project()
  await box.ok("allocate", "--app", "cad")
  const runs = Array.from({ length: 5 }, () => run(box, root, [...options, "node", "slow.js"]))
  const isWaited = options.length > 0
  const first = await Promise.race(
    runs.map(async (each) => {
      await until(
        async () => each.stdout(),
        (text) => text.includes(isWaited ? "http" : "up")
      )
      return each
    })
  )
  const refused = runs.filter((each) => each !== first)
  const up = performance.now()
  expect(await Promise.all(refused.map(({ ended }) => ended))).toEqual([125, 125, 125, 125])
  // The lock goes when the first one listens, and not when it ends or after 30 seconds.
  expect(performance.now() - up).toBeLessThan(20_000)
  for (const each of refused) {
    expect(each.stderr()).toContain("is starting this app already; waiting until it listens")
    expect(each.stderr()).toContain("this app runs already; to end it first: d run --takeover")
  }
  expect(outputs(runs)).toEqual(isWaited ? [`http://localhost:${PORT}`] : ["started", "up"])
  expect(listenersOn(PORT)).toHaveLength(1)
  if (isWaited) process.kill(Number(/to end it: kill (\d+)/.exec(first.stderr())?.[1]), "SIGTERM")
})

it("takes the port over from one that is just starting", async () => {
  const box = machine(RANGES)
  const root = project()
  const first = run(box, root, ["node", "slow.js"])
  await until(
    async () => first.stdout(),
    (text) => text.includes("started")
  )
  const second = run(box, root, ["--takeover", "node", "slow.js"])
  expect(await first.ended).toBe("SIGTERM")
  await until(
    async () => second.stdout(),
    (text) => text.includes("up")
  )
})

it("starts at once inside a run that waits for it, and after one that ended without listening or was killed", async () => {
  const box = machine(RANGES)
  const root = project()
  const nested = run(box, root, ["sh", "-c", `${process.execPath} ${PROGRAM} run node -e 0`])
  expect(await nested.ended).toBe(0)
  expect(nested.stderr()).toBe("")

  const silent = run(box, root, ["node", "-e", "console.log('started'); setTimeout(() => {}, 2500)"])
  await until(
    async () => silent.stdout(),
    (text) => text.includes("started")
  )
  const next = run(box, root, ["node", "-e", "0"])
  expect(await next.ended).toBe(0)
  expect(next.stderr()).toMatch(/^note: d run, pid \d+, is starting this app already; waiting until it listens\n$/)

  const killed = run(box, root, ["node", "-e", "console.log('started'); setTimeout(() => {}, 60_000)"])
  await until(
    async () => killed.stdout(),
    (text) => text.includes("started")
  )
  killed.child.kill("SIGKILL")
  expect(await run(box, root, ["node", "-e", "0"]).ended).toBe(0)
})
