import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { version } from "../package.json"
import { readArgv } from "./argv.ts"
import { CommandFailed, completions, runCommand } from "./cli.ts"
import { exitCodeOf, type Failure } from "./domain/Failure.ts"
import { commandHelp, rootHelp } from "./help.ts"
import { helpWidth, writeAnswer, writeFailure } from "./render.ts"

const invocation = readArgv(process.argv.slice(2))

const failed = (failure: Failure) => Effect.fail(new CommandFailed({ failure }))

const program = Effect.suspend((): Effect.Effect<void, unknown> => {
  switch (invocation._tag) {
    case "Help": {
      const { alone, command } = invocation
      const text = command === undefined ? rootHelp(helpWidth()) : commandHelp(command, helpWidth())
      if (!alone) return Effect.sync(() => writeAnswer(text))
      process.stderr.write(text)
      return Effect.fail(NothingAsked)
    }
    case "Version":
      return Effect.sync(() => writeAnswer(invocation.json ? JSON.stringify({ version }) : version))
    case "Completions":
      return Effect.map(completions(invocation.shell), writeAnswer)
    case "Wrong":
      return failed(invocation)
    case "Run":
      return runCommand(invocation.argv)
  }
})

const NothingAsked = "nothing asked"

/** Tells what went wrong, where that was not done yet, and answers the exit code. */
const exitCode = (cause: Cause.Cause<unknown>): number => {
  const json = "json" in invocation && invocation.json
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  if (error === NothingAsked) return 2
  if (Cause.isInterruptedOnly(cause)) return 130
  if (error instanceof CommandFailed) {
    writeFailure(error.failure, json)
    return exitCodeOf(error.failure.code)
  }
  process.stderr.write(`${Cause.pretty(cause)}\n`)
  writeFailure({ code: "internal", message: "this is a bug in d", hint: "report it with the lines above" }, json)
  return exitCodeOf("internal")
}

// A reader that closes the pipe has seen enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit()
    throw error
  })
}

NodeRuntime.runMain(program, {
  disableErrorReporting: true,
  teardown: (exit, onExit) => onExit(Exit.match(exit, { onSuccess: () => 0, onFailure: exitCode }))
})
