import { commands, findCommand, type LocalCommand, type RegistryCommand } from "../commands/commands.ts"
import { daemonAllowed, requestDaemon } from "../socket/daemonClient.ts"
import { printed, printedJson } from "../text/printed.ts"
import type { Invocation } from "./argv.ts"
import { askRegistry } from "./askDaemon.ts"
import type { CliContext } from "./CliContext.ts"
import { env } from "./env.ts"
import { projectHere, withDirectory } from "./here.ts"
import { exitWith, tell, writeStdout } from "./output.ts"
import { proxy } from "./proxy.ts"
import { service } from "./service.ts"
import { completions, shell } from "./shell.ts"
import type { WithEffect } from "./Task.ts"
import { parseTime } from "./waiting.ts"
import { watch } from "./watch.ts"
import { worktree } from "./worktree.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

/** How long `d run --wait` waits. */
const WAIT_MS = 60_000

/** Runs a program with its port. */
const run = async (context: CliContext, { json, payload }: Run, withEffect: WithEffect): Promise<void> => {
  const { environment } = context
  const { errorCode } = commands.run
  const { timeout, ...request } = payload
  const { wait } = request
  const limit = timeout === undefined ? WAIT_MS : parseTime("run", "timeout", String(timeout))
  if (typeof limit !== "number") return exitWith(context, limit, json, errorCode)
  if (timeout !== undefined && wait !== true) {
    const hint = "d run --wait --timeout 2m COMMAND…"
    return exitWith(context, { code: "invalid", message: "timeout goes with wait", hint }, json, errorCode)
  }
  const project = await projectHere(context, undefined)
  if ("code" in project) return exitWith(context, project, json, errorCode)
  const askOn =
    (on: CliContext) =>
    <N extends RegistryCommand>(command: N, asked: Readonly<Record<string, unknown>>) =>
      askRegistry(on, withEffect, command, asked)
  const means = {
    command: "run" as const,
    environment,
    directory: context.directory(),
    project,
    ask: askOn(context),
    askQuietly: askOn({ ...context, writeStderr: () => {} }),
    announce: async () => {
      if (daemonAllowed(environment)) await requestDaemon({ command: "probe", payload: {}, environment, any: true })
    },
    tell: (...lines: ReadonlyArray<string>) => (lines.length > 0 ? tell(context, ...lines) : Promise.resolve())
  }
  // Each has a Refusal of its own, because they are bundled one by one.
  const { Refusal, ...program } =
    wait === true ? await import("../run/runInBackground.ts") : await import("../run/runProgram.ts")
  try {
    if ("runProgram" in program) return await program.runProgram(request, means)
    const started = await program.runInBackground(request, means, limit)
    await writeStdout(context, json ? printedJson(started) : printed([started.url]), json, true)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    await exitWith(context, error.error, json, error.exitCode ?? errorCode)
  }
}

/** Prints the URL of a key, and opens it. */
const open = async (context: CliContext, { json, payload }: Run, withEffect: WithEffect): Promise<void> => {
  const spec = findCommand("url")
  const filled = spec === undefined ? { payload } : await withDirectory(context, spec, payload)
  if ("code" in filled) return exitWith(context, filled, json)
  const answer = await askRegistry(context, withEffect, "url", filled.payload)
  if (!answer.ok) return exitWith(context, answer.error, json)
  const { openUrl } = await import("../run/openUrl.ts")
  const failure = await openUrl(answer.result.url, context.environment)
  if (failure !== undefined) return exitWith(context, failure, json)
  await writeStdout(context, json ? printedJson(answer.result) : printed([answer.result.url]), json)
}

/** Serves the Model Context Protocol. */
const mcp = async (context: CliContext, _: Run, withEffect: WithEffect): Promise<void> => {
  if (context.isInteractive())
    await tell(context, "note: this speaks with agents, on standard input and output: end it with Ctrl-C")
  const { serveMcp } = await import("../mcp/serve.ts")
  await serveMcp({
    // Notes of the client are about its own means, and an agent needs none of them.
    ask: (command, payload) => askRegistry({ ...context, writeStderr: () => {} }, withEffect, command, payload),
    projectOf: (directory) => projectHere(context, directory)
  })
}

/** Sets up coding agents, or shows what is set up. */
const agents = async (context: CliContext, { json, payload }: Run): Promise<void> => {
  const { action, dryRun, for: names = [] } = payload
  if (dryRun === true && action === "status")
    return exitWith(
      context,
      {
        code: "invalid",
        message: "--dry-run does not go with status",
        hint: "it goes with d agents install and d agents uninstall"
      },
      json
    )
  const project = await projectHere(context, undefined)
  if ("code" in project) return exitWith(context, project, json)
  const { runAgents } = await import("../agents/agents.ts")
  const request = { action: String(action), names: [names].flat().map(String), dryRun: dryRun === true, json }
  const told = await runAgents(request, {
    environment: context.environment,
    root: project.root,
    node: process.execPath,
    script: process.argv[1] ?? "",
    tell: (...lines) => tell(context, ...lines)
  })
  return typeof told === "object"
    ? exitWith(context, told, json)
    : writeStdout(context, told, json, action !== "status" && dryRun !== true)
}

const local: Readonly<Record<LocalCommand, typeof run>> = {
  run,
  open,
  env,
  mcp,
  worktree,
  agents,
  watch,
  service,
  proxy,
  shell,
  completions
}

/** Runs a command that asks the registry for what it needs. */
export const runLocally = (
  context: CliContext,
  command: LocalCommand,
  invocation: Run,
  withEffect: WithEffect
): Promise<void> => local[command](context, invocation, withEffect)
