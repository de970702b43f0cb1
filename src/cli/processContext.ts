import { fstatSync, writeSync } from "node:fs"
import { pauseSync } from "../machine/pause.ts"
import { hostOf } from "../socket/configFingerprint.ts"
import type { Printed } from "../text/printed.ts"
import { plain } from "../text/terminalStyle.ts"
import type { CliContext } from "./CliContext.ts"

/** Whether a stream may be a terminal. Avoids Node's streams: loading them is a tenth of the startup time. */
const mayBeTerminal = (descriptor: 1 | 2): boolean => {
  try {
    return fstatSync(descriptor).isCharacterDevice()
  } catch {
    return false
  }
}

const HELP_WIDTH = 100

const FULL_MS = 5

/**
 * Writes `text` synchronously. Waits while a pipe is full that another program made non-blocking, and fails if nothing
 * could be written for `limit` milliseconds.
 */
const writeAll = (descriptor: 1 | 2, text: string, limit: number): void => {
  let rest = Buffer.from(text)
  for (let waited = 0; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
      waited = 0
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || waited >= limit) throw error
      pauseSync(FULL_MS)
      waited += FULL_MS
    }
  }
}

/** How long to wait for the reader of standard error, in milliseconds. After that the text is dropped. */
const READER_TIMEOUT_MS = 2000

const writeStderr = (text: Printed): void => {
  try {
    writeAll(2, text, READER_TIMEOUT_MS)
  } catch {
    // A full disk, or a reader that is gone.
  }
}

/** The columns of a terminal that does not say how many it has. */
const COLUMNS = 80

/** This process. */
export const processContext: CliContext = {
  environment: process.env,
  directory: () => process.cwd(),
  // `hasColors` honours NO_COLOR.
  style: () =>
    mayBeTerminal(1) && process.stdout.isTTY
      ? {
          width: process.stdout.columns || COLUMNS,
          colour: process.stdout.hasColors(),
          host: () => hostOf(process.env)
        }
      : plain,
  errorWidth: () => (mayBeTerminal(2) && process.stderr.isTTY ? process.stderr.columns || COLUMNS : undefined),
  isInteractive: () => process.stderr.isTTY === true,
  canAsk: () => {
    const { CI = "", TERM } = process.env
    const { stderr, stdin, stdout } = process
    return (
      [stdin, stdout, stderr].every(({ isTTY }) => isTTY === true) && TERM !== "dumb" && ["", "0", "false"].includes(CI)
    )
  },
  helpWidth: () => Math.min(process.stdout.columns ?? HELP_WIDTH, HELP_WIDTH),
  writeStdout: (text) => {
    try {
      writeAll(1, text, Number.POSITIVE_INFINITY)
      return undefined
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // The reader has closed the pipe, having read enough.
      if (code === "EPIPE") process.exit()
      return code ?? "an unknown error"
    }
  },
  writeStderr,
  setExitCode: (code) => {
    process.exitCode = code
  }
}
