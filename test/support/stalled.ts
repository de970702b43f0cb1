import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { relative } from "node:path"
import type { Reporter, TestModule, Vitest } from "vitest/node"

interface Process {
  readonly pid: number
  readonly parent: number
  /** Its state, what it waits for in the kernel, and its command. */
  readonly line: string
}

const processes = (): ReadonlyArray<Process> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, state, parent] = /.*\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? []
        const waits = readFileSync(`/proc/${pid}/wchan`, "latin1")
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim().slice(0, 200)
        return [{ pid: Number(pid), parent: Number(parent), line: `${pid} ${state} ${waits} ${words}` }]
      } catch {
        // It has ended.
        return []
      }
    })

/** The processes that run test files, each followed by those that it has started. */
const workers = (): ReadonlyArray<Process & { readonly depth: number }> => {
  const all = processes()
  const startedBy = (pid: number, depth: number): ReadonlyArray<Process & { readonly depth: number }> =>
    all
      .filter(({ line, parent }) => parent === pid && (depth > 1 || line.includes("(vitest ")))
      .flatMap((each) => [{ ...each, depth }, ...startedBy(each.pid, depth + 1)])
  return startedBy(process.pid, 1)
}

/** Reads a variable of test/run.mjs, which is for this run, and not for those that a test starts. */
const take = (name: string): string | undefined => {
  const value = process.env[name]
  delete process.env[name]
  return value
}

/** The test files to run: those that `patterns` name, or those that a run which hung did not finish. */
export const filesToRun = (patterns: ReadonlyArray<string>): Array<string> =>
  take("PORTS_TEST_FILES")?.split(" ") ?? [...patterns]

/**
 * Ends a run of the tests if nothing was heard of its test files for `limit` milliseconds, and says which are not finished, and
 * which processes there are. A test that waits ends by its own limit, but not one whose process is blocked, for example by a
 * program that it waits for synchronously; and vitest waits forever for a process from which it does not hear any more.
 */
export const stalled = (limit = 600_000): Reporter => {
  const path = take("PORTS_TEST_UNFINISHED")
  const unfinished = new Map<string, string>()
  let vitest: Vitest | undefined
  let heardAt = Date.now()
  let hasFailed = false
  const hear = ({ moduleId }: TestModule, last: string) => {
    heardAt = Date.now()
    unfinished.set(moduleId, last)
  }
  const look = () => {
    if (Date.now() - heardAt < limit) return
    console.error(`the run hangs: nothing was heard of any test for ${limit / 1000} s`)
    for (const [file, last] of unfinished) console.error(`nothing was heard of ${file} since ${last}`)
    const left = workers()
    for (const { depth, line } of left) console.error(`${"  ".repeat(depth)}${line}`)
    spawnSync("kill", ["-9", ...left.map(({ pid }) => String(pid))])
    if (path !== undefined && !hasFailed && vitest?.state.getUnhandledErrors().length === 0)
      writeFileSync(path, [...unfinished.keys()].map((file) => relative(process.cwd(), file)).join(" "))
    process.exit(1)
  }
  return {
    onInit(running) {
      vitest = running
      setInterval(look, limit / 10).unref()
    },
    onTestRunStart(files) {
      for (const { moduleId } of files) unfinished.set(moduleId, "the start of the run")
    },
    onTestModuleStart: (file) => hear(file, "its start"),
    onTestCaseReady: (test) => hear(test.module, `the start of "${test.fullName}"`),
    onTestCaseResult: (test) => hear(test.module, `the end of "${test.fullName}"`),
    onTestModuleEnd(file) {
      heardAt = Date.now()
      unfinished.delete(file.moduleId)
      hasFailed ||= file.state() === "failed"
    }
  }
}
