import * as Effect from "effect/Effect"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { isUnderNohup } from "../machine/nohup.ts"

/**
 * Handles SIGHUP, which both the kernel and the shell send when the terminal is closed, and SIGQUIT (Ctrl-\) like
 * SIGTERM. Under nohup, SIGHUP is ignored.
 */
export const stopOnSignals = (environment: Environment): void => {
  const ignored = isUnderNohup(environment)
  let stopping = false
  const stop = () => {
    if (!stopping) process.kill(process.pid, "SIGTERM")
    stopping = true
  }
  process.on("SIGHUP", () => ignored || stop()).on("SIGQUIT", stop)
}

/** The error if the program's files are gone, because d was reinstalled or removed. */
export const programRemoved = (error: unknown): CommandError => ({
  code: "unavailable",
  message: `the program of this daemon was removed or replaced: ${(error as Error).message.split("\n")[0]}`,
  hint: "to start the one that is there now: d daemon start"
})

/**
 * Stops the daemon on an uncaught exception, and removes its socket. If a file cannot be loaded because d was
 * reinstalled, the service manager starts the new program.
 */
export const uncaughtException = Effect.async<never, CommandError>((resume) => {
  const end = (error: NodeJS.ErrnoException) =>
    resume(error.code === "MODULE_NOT_FOUND" ? Effect.fail(programRemoved(error)) : Effect.die(error))
  process.once("uncaughtException", end)
  return Effect.sync(() => process.off("uncaughtException", end))
})
