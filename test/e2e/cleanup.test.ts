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

it("a run of the tests in which a process is blocked ends, and says where", async () => {
  const root = temporary()
  symlinkSync(resolve("node_modules"), join(root, "node_modules"))
  writeFileSync(
    join(root, "vitest.config.ts"),
    `import { stalled } from ${JSON.stringify(resolve("test/support/stalled.ts"))}
     export default { test: { pool: "forks", poolOptions: { forks: { minForks: 2, maxForks: 2 } }, reporters: ["default", stalled(3000)] } }`
  )
  const test = 'import { execFileSync } from "node:child_process"\nimport { it } from "vitest"\n'
  writeFileSync(join(root, "a.test.ts"), `${test}it("waits", () => new Promise((done) => setTimeout(done, 1000)))`)
  const blocked =
    'it("waits", () => new Promise((done) => setTimeout(done, 1000)))\nit("is blocked", () => void execFileSync("sleep", ["47.6"]))'
  writeFileSync(join(root, "b.test.ts"), `${test}${blocked}`)
  const run = await collect(
    spawn("npx", ["vitest", "run", "--root", root], { env: process.env, stdio: ["ignore", "pipe", "pipe"] })
  )
  expect(run.code).toBe(1)
  expect(run.stdout).toContain("a.test.ts")
  expect(run.stderr).toMatch(
    /^nothing was heard of \S+\/b\.test\.ts since the (start of "is blocked"|end of "waits")\n/m
  )
  expect(run.stderr).toMatch(/^ {4}\d+ S \S+ sleep 47\.6$/m)
  expect(run.stderr).not.toContain("a.test.ts")
  expect(processesOf("sleep 47.6")).toEqual([])
})
