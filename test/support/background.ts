import { readdirSync, readFileSync } from "node:fs"
import { onTestFinished } from "vitest"
import type { Machine } from "./cli.ts"

const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

/** The processes that are daemons of `box`, by their command and their home: also those that were started in the background. */
export const daemonsOf = ({ home }: Machine): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => /\0daemon\0$/.test(read(`/proc/${pid}/cmdline`)))
    .filter((pid) => read(`/proc/${pid}/environ`).split("\0").includes(`HOME=${home}`))
    .map(Number)

/** Ends the daemons of `box` with the test. */
export const endInBackground = (box: Machine): void =>
  onTestFinished(() => {
    for (const pid of daemonsOf(box)) process.kill(pid, "SIGKILL")
  })
