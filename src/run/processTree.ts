import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { RUN_MARK } from "../domain/names.ts"
import { tryRead } from "../machine/tryRead.ts"

/** Finds all processes that a command has started, those included that have left its session. */

interface Entry {
  readonly pid: number
  readonly parent: number
}

/** Lists the processes of this machine by the file system; undefined if there is none of processes, as on macOS. */
const readProcesses = (): ReadonlyArray<Entry> | undefined => {
  const pids = tryRead(() => readdirSync("/proc"), [] as Array<string>).filter((name) => /^\d+$/.test(name))
  if (pids.length === 0) return undefined
  return pids.map((pid) => {
    const stat = tryRead(() => readFileSync(`/proc/${pid}/stat`, "latin1"), "")
    // The name is in parentheses, and may itself contain parentheses and spaces.
    const [, parent = ""] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return { pid: Number(pid), parent: Number(parent) }
  })
}

const listProcesses = (): Promise<ReadonlyArray<Entry>> =>
  new Promise((done) =>
    execFile("ps", ["-axo", "pid=,ppid="], (_, stdout) =>
      done(
        stdout
          .trim()
          .split("\n")
          .map((line) => line.trim().split(/\s+/).map(Number))
          .map(([pid = 0, parent = 0]) => ({ pid, parent }))
      )
    )
  )

const isMarked = (pid: number, mark: string): boolean =>
  tryRead(() => readFileSync(`/proc/${pid}/environ`, "latin1"), "")
    .split("\0")
    .some((entry) => entry.startsWith(`${RUN_MARK}=`) && entry.includes(mark))

/** Returns the descendants of `root`, and the other processes with `mark` in their environment, but this process. */
export const treeOf = async (root: number | undefined, mark: string): Promise<ReadonlyArray<number>> => {
  const table = readProcesses()
  const entries = table ?? (await listProcesses())
  const children = new Map<number, Array<number>>()
  for (const { parent, pid } of entries) children.set(parent, [...(children.get(parent) ?? []), pid])
  const found = new Set<number>()
  const add = (pid: number) => {
    if (found.has(pid)) return
    found.add(pid)
    for (const child of children.get(pid) ?? []) add(child)
  }
  if (root !== undefined) add(root)
  if (table !== undefined) for (const { pid } of entries) if (!found.has(pid) && isMarked(pid, mark)) add(pid)
  found.delete(process.pid)
  return [...found].filter((pid) => entries.some((entry) => entry.pid === pid) && !isZombie(pid))
}

const isZombie = (pid: number): boolean => {
  const stat = tryRead(() => readFileSync(`/proc/${pid}/stat`, "latin1"), "")
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z")
}

/** Sends a signal to processes that may have ended. */
export const signalAll = (pids: ReadonlyArray<number>, signal: NodeJS.Signals): void => {
  for (const pid of pids) tryRead(() => process.kill(pid, signal), false)
}
