import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { type Machine, PROGRAM } from "./cli.ts"
import { ensure } from "./programs.ts"
import { once, temporary } from "./root.ts"

once("installation of a terminal", () => ensure(["script"], ["bsdutils"]))

/** The shell's prompt. */
export const PROMPT = "ready:"

/** A terminal of its own with a shell, which is closed with the test. */
export interface ShellOnTerminal {
  readonly child: ChildProcessWithoutNullStreams
  /** Closes the terminal's window, without a word to anybody. */
  readonly close: () => Promise<void>
}

/** Runs `line`, which ends in a shell, on a terminal in `directory`. The shell finds `d`, which is `program`, as a program. */
export const shellOnTerminal = (box: Machine, directory: string, line: string, program = PROGRAM): ShellOnTerminal => {
  const programs = temporary()
  writeFileSync(join(programs, "d"), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, { mode: 0o755 })
  const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
    env: { ...box.env, PATH: `${programs}:${box.env["PATH"]}`, TERM: "xterm-256color", PS1: PROMPT },
    cwd: directory
  })
  child.stderr.pipe(process.stderr)
  // It may be closed while something is typed.
  child.stdin.on("error", () => {})
  const ended = new Promise((done) => child.once("close", done))
  const close = async () => {
    child.kill("SIGKILL")
    await ended
  }
  onTestFinished(close)
  return { child, close }
}
