import type { Answer } from "../commands/Answer.ts"
import { runBuiltin } from "../commands/builtins.ts"
import {
  commandList,
  commands,
  type DaemonCommand,
  isDaemonCommand,
  isLocalCommand,
  isRegistryCommand,
  type RegistryCommand
} from "../commands/commands.ts"
import { commandDocument, commandHelp, rootHelp } from "../commands/help.ts"
import { outcomeUnknown } from "../domain/CommandError.ts"
import { type DaemonReply, daemonAllowed, requestDaemon } from "../socket/daemonClient.ts"
import { currentUid, serverPath, unusableSocket } from "../socket/socketPath.ts"
import { forFile, printed, printedJson } from "../text/printed.ts"
import { type Invocation, parseArgv } from "./argv.ts"
import { askDaemon, askRegistry, isInProcess, warnOfOther } from "./askDaemon.ts"
import type { CliContext } from "./CliContext.ts"
import { controlDaemon } from "./daemon.ts"
import { exportRegistry, importRegistry } from "./exchange.ts"
import { claimOf, withDirectory } from "./here.ts"
import { runLocally } from "./local.ts"
import { noDaemon } from "./noDaemon.ts"
import { exitWith, tell, writeResult, writeStderr, writeStdout } from "./output.ts"
import { chooseAndPrune } from "./prune.ts"
import type { WithEffect } from "./Task.ts"
import { askUntil, parseTime } from "./waiting.ts"
import { wizard } from "./wizard.ts"
import { wrongEnvironment } from "./wrongEnvironment.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

/** Opens a page in the browser, if a person is at a terminal. */
const openPage = async (context: CliContext, url: string): Promise<void> => {
  if (context.style().width === undefined) return
  const { openUrl } = await import("../run/openUrl.ts")
  const failure = await openUrl(url, context.environment)
  // The address has been printed.
  if (failure !== undefined) await tell(context, "note: no browser could be opened: open the address yourself")
}

/** Runs `ping`, `status` and the like, which only a daemon can answer, even one that serves another registry. */
const runOnDaemon = async (context: CliContext, command: DaemonCommand, { json, payload }: Run): Promise<void> => {
  const { environment } = context
  const request = { command, payload, environment }
  await warnOfOther(context)
  let reply: DaemonReply<DaemonCommand> = daemonAllowed(environment)
    ? await requestDaemon(request)
    : { _tag: "NoDaemon", path: "", why: "never" }
  if (reply._tag === "Reply" && !reply.reply.ok && reply.reply.error.code === "other-store") {
    await tell(context, `note: ${reply.reply.error.message}`)
    reply = await requestDaemon({ ...request, any: true })
  }
  if (reply._tag !== "Reply") return exitWith(context, await noDaemon(environment, reply), json)
  if (!reply.reply.ok) return exitWith(context, reply.reply.error, json)
  await writeResult(context, command, reply.reply, payload, json)
  const { result } = reply.reply
  if (command === "dashboard" && "once" in result && !json && payload["url"] !== true)
    await openPage(context, result.once)
}

/** Runs a command of the registry: the daemon does if one answers, and otherwise this process. */
const runOnRegistry = async (
  context: CliContext,
  command: RegistryCommand,
  { json, payload }: Run,
  withEffect: WithEffect
): Promise<void> => {
  const asked = await askDaemon(context, command, payload)
  if ("ok" in asked)
    return asked.ok ? writeResult(context, command, asked, payload, json) : exitWith(context, asked.error, json)
  const { perhapsDone } = asked
  try {
    return await withEffect.run({ _tag: "Command", command, payload, json, perhapsDone })
  } catch (error) {
    if (perhapsDone === undefined) throw error
    return exitWith(context, outcomeUnknown("d cannot load its own files"), json)
  }
}

/** Prints the port of a key, and claims one if it has none. */
const getOrClaim = async (context: CliContext, { json, payload }: Run, withEffect: WithEffect): Promise<void> => {
  const { allocate: _, ...asked } = payload
  const answer = await askRegistry(context, withEffect, "getPort", asked)
  if (answer.ok) return writeResult(context, "getPort", answer, asked, json)
  if (answer.error.code !== "not-set") return exitWith(context, answer.error, json)
  return runOnRegistry(context, "claim", { json, payload: await claimOf(context, asked) }, withEffect)
}

/** Whether waiting may change what `check` says: nothing listens yet, or a `d run` is about to claim the port. */
const isEarly = (answer: Answer<"check">): boolean =>
  answer.ok ? answer.result.verdict === "nothing" : answer.error.code === "not-set"

/** Checks a port until something listens on it, or the time is over. */
const waitAndCheck = async (context: CliContext, { json, payload }: Run, withEffect: WithEffect): Promise<void> => {
  const { wait, ...asked } = payload
  const limit = parseTime("check", "wait", String(wait))
  if (typeof limit !== "number") return exitWith(context, limit, json)
  let on = context
  const answer = await askUntil(
    () => {
      const answered = askRegistry(on, withEffect, "check", asked)
      // What is noted is noted once.
      on = { ...context, writeStderr: () => {} }
      return answered
    },
    (each) => !isEarly(each),
    limit
  )
  return answer.ok ? writeResult(context, "check", answer, asked, json) : exitWith(context, answer.error, json)
}

/** Prints help: to standard error if it is the answer to an empty command line. */
const showHelp = async (
  context: CliContext,
  { alone, command, json }: Invocation & { readonly _tag: "Help" }
): Promise<void> => {
  const width = context.helpWidth()
  const help = command === undefined ? rootHelp(width) : commandHelp(command, width)
  const lines = help.trimEnd().split("\n")
  if (alone) {
    writeStderr(context, ...lines)
    context.setExitCode(2)
  } else if (json) {
    const document = command === undefined ? { commands: commandList.map(commandDocument) } : commandDocument(command)
    await writeStdout(context, printedJson(document), json)
  } else await writeStdout(context, printed(lines))
}

/** Runs a command that needs the registry or a daemon. */
const runCommand = async (
  context: CliContext,
  invocation: Invocation & { readonly _tag: "Run" },
  withEffect: WithEffect
): Promise<void> => {
  const { environment } = context
  const { errorCode, name } = invocation.command
  const wrong = wrongEnvironment(environment, daemonAllowed(environment) && !isInProcess(name))
  if (wrong !== undefined) return exitWith(context, wrong, invocation.json, errorCode)
  if (invocation.notes.length > 0) await tell(context, ...invocation.notes)
  if (name === commands.daemon.name) return controlDaemon(context, invocation)
  if (isDaemonCommand(name)) return runOnDaemon(context, name, invocation)
  if (isLocalCommand(name)) return runLocally(context, name, invocation, withEffect)
  if (!isRegistryCommand(name)) return
  if (name === "getPort" && "cached" in invocation.payload) {
    const { getCached } = await import("./cached.ts")
    return getCached(context, invocation, withEffect)
  }
  if (name === "getPort" && "allocate" in invocation.payload) return getOrClaim(context, invocation, withEffect)
  if (name === "prune" && !("yes" in invocation.payload) && !invocation.json && context.canAsk())
    return chooseAndPrune(context, invocation.payload, withEffect)
  if (name === "export") return exportRegistry(context, invocation, withEffect)
  if (name === "import") return importRegistry(context, invocation, withEffect)
  const filled = await withDirectory(context, invocation.command, invocation.payload)
  if ("code" in filled) return exitWith(context, filled, invocation.json)
  const run = { ...invocation, ...filled }
  return name === "check" && "wait" in filled.payload
    ? waitAndCheck(context, run, withEffect)
    : runOnRegistry(context, name, run, withEffect)
}

/** Runs what a command line asks for, and sets the exit code. `withEffect` loads what only some tasks need. */
export const dispatch = async (context: CliContext, invocation: Invocation, withEffect: WithEffect): Promise<void> => {
  const { environment } = context
  switch (invocation._tag) {
    case "Help":
      return showHelp(context, invocation)
    case "Builtin": {
      const wrong = invocation.command === "getSocketPath" ? unusableSocket(environment, currentUid()) : undefined
      if (wrong !== undefined) return exitWith(context, wrong, invocation.json)
      const { lines, result } = runBuiltin(invocation.command, {
        helpWidth: context.helpWidth(),
        socketPath: () => serverPath(environment, currentUid())
      })
      return writeStdout(context, invocation.json ? printedJson(result) : printed(lines), invocation.json)
    }
    case "Wrong":
      return exitWith(context, invocation, invocation.json, invocation.exitCode)
    case "Complete": {
      const { runComplete } = await import("../shell/completeCommand.ts")
      return writeStdout(context, forFile(await runComplete(invocation.words, environment)))
    }
    case "Daemon":
      return withEffect.run(invocation)
    case "Wizard": {
      const words = await wizard(context, invocation, withEffect)
      return words && dispatch(context, parseArgv(words), withEffect)
    }
    case "Run":
      return runCommand(context, invocation, withEffect)
  }
}
