import { spawn } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { collect, PROGRAM } from "../support/cli.ts"
import { temporary } from "../support/root.ts"

/** The processes whose command line names `path`, or that run in it. */
const processesOf = (path: string): ReadonlyArray<string> =>
  readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
        return line.includes(path) || readlinkSync(`/proc/${pid}/cwd`).startsWith(`${path}/`) ? [line] : []
      } catch {
        return []
      }
    })

const until = async (schemaStatus: () => boolean) => {
  for (let attempt = 0; !schemaStatus(); attempt++) {
    if (attempt === 600) throw new Error("it did not come to that")
    await sleep(100)
  }
}

it.each([
  ["SIGINT", "test/store/mysql/concurrent-writer.test.ts", "mariadbd"],
  ["SIGKILL", "test/store/mysql/concurrent-writer.test.ts", "mariadbd"],
  ["SIGKILL", "test/e2e/fast-path.test.ts", `${process.execPath} ${PROGRAM} daemon`]
] as const)(
  "a run of the tests that is ended by %s in %s leaves no process and no file",
  async (signal, file, program) => {
    const directory = temporary()
    const run = spawn("npx", ["vitest", "run", file], {
      env: { ...process.env, TMPDIR: directory, PORTS_TEST_BUILT: "yes" },
      stdio: "ignore",
      detached: true
    })
    const ended = new Promise((done) => run.once("close", done))
    await until(() => processesOf(directory).some((line) => line.startsWith(program)))
    // To the whole group, as a terminal does it.
    process.kill(-(run.pid ?? 0), signal)
    await ended
    // The test runner keeps a directory of its own there, which it leaves when it is ended.
    const left = () => readdirSync(directory).filter((name) => name.startsWith("ports-test"))
    await until(() => processesOf(directory).length === 0 && left().length === 0)
    expect(left()).toEqual([])
  }
)

it.each([
  ["once is finished", "", 'if (!existsSync("done"))', 0],
  ["always fails", "", "", 1],
  ["beside a test that fails is not repeated", 'throw new Error("wrong")', 'if (!existsSync("done"))', 1],
  ["beside an error outside of tests is not repeated", 'void Promise.reject("wrong")', 'if (!existsSync("done"))', 1]
])("a run of the tests in which a process is blocked %s, and says where", async (_, beside, when, code) => {
  const root = temporary()
  symlinkSync(resolve("node_modules"), join(root, "node_modules"))
  writeFileSync(
    join(root, "vitest.config.ts"),
    `import { filesToRun, stalled } from ${JSON.stringify(resolve("test/support/stalled.ts"))}
     const forks = { minForks: 2, maxForks: 2 }
     export default { test: { include: filesToRun(["*.test.ts"]), poolOptions: { forks }, reporters: ["default", stalled(2000)] } }`
  )
  writeFileSync(
    join(root, "a.test.ts"),
    `import { it } from "vitest"
     it("waits", () => new Promise((done) => setTimeout(done, 500)))
     it("may fail", () => { ${beside} })`
  )
  writeFileSync(
    join(root, "b.test.ts"),
    `import { execFileSync } from "node:child_process"
     import { existsSync, writeFileSync } from "node:fs"
     import { it } from "vitest"
     it("waits", () => new Promise((done) => setTimeout(done, 500)))
     it("is blocked", () => { ${when} { writeFileSync("done", ""); execFileSync("sleep", ["47.6"]) } })`
  )
  const words = [resolve("test/run.mjs"), "test.ts"]
  const run = await collect(spawn(process.execPath, words, { cwd: root, stdio: ["ignore", "pipe", "pipe"] }))
  expect(run.code, run.stdout + run.stderr).toBe(code)
  const [first, second] = run.stderr.split("running once more: b.test.ts\n")
  expect(first).toMatch(/^the run hangs: nothing was heard of any test for 2 s\n/m)
  expect(first).toMatch(/^nothing was heard of \S+\/b\.test\.ts since the (start of "is blocked"|end of "waits")\n/m)
  expect(first).toMatch(/^ {4}\d+ S \S+ sleep 47\.6$/m)
  expect(run.stderr).not.toContain("a.test.ts since")
  expect(second === undefined).toBe(beside !== "")
  expect(run.stdout.match(/a\.test\.ts .*2 tests/g)).toHaveLength(1)
  expect(processesOf("sleep 47.6")).toEqual([])
})
