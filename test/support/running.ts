import { type ChildProcess, spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { onTestFinished } from "vitest"
import { type Machine, PROGRAM } from "./cli.ts"
import { until } from "./doctor.ts"
import { listenersOn } from "./listening.ts"

/** A `d run` that was started. */
export interface Running {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** The code or the signal that it ended by. */
  readonly ended: Promise<number | string>
}

/** Starts `d run` in `directory`. It is killed with the test. */
export const run = (
  box: Machine,
  directory: string,
  words: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): Running => {
  const child = spawn(process.execPath, [PROGRAM, "run", ...words], {
    cwd: directory,
    env: { ...box.env, ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (chunk) => (stdout += chunk))
  child.stderr.on("data", (chunk) => (stderr += chunk))
  const ended = new Promise<number | string>((done) =>
    child.once("close", (code, signal) => done(signal ?? code ?? Number.NaN))
  )
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await ended
  })
  return { child, stdout: () => stdout, stderr: () => stderr, ended }
}

/** Waits until nothing listens on `port`. */
export const isFree = (port: number): Promise<unknown> =>
  until(
    async () => listenersOn(port),
    (found) => found.length === 0
  )

const environmentOf = (pid: string): ReadonlyArray<string> => {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0")
  } catch {
    // It has ended.
    return []
  }
}

/** Returns the processes that were started by a `d run` in the project `root`. */
export const processesOf = (root: string): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const environment = environmentOf(pid)
      return environment.includes(`D_DIR=${root}`) && environment.some((entry) => entry.startsWith("D_RUN="))
    })
    .map(Number)

/** Waits until nothing is left of the runs in `root`, neither a process nor a listener on `port`. */
export const nothingLeft = async (root: string, port: number): Promise<void> => {
  await until(
    async () => processesOf(root),
    (found) => found.length === 0,
    // What ignores its signals has five seconds after each.
    20
  )
  await isFree(port)
}
