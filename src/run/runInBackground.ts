import { spawn } from "node:child_process"
import { closeSync, openSync, readFileSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { stateDirectory } from "../config/paths.ts"
import { portUrl } from "../domain/portUrl.ts"
import { makeDirectory } from "../machine/directory.ts"
import { shellWord } from "../text/shell.ts"
import { isBound } from "./bindTest.ts"
import { readSiblings } from "./keysInCommand.ts"
import { treeOf } from "./processTree.ts"
import { optionsOf, RunFailed, type RunMeans, type RunRequest } from "./request.ts"
import { claimFor, findProgram, takePort } from "./runProgram.ts"
import { lockStart } from "./startLock.ts"
import { takeOver } from "./takeOver.ts"

export { Refusal } from "./siblings.ts"

/** A command that runs in the background and accepts connections. */
interface Started {
  readonly key: string
  readonly port: number
  readonly url: string
  /** The pid of the `d run` that watches over it: to end it with all of its processes, end this one. */
  readonly pid: number
  /** The file with its output. */
  readonly log: string
}

const EVERY_MS = 200
/** How much of the output is shown of a command that ended, in lines. */
const SHOWN = 20
/** How long a command that is ended has, with all that its own `d run` does to end it. */
const END_MS = 12_000

const openLog = (path: string): number => {
  try {
    makeDirectory(dirname(path), 0o700)
    // A file of its own: an earlier run may still write to the old one.
    rmSync(path, { force: true })
    return openSync(path, "wx", 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new RunFailed({
      code: "unavailable",
      message: `cannot write the output of the command to ${path}: ${code}`,
      hint: `check: ls -ld ${shellWord(dirname(path))}`
    })
  }
}

/** Returns the last lines of the output of a command. */
const lastLines = (path: string): ReadonlyArray<string> =>
  readFileSync(path, "utf8").trimEnd().split("\n").slice(-SHOWN)

const SIGNALS: ReadonlyArray<NodeJS.Signals> = ["SIGINT", "SIGTERM", "SIGHUP"]

/**
 * Starts a command in the background, with its output in a file, and waits until it accepts connections, for at most `limit`
 * milliseconds. One that does not, or that ends before, fails; and nothing of it is left if the wait is interrupted.
 */
export const runInBackground = async (request: RunRequest, means: RunMeans, limit: number): Promise<Started> => {
  const { words } = findProgram(request, means)
  await readSiblings(request, words, means)
  const claimed = await claimFor(request, means)
  const { key, port } = claimed
  const release = await takePort(request, means, claimed, { isBound, lockStart, takeOver })
  const log = join(stateDirectory(means.environment), "run", `${key}.log`)
  const output = openLog(log)
  const child = spawn(process.execPath, [process.argv[1] ?? "", "run", ...optionsOf(request), "--", ...words], {
    detached: true,
    stdio: ["ignore", output, output],
    cwd: means.directory,
    env: means.environment
  })
  closeSync(output)
  const pid = child.pid ?? 0
  const ended = new Promise<number>((done) => {
    child.once("error", () => done(125))
    child.once("exit", (code) => done(code ?? 1))
  })
  const end = async () => {
    child.kill("SIGTERM")
    await Promise.race([ended, new Promise<void>((done) => setTimeout(() => done(), END_MS).unref())])
  }
  const interrupted = (signal: NodeJS.Signals) => {
    void end().then(() => {
      for (const each of SIGNALS) process.off(each, interrupted)
      process.kill(process.pid, signal)
    })
  }
  for (const signal of SIGNALS) process.on(signal, interrupted)
  /** Whether the command listens, and not another server of the same directory. */
  const isUp = async () => {
    const answer = await means.askQuietly("check", { key, directory: means.project.root })
    if (!answer.ok || answer.result.verdict !== "own") return false
    const tree = await treeOf(pid, `${pid}.`)
    return answer.result.listeners.some((listener) => listener.pid === null || tree.includes(listener.pid))
  }
  try {
    const over = performance.now() + limit
    while (performance.now() < over) {
      const waited = new Promise<undefined>((done) => setTimeout(() => done(undefined), EVERY_MS))
      const code = await Promise.race([ended, waited])
      if (code !== undefined) {
        await means.tell(...lastLines(log))
        throw new RunFailed(
          {
            code: "unavailable",
            message: `the command ended with ${code} before it accepted connections on ${port}`,
            hint: `its output: cat ${shellWord(log)}`
          },
          code === 0 ? 1 : code
        )
      }
      if (await isUp()) {
        release()
        child.unref()
        await means.tell(`note: it runs in the background; its output: ${shellWord(log)}; to end it: kill ${pid}`)
        return { key, port, url: portUrl(port), pid, log }
      }
    }
    await end()
    await means.tell(...lastLines(log))
    throw new RunFailed({
      code: "unavailable",
      message: `the command accepted no connection on ${port} within ${Math.round(limit / 1000)} s, and was ended`,
      hint: `its output: cat ${shellWord(log)}; --timeout TIME waits longer`
    })
  } catch (error) {
    await end()
    throw error
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted)
  }
}
