import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import type { Project } from "../project/project.ts"
import { type Ask, Refusal, type SiblingMeans } from "./siblings.ts"

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

/** What a run needs of the client. */
export interface RunMeans extends SiblingMeans {
  readonly environment: Environment
  readonly directory: string
  readonly project: Project
  /** Likewise, without notes: for a question that is asked again and again. */
  readonly askQuietly: Ask
  /** Tells the daemon, if there is one, that a port has come up. */
  readonly announce: () => Promise<void>
}

/** The exit code of a failure of `d run` itself, as that of `env` and `timeout`. */
const FAILED = 125

/** A failure of `d run` itself: nothing was started. */
export class RunFailed extends Refusal {
  constructor(error: CommandError, exitCode = FAILED) {
    super(error, exitCode)
  }
}
