import { spawnSync } from "node:child_process"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"

/** How much of a log is shown, in lines. */
export const LINES = "100"

/** Runs a program that shows a log, on the streams of this process, and returns its exit code. */
export const showLog = (
  program: string,
  words: ReadonlyArray<string>,
  environment: Environment,
  hint: string
): number => {
  const { error, status } = spawnSync(program, words, { env: environment, stdio: "inherit" })
  if (error !== undefined) throw new CommandFailed({ code: "unavailable", message: `${program} was not found`, hint })
  return status ?? 0
}
