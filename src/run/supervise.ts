import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { constants } from "node:os"
import { RUN_MARK } from "../domain/names.ts"
import { pause } from "../machine/pause.ts"
import { tryRead } from "../machine/tryRead.ts"
import { describeAll } from "./listening.ts"
import { signalAll, treeOf } from "./processTree.ts"
import { startWatchdog } from "./watchdog.ts"

/** Runs a command in the foreground, as if the shell had started it, and leaves none of its processes behind. */

/** How a command ended. */
export type Ending = { readonly code: number } | { readonly signal: NodeJS.Signals }

/** A command that was started. */
export interface Supervised {
  readonly child: ChildProcess
  /** Marks its processes. */
  readonly mark: string
  /**
   * How it ended, and what was left of it and then ended; nothing counts as left after a signal to end, which is meant for all of
   * it. Fails with the system's error if it cannot be started.
   */
  readonly ended: Promise<{ readonly ending: Ending; readonly left: ReadonlyArray<string> }>
}

/** How long a process has after a signal, before the next stronger one. */
const GRACE_MS = 5000
/** How long what the command has left behind has, after it has ended. */
const LEFT_GRACE_MS = 2000
const EVERY_MS = 50

/** Whether this process is in the foreground of a terminal, which then sends its signals to the command as well. */
const isForeground = (): boolean => {
  const stat = tryRead(() => readFileSync("/proc/self/stat", "latin1"), "")
  if (stat === "") return process.stdin.isTTY === true
  // After the name: state, parent, group, session, terminal, and the group in the terminal's foreground.
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return group === foreground
}

/** How long the system has to remove a process after KILL, which is long on a busy machine. */
const KILLED_MS = 2000

/** Ends the processes that `find` returns: with TERM, and what is left after `grace` milliseconds with KILL. */
const endAll = async (find: () => Promise<ReadonlyArray<number>>, grace: number): Promise<void> => {
  for (const [signal, limit] of [
    ["SIGTERM", grace],
    ["SIGKILL", KILLED_MS]
  ] as const) {
    signalAll(await find(), signal)
    for (let waited = 0; waited < limit; waited += EVERY_MS) {
      if ((await find()).length === 0) return
      await pause(EVERY_MS)
    }
  }
}

/** The signals that only this process has received, and that are passed on. */
const PASSED: ReadonlyArray<NodeJS.Signals> = ["SIGUSR1", "SIGUSR2"]
/** The signals that end a command. What ignores one is ended after a while. */
const ENDING: ReadonlyArray<NodeJS.Signals> = ["SIGTERM", "SIGHUP"]
/** The signals of the keyboard. A command may have a use for them, such as a debugger, so only a second one insists. */
const KEYBOARD: ReadonlyArray<NodeJS.Signals> = ["SIGINT", "SIGQUIT"]
/** How soon a second signal of the keyboard insists. */
const INSISTING_MS = 5000

/** Starts `file` with `words`. Its terminal, standard streams, directory and process group are those of this process. */
export const supervise = (
  file: string,
  words: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>
): Supervised => {
  const mark = `${process.pid}.${Math.random().toString(36).slice(2, 10)}`
  const outer = process.env[RUN_MARK]
  const child = spawn(file, words, {
    stdio: "inherit",
    env: { ...env, [RUN_MARK]: outer === undefined ? mark : `${outer} ${mark}` }
  })
  // After the command, which is not to wait for it.
  const stopWatchdog = startWatchdog(mark)
  // The pid of a process that has ended may be another's by now.
  const tree = () => treeOf(child.exitCode === null && child.signalCode === null ? child.pid : undefined, mark)
  let insisting: NodeJS.Timeout | undefined
  const insist = () => {
    insisting ??= setTimeout(() => void endAll(tree, GRACE_MS), GRACE_MS)
  }
  let lastKey = Number.NEGATIVE_INFINITY
  const isRecent = () => performance.now() - lastKey < INSISTING_MS
  const onKey = (signal: NodeJS.Signals) => {
    const isSecond = isRecent()
    lastKey = performance.now()
    if (isSecond || !isForeground()) child.kill(signal)
    if (isSecond) insist()
  }
  const onEnding = (signal: NodeJS.Signals) => {
    child.kill(signal)
    insist()
  }
  const onPassed = (signal: NodeJS.Signals) => void child.kill(signal)
  const handlers: ReadonlyArray<readonly [NodeJS.Signals, (signal: NodeJS.Signals) => void]> = [
    ...KEYBOARD.map((signal) => [signal, onKey] as const),
    ...ENDING.map((signal) => [signal, onEnding] as const),
    ...PASSED.map((signal) => [signal, onPassed] as const)
  ]
  for (const [signal, handler] of handlers) process.on(signal, handler)
  const release = () => {
    clearTimeout(insisting)
    for (const [signal, handler] of handlers) process.off(signal, handler)
  }
  const ended = new Promise<{ ending: Ending; left: ReadonlyArray<string> }>((done, fail) => {
    child.on("error", (error) => {
      // It was started, and may not be sent a signal: it runs as another user, as sudo does.
      if (child.pid !== undefined) return
      release()
      stopWatchdog()
      fail(error)
    })
    child.once("exit", async (code, signal) => {
      const isAsked = insisting !== undefined || isRecent()
      const left = isAsked ? [] : await describeAll(await tree())
      await endAll(tree, LEFT_GRACE_MS)
      release()
      stopWatchdog()
      done({ ending: signal === null ? { code: code ?? 0 } : { signal }, left })
    })
  })
  return { child, mark, ended }
}

/** Ends this process as the command has ended: with its code, or by its signal, which the shell then reports. */
export const endAs = (ending: Ending): void => {
  if ("code" in ending) process.exit(ending.code)
  // Node ignores some signals, such as SIGPIPE. A shell reports the code for the same.
  setTimeout(() => process.exit(128 + (constants.signals[ending.signal] ?? 0)), 500)
  process.kill(process.pid, ending.signal)
}
