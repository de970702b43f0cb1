import { readFileSync } from "node:fs"
import { RUN_MARK } from "../domain/names.ts"
import type { PortCheck } from "../domain/PortCheck.ts"
import { pause } from "../machine/pause.ts"
import { processOf } from "../machine/processes.ts"
import { tryRead } from "../machine/tryRead.ts"
import { signalAll, treeOf } from "./processTree.ts"

/** How long a server has after TERM, before KILL. */
const GRACE_MS = 5000
const EVERY_MS = 100

/** Returns the marks of the runs that a process belongs to, the innermost last. */
const marksOf = (pid: number): ReadonlyArray<string> =>
  tryRead(() => readFileSync(`/proc/${pid}/environ`, "latin1"), "")
    .split("\0")
    .find((entry) => entry.startsWith(`${RUN_MARK}=`))
    ?.slice(RUN_MARK.length + 1)
    .split(" ") ?? []

/**
 * Returns the processes of an app that runs already: all of its run, or only its listeners if it was not started by `d run`.
 * Undefined if a container engine listens for it: to end that would end more.
 */
const processesOf = async (checked: PortCheck): Promise<ReadonlyArray<number> | undefined> => {
  const own = process.env[RUN_MARK]?.split(" ") ?? []
  const found = new Set<number>()
  for (const { container, pid } of checked.listeners) {
    if (container !== null || (pid !== null && processOf(pid, new Set()).engine !== null)) return undefined
    if (pid === null) continue
    const last = marksOf(pid).at(-1)
    // What was started beside this process, inside the same run, is not all of that run.
    const mark = last !== undefined && own.includes(last) ? undefined : last
    for (const each of mark === undefined ? [pid] : await treeOf(pid, mark)) found.add(each)
  }
  return [...found]
}

/** Ends the server that is running already, and returns whether its port is free then. */
export const takeOver = async (check: () => Promise<PortCheck>): Promise<boolean> => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    // Checked again before the second signal: a pid may be another's by then.
    const checked = await check()
    if (checked.verdict === "nothing") return true
    const found = checked.verdict === "own" ? await processesOf(checked) : undefined
    if (found === undefined) return false
    signalAll(found, signal)
    for (let waited = 0; waited < GRACE_MS; waited += EVERY_MS) {
      if ((await check()).verdict === "nothing") return true
      await pause(EVERY_MS)
    }
  }
  return false
}
