import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { writeCommandError, writeResult, writeStderr, writeStdout } from "./cli/output.ts"
import type { Task } from "./cli/Task.ts"
import { type CommandError, exitCodeOf } from "./domain/CommandError.ts"
import { printed } from "./text/printed.ts"

/** A command failed; `failure` is shown to the user. */
class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly failure: CommandError }> {}

const failed = (failure: CommandError) => new CommandFailed({ failure })

/** Loads only what the task needs. */
const program = (task: Task): Effect.Effect<void, unknown> => {
  switch (task._tag) {
    case "Command":
      return Effect.gen(function* () {
        const { command, json, payload, perhapsDone } = task
        const { runInProcess } = yield* Effect.promise(() => import("./app/runInProcess.ts"))
        const reply = yield* Effect.mapError(runInProcess(command, payload, process.env, perhapsDone), failed)
        yield* Effect.promise(() => writeResult(command, reply, payload, json))
      })
    case "Daemon":
      return Effect.gen(function* () {
        const { daemon } = yield* Effect.promise(() => import("./daemon/daemon.ts"))
        return yield* Effect.mapError(daemon(process.env), failed)
      })
    case "Completions":
      return Effect.gen(function* () {
        const { completions } = yield* Effect.promise(() => import("./app/completions.ts"))
        writeStdout(printed((yield* completions(task.shell)).split("\n")))
      })
  }
}

/** Reports the error, and returns the exit code. */
const exitCode = (task: Task, cause: Cause.Cause<unknown>): number => {
  const json = task._tag === "Command" && task.json
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  // Interrupting a daemon is a normal stop: exit 0.
  if (Cause.isInterruptedOnly(cause)) return task._tag === "Daemon" ? 0 : 130
  if (error instanceof CommandFailed) {
    writeCommandError(error.failure, json)
    return exitCodeOf(error.failure.code)
  }
  writeStderr(...Cause.pretty(cause).split("\n"))
  writeCommandError({ code: "internal", message: "this is a bug in d", hint: "report it with the lines above" }, json)
  return exitCodeOf("internal")
}

/** Runs `task`, then exits the process. */
export const run = (task: Task): void =>
  NodeRuntime.runMain(program(task), {
    disableErrorReporting: true,
    // The pretty logger writes to standard output.
    disablePrettyLogger: true,
    teardown: (exit, onExit) =>
      onExit(Exit.match(exit, { onSuccess: () => 0, onFailure: (cause) => exitCode(task, cause) }))
  })
