import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { CommandFailed, completions, runCommand } from "./cli.ts"
import { exitCodeOf } from "./domain/Failure.ts"
import { say, writeAnswer, writeFailure } from "./render.ts"

/** What needs Effect: a command in this process, the service, the completions. */
export type Task =
  | { readonly _tag: "Command"; readonly argv: ReadonlyArray<string>; readonly json: boolean }
  | { readonly _tag: "Daemon" }
  | { readonly _tag: "Completions"; readonly shell: string }

const program = (task: Task): Effect.Effect<void, unknown> => {
  switch (task._tag) {
    case "Command":
      return runCommand(task.argv) as Effect.Effect<void, unknown>
    case "Daemon":
      return Effect.flatMap(
        Effect.promise(() => import("./daemon.ts")),
        ({ daemon }) => Effect.mapError(daemon(process.env), (failure) => new CommandFailed({ failure }))
      )
    case "Completions":
      return Effect.map(completions(task.shell), writeAnswer)
  }
}

/** Tells what went wrong, and answers the exit code. */
const exitCode = (task: Task, cause: Cause.Cause<unknown>): number => {
  const json = task._tag === "Command" && task.json
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  // Who asks a daemon to stop gets what was asked for.
  if (Cause.isInterruptedOnly(cause)) return task._tag === "Daemon" ? 0 : 130
  if (error instanceof CommandFailed) {
    writeFailure(error.failure, json)
    return exitCodeOf(error.failure.code)
  }
  say(`${Cause.pretty(cause)}\n`)
  writeFailure({ code: "internal", message: "this is a bug in d", hint: "report it with the lines above" }, json)
  return exitCodeOf("internal")
}

/** Runs `task` to its end, which is the process's. */
export const run = (task: Task): void =>
  NodeRuntime.runMain(program(task), {
    disableErrorReporting: true,
    // It writes to standard output.
    disablePrettyLogger: true,
    teardown: (exit, onExit) =>
      onExit(Exit.match(exit, { onSuccess: () => 0, onFailure: (cause) => exitCode(task, cause) }))
  })
