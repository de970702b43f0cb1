import { commands, type RegistryCommand } from "../commands/commands.ts"
import { printed, printedJson } from "../text/printed.ts"
import type { Invocation } from "./argv.ts"
import { askRegistry } from "./askDaemon.ts"
import type { CliContext } from "./CliContext.ts"
import { projectHere, withDirectory } from "./here.ts"
import { readOptions } from "./options.ts"
import { exitWith, tell, writeStdout } from "./output.ts"
import type { WithEffect } from "./Task.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

/** Runs `d env`, and returns its outcome or its error. */
export const runEnv = async (context: CliContext, { json, payload }: Run, withEffect: WithEffect) => {
  const { dir, ...request } = payload
  const project = await projectHere(context, dir)
  if ("code" in project) return project
  const means = {
    command: "env" as const,
    directory: context.directory,
    root: project.root,
    named: (asked: Readonly<Record<string, unknown>>) =>
      withDirectory(context, commands.claim, { ...asked, dir: project.root }),
    parse: (words: ReadonlyArray<string>) => readOptions(commands.env, words),
    ask: <N extends RegistryCommand>(command: N, asked: Readonly<Record<string, unknown>>) =>
      askRegistry(context, withEffect, command, asked),
    tell: (...lines: ReadonlyArray<string>) => (lines.length > 0 ? tell(context, ...lines) : Promise.resolve())
  }
  const program = await import("../env/envCommand.ts")
  try {
    return await program.env({ ...request, json }, means)
  } catch (error) {
    if (!(error instanceof program.Refusal)) throw error
    return error.error
  }
}

/** Prints the variables of an app's port, or keeps them in a file. */
export const env = async (context: CliContext, run: Run, withEffect: WithEffect): Promise<void> => {
  const { json, payload } = run
  const outcome = await runEnv(context, run, withEffect)
  if ("code" in outcome) return exitWith(context, outcome, json)
  const { document, exitCode, lines } = outcome
  context.setExitCode(exitCode)
  await writeStdout(context, json ? printedJson(document) : printed(lines), json, payload["check"] !== true)
}
