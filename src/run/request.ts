import type { Answer } from "../commands/Answer.ts"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import type { Project } from "../project/project.ts"

/** The arguments of `d run`. */
export interface RunRequest {
  readonly key?: string
  readonly app?: string
  readonly mode?: string
  readonly command?: ReadonlyArray<string>
  readonly env?: ReadonlyArray<string>
  readonly host?: string
  readonly noInject?: boolean
  readonly takeover?: boolean
  readonly wait?: boolean
}

/** The options of a run that say what is started. */
export const optionsOf = ({ app, env = [], host, key, mode, noInject }: RunRequest): ReadonlyArray<string> => [
  ...(key === undefined ? [] : [`--key=${key}`]),
  ...(app === undefined ? [] : [`--app=${app}`]),
  ...(mode === undefined ? [] : [`--mode=${mode}`]),
  ...env.map((entry) => `--env=${entry}`),
  ...(host === undefined ? [] : [`--host=${host}`]),
  ...(noInject === true ? ["--no-inject"] : [])
]

type Ask = <N extends RegistryCommand>(command: N, payload: Readonly<Record<string, unknown>>) => Promise<Answer<N>>

/** What a run needs of the client. */
export interface RunMeans {
  readonly environment: Environment
  readonly directory: string
  readonly project: Project
  readonly ask: Ask
  /** Likewise, without notes: for a question that is asked again and again. */
  readonly askQuietly: Ask
  /** Tells the daemon, if there is one, that a port has come up. */
  readonly announce: () => Promise<void>
  /** Writes lines to standard error. */
  readonly tell: (...lines: ReadonlyArray<string>) => Promise<void>
}

/** The exit code of a failure of `d run` itself, as that of `env` and `timeout`. */
const FAILED = 125

/** A failure of `d run` itself: nothing was started. */
export class RunFailed extends Error {
  readonly error: CommandError
  readonly exitCode: number
  constructor(error: CommandError, exitCode = FAILED) {
    super(error.message)
    this.error = error
    this.exitCode = exitCode
  }
}

export const invalid = (message: string, hint: string): RunFailed => new RunFailed({ code: "invalid", message, hint })

/** Returns the result of an answer and tells its notes, or fails with its error. */
export const must = async <N extends keyof Results>(answer: Answer<N>, means: RunMeans): Promise<Results[N]> => {
  if (!answer.ok) {
    const { error } = answer
    throw new RunFailed(error.code === "invalid" ? { ...error, hint: "d run --help" } : error)
  }
  await means.tell(...answer.notes)
  return answer.result
}

export const urlOf = (port: number): string => `http://localhost:${port}`
