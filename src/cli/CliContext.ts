import type { Environment } from "../domain/Environment.ts"
import type { Printed } from "../text/printed.ts"
import type { Style } from "../text/terminalStyle.ts"

/** The parts of its process that a command uses. Tests run commands in their own process. */
export interface CliContext {
  readonly environment: Environment
  /** Returns the current directory, or throws if it no longer exists. */
  readonly directory: () => string
  /** The width and the colours of standard output. */
  readonly style: () => Style
  /** The width of standard error, in columns; undefined if it is no terminal. */
  readonly errorWidth: () => number | undefined
  /** Whether a person reads standard error. */
  readonly isInteractive: () => boolean
  /** Whether questions can be asked: a person is at a terminal, and no script or CI job is. */
  readonly canAsk: () => boolean
  /** The width to which help is wrapped, in columns. */
  readonly helpWidth: () => number
  /** Writes a result, and returns the system's error code if it cannot. Nothing else goes to standard output. */
  readonly writeStdout: (text: Printed) => string | undefined
  /** Writes notes and errors. Never fails, because a failure could not be reported either. */
  readonly writeStderr: (text: Printed) => void
  readonly setExitCode: (code: number) => void
}

/** The parts that a question to the registry uses, which programs that use the library have, too. */
export type AskContext = Pick<CliContext, "environment" | "errorWidth" | "writeStderr">
