import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { CliContext } from "./cli/CliContext.ts"
import { exitWith, writeResult, writeStderr } from "./cli/output.ts"
import type { CommandTask, Task } from "./cli/Task.ts"
import type { Answer } from "./commands/Answer.ts"
import type { RegistryCommand } from "./commands/commands.ts"
import { BUG_IN_D, type CommandError, exitCodeOf } from "./domain/CommandError.ts"
import type { Environment } from "./domain/Environment.ts"

/** A command failed; `failure` is shown to the user. */
class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly failure: CommandError }> {}

const failed = (failure: CommandError) => new CommandFailed({ failure })

/** Loads only what the task needs. */
const program = (context: CliContext, task: Task): Effect.Effect<void, unknown> => {
  switch (task._tag) {
    case "Command":
      return Effect.gen(function* () {
        const { command, json, payload, perhapsDone } = task
        const { runInProcess } = yield* Effect.promise(() => import("./app/runInProcess.ts"))
        const running = runInProcess(command, payload, context.environment, {
          perhapsDone,
          isInteractive: context.isInteractive()
        })
        const reply = yield* Effect.mapError(running, failed)
        yield* Effect.promise(() => writeResult(context, command, reply, payload, json))
      })
    case "Daemon":
      return Effect.gen(function* () {
        const { daemon } = yield* Effect.promise(() => import("./daemon/daemon.ts"))
        return yield* Effect.mapError(daemon(context.environment), failed)
      })
  }
}

/** Reports the error, and returns the exit code. */
const report = async (context: CliContext, task: Task, cause: Cause.Cause<unknown>): Promise<number> => {
  // Interrupting a daemon is a normal stop: exit 0.
  if (Cause.isInterruptedOnly(cause)) return task._tag === "Daemon" ? 0 : 130
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  const failure = error instanceof CommandFailed ? error.failure : BUG_IN_D
  if (failure === BUG_IN_D) writeStderr(context, ...Cause.pretty(cause).split("\n"))
  await exitWith(context, failure, task._tag === "Command" && task.json)
  return exitCodeOf(failure.code)
}

/** Runs a command and returns its answer, for a command that goes on with it. */
export const ask = async <N extends RegistryCommand>(
  { command, payload, perhapsDone }: CommandTask<N>,
  environment: Environment
): Promise<Answer<N>> => {
  const { runInProcess } = await import("./app/runInProcess.ts")
  const exit = await Effect.runPromiseExit(
    runInProcess(command, payload, environment, { perhapsDone, isInteractive: false })
  )
  if (Exit.isSuccess(exit)) return { ok: true, ...exit.value }
  const failure = Cause.failureOption(exit.cause)
  if (Option.isSome(failure)) return { ok: false, error: failure.value }
  throw Cause.squash(exit.cause)
}

/** Runs `task`, then exits the process. */
export const run = (context: CliContext, task: Task): void =>
  NodeRuntime.runMain(program(context, task), {
    disableErrorReporting: true,
    // The pretty logger writes to standard output.
    disablePrettyLogger: true,
    teardown: (exit, onExit) =>
      Exit.match(exit, {
        onSuccess: () => onExit(0),
        onFailure: (cause) => void report(context, task, cause).then(onExit)
      })
  })

/** Runs `task` and leaves the process alone, which is that of the tests. */
export const runBeside = async (context: CliContext, task: Task): Promise<void> => {
  const exit = await Effect.runPromiseExit(program(context, task))
  if (Exit.isFailure(exit)) context.setExitCode(await report(context, task, exit.cause))
}
