import { spawn } from "node:child_process"
import { closeSync, fstatSync } from "node:fs"
import type { CommandError, ErrorCode } from "../domain/CommandError.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"
import { RUN_MARK } from "../domain/names.ts"
import { cannot } from "../files/problem.ts"
import { closeInherited } from "../machine/descriptors.ts"
import { linesAfter, openLog } from "../machine/logFile.ts"
import type { OwnProgram } from "../machine/ownProgram.ts"
import { pause } from "../machine/pause.ts"
import { shellWord } from "../text/shell.ts"

/** How long a daemon may take until it answers. It does not wait for its database. */
const ANSWER_MS = 15_000
const EVERY_MS = 50
/** How long a daemon that does not answer may take to end. */
const END_MS = 3000

/** Variables of the program that calls `d`, which mean something else to a process that outlives it, or nothing. */
const NOT_INHERITED =
  /^(npm_.*|INIT_CWD|LISTEN_(FDS|FDNAMES|PID|PIDFDID)|NOTIFY_SOCKET|WATCHDOG_(PID|USEC)|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MAINPID|MANAGERPID|NODE_CHANNEL_(FD|SERIALIZATION_MODE)|NODE_UNIQUE_ID|_|OLDPWD|PWD|SHLVL)$/

/** Returns the environment of the daemon. `d run` ends the processes with its mark together with its command. */
const inherited = (environment: Environment): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !NOT_INHERITED.test(name) && name !== RUN_MARK))

/** How a process has ended. */
interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const CODES: Readonly<Record<number, ErrorCode>> = { 2: "invalid", 70: "internal" }

/** The error of a daemon that has ended before it answered, by what it has logged: as a rule an error and a hint. */
const endedWith = ({ code, signal }: End, log: string, start: number): CommandError => {
  const lines = linesAfter(log, start)
  const at = lines.findLastIndex((line) => line.startsWith("error: "))
  const said =
    (at === -1 ? lines.at(-1) : lines[at]?.slice("error: ".length)) ??
    `it ended with ${signal ?? code}, and has logged nothing`
  const hint = at === -1 ? undefined : lines[at + 1]
  return {
    code: CODES[code ?? 0] ?? "unavailable",
    message: `the daemon did not start: ${cut(said, LIMITS.message)}`,
    hint: hint?.startsWith("hint: ") ? cut(hint.slice("hint: ".length), LIMITS.message) : `cat ${shellWord(log)}`
  }
}

const openedLog = (log: string): number => {
  try {
    return openLog(log)
  } catch (error) {
    throw cannot("write", log, error)
  }
}

/**
 * Starts a daemon in a session of its own, which keeps neither a terminal nor a directory nor descriptors of this process, and
 * logs to `log`. Returns what `ping` does once a daemon answers, be it another one that was started at the same moment. One
 * that ends or does not answer in time fails, and nothing of it is left.
 */
export const spawnDaemon = async <A extends { readonly pid: number }>(
  { node, script }: OwnProgram,
  environment: Environment,
  log: string,
  ping: () => Promise<A | undefined>
): Promise<A> => {
  closeInherited()
  const output = openedLog(log)
  const start = fstatSync(output).size
  const child = spawn(node, [script, "daemon"], {
    detached: true,
    stdio: ["ignore", output, output],
    cwd: "/",
    env: inherited(environment)
  })
  closeSync(output)
  const ended = new Promise<End>((done) => {
    child.once("error", () => done({ code: 127, signal: null }))
    child.once("exit", (code, signal) => done({ code, signal }))
  })
  for (const over = performance.now() + ANSWER_MS; performance.now() < over; ) {
    const end = await Promise.race([ended, pause(EVERY_MS)])
    const running = await ping()
    if (running !== undefined) {
      // Another one was faster, and ours would only find out.
      if (running.pid !== child.pid) child.kill()
      child.unref()
      return running
    }
    if (end !== undefined) throw new CommandFailed(endedWith(end, log, start))
  }
  child.kill()
  if ((await Promise.race([ended, pause(END_MS)])) === undefined) child.kill("SIGKILL")
  throw new CommandFailed({
    code: "unavailable",
    message: `the daemon, pid ${child.pid}, did not answer within ${ANSWER_MS / 1000} s, and was ended`,
    hint: `cat ${shellWord(log)}`
  })
}
