import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished } from "vitest"
import { collect, copyOfProgram, type Run } from "./cli.ts"
import { temporary } from "./root.ts"

/** Two users whom the system need not know: one who uses `d`, and one who is after it. */
export const ALICE = 54_401
export const MALLORY = 54_402

/** An empty directory of `uid`'s, which everyone may look into. */
export const directoryOf = (uid: number, mode = 0o755): string => {
  const directory = temporary()
  chownSync(directory, uid, uid)
  chmodSync(directory, mode)
  return directory
}

/** A directory in /tmp with this name, gone when the test is over. */
export const inTmp = (name: string, uid: number, mode = 0o755): string => {
  const directory = join(tmpdir(), name)
  // Of a run that was broken off.
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  chownSync(directory, uid, uid)
  chmodSync(directory, mode)
  return directory
}

/** The same with a name that no other has. */
export const someInTmp = (uid: number, mode = 0o755): string => {
  const directory = mkdtempSync(join(tmpdir(), "ports-test-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  chownSync(directory, uid, uid)
  chmodSync(directory, mode)
  return directory
}

export interface User {
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  readonly with: (env: Readonly<Record<string, string>>) => User
  readonly d: (...words: ReadonlyArray<string>) => Promise<Run>
  /** Starts a program, ended with the test. */
  readonly start: (program: string, ...words: ReadonlyArray<string>) => ChildProcess
  /** Runs the service until the test is over, and returns it once it serves. */
  readonly daemon: () => Promise<Served>
}

interface Served {
  readonly pid: number
  readonly log: () => string
  readonly kill: (signal: NodeJS.Signals) => Promise<void>
}

let program: string | undefined

const userIn = (
  home: string,
  ids: { readonly uid: number; readonly gid: number },
  env: Readonly<Record<string, string>>
): User => {
  program ??= copyOfProgram()
  const start = (file: string, words: ReadonlyArray<string>) =>
    spawn(file, words, { ...ids, env, cwd: home, stdio: ["pipe", "pipe", "pipe"] })
  const running = (file: string, ...words: ReadonlyArray<string>) => {
    const child = start(file, words)
    onTestFinished(() => void child.kill("SIGKILL"))
    return child
  }
  return {
    home,
    env,
    with: (more) => userIn(home, ids, { ...env, ...more }),
    d: (...words) => collect(start(process.execPath, [program ?? "", ...words])),
    start: running,
    daemon: async () => {
      const child = running(process.execPath, program ?? "", "daemon")
      let log = ""
      const ended = new Promise<void>((done) => child.once("close", () => done()))
      const serves = new Promise<void>((done) =>
        child.stderr?.on("data", (chunk) => {
          log += chunk
          if (log.includes("message=serving")) done()
        })
      )
      await Promise.race([serves, ended])
      expect(log).toContain("message=serving")
      return {
        pid: child.pid ?? 0,
        log: () => log,
        kill: (signal) => {
          child.kill(signal)
          return ended
        }
      }
    }
  }
}

/** A user with a home and nothing configured. A group is the user's own, unless another is named. */
export const user = (uid: number, env: Readonly<Record<string, string>> = {}, gid = uid): User => {
  const home = directoryOf(uid)
  return userIn(home, { uid, gid }, { HOME: home, PATH: process.env["PATH"] ?? "", ...env })
}

export interface Fake {
  /** Everything that was said to it; a connection counts, even if nothing is said. */
  readonly heard: () => string
}

/**
 * A fake daemon of `owner`'s at `path`: it notes what it hears, and answers each line with `reply`. The socket is open to
 * everyone.
 */
export const fakeDaemon = async (owner: User, path: string, reply: unknown): Promise<Fake> => {
  const script = `
    const server = require("node:net").createServer((socket) => {
      process.stdout.write("connected\\n")
      socket.on("error", () => {}).on("data", (chunk) => {
        process.stdout.write(chunk)
        socket.write(${JSON.stringify(`${JSON.stringify(reply)}\n`)})
      })
    }).listen(${JSON.stringify(path)}, () => {
      require("node:fs").chmodSync(${JSON.stringify(path)}, 0o777)
      process.stderr.write("up")
    })`
  const child = owner.start(process.execPath, "-e", script)
  let heard = ""
  child.stdout?.on("data", (chunk) => (heard += chunk))
  await new Promise<void>((done, fail) => {
    child.stderr?.once("data", (chunk) => (String(chunk) === "up" ? done() : fail(new Error(String(chunk)))))
  })
  return { heard: () => heard }
}
