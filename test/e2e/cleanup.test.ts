import { spawn } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { PROGRAM } from "../support/cli.ts"
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
