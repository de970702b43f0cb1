import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import type { Reporter, TestModule } from "vitest/node"

interface Process {
  readonly pid: number
  readonly parent: number
  readonly depth: number
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
        return [{ pid: Number(pid), parent: Number(parent), depth: 0, line: `${pid} ${state} ${waits} ${words}` }]
      } catch {
        // It has ended.
        return []
      }
    })

/** The processes that `pid` has started, each followed by those that it has started. */
const startedBy = (pid: number, all = processes(), depth = 1): ReadonlyArray<Process> =>
  all
    .filter(({ parent }) => parent === pid)
    .flatMap((each) => [{ ...each, depth }, ...startedBy(each.pid, all, depth + 1)])

/**
 * Ends a run of the tests if nothing was heard of a test file for `limit` milliseconds, which is more than a test may take.
 * Says in which test that was, and which processes there were. A test that waits ends by its own limit, but not one whose
 * process is blocked, for example by a program that it waits for synchronously.
 */
export const stalled = (limit = 600_000): Reporter => {
  const heard = new Map<string, { at: number; last: string }>()
  const hear = ({ moduleId }: TestModule, last: string) => void heard.set(moduleId, { at: Date.now(), last })
  const look = () => {
    const found = [...heard].filter(([, { at }]) => Date.now() - at > limit)
    if (found.length === 0) return
    for (const [file, { last }] of found) console.error(`nothing was heard of ${file} since ${last}`)
    const workers = startedBy(process.pid).filter(({ line }) => line.includes("(vitest "))
    const left = workers.flatMap((worker) => [{ ...worker, depth: 0 }, ...startedBy(worker.pid)])
    for (const { depth, line } of left) console.error(`${"  ".repeat(depth + 1)}${line}`)
    spawnSync("kill", ["-9", ...left.map(({ pid }) => String(pid))])
    process.exit(1)
  }
  return {
    onInit: () => void setInterval(look, limit / 10).unref(),
    onTestModuleStart: (file) => hear(file, "its start"),
    onTestCaseReady: (test) => hear(test.module, `the start of "${test.fullName}"`),
    onTestCaseResult: (test) => hear(test.module, `the end of "${test.fullName}"`),
    onTestModuleEnd: ({ moduleId }) => void heard.delete(moduleId)
  }
}
