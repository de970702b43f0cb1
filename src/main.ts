import { version } from "../package.json"
import type { Results } from "./answers.ts"
import { readArgv } from "./argv.ts"
import { type Asked, ask, daemonAllowed } from "./client.ts"
import type { RegistryCommand } from "./commands.ts"
import { exitCodeOf, type Failure } from "./domain/Failure.ts"
import { quote } from "./domain/rules.ts"
import { commandHelp, rootHelp } from "./help.ts"
import { answerLocally } from "./local.ts"
import { printed, printedJson } from "./printed.ts"
import { helpWidth, say, writeAnswer, writeFailure, writeReply } from "./render.ts"
import type { Task } from "./run.ts"
import { currentUid, serverPath } from "./socketPath.ts"

type Invocation = ReturnType<typeof readArgv>

const fail = (failure: Failure, json: boolean): void => {
  writeFailure(failure, json)
  process.exitCode = exitCodeOf(failure.code)
}

/** What needs Effect is loaded only now: a question to a running daemon is answered without it. */
const long = async (task: Task): Promise<void> => (await import("./run.ts")).run(task)

/** Says that nothing came of asking a daemon; one that runs all the same is named, because another cannot be started. */
const noDaemon = async (): Promise<Failure> => {
  const path = serverPath(process.env, currentUid())
  const [{ holderOf }, { unreachable }] = await Promise.all([import("./lock.ts"), import("./socket.ts")])
  const holder = daemonAllowed(process.env) ? holderOf(path, currentUid()) : undefined
  const said =
    holder === undefined
      ? { message: `no daemon answers at ${path}`, hint: "d daemon starts one" }
      : unreachable(path, holder)
  return { code: "unavailable", ...said }
}

/** Asks the daemon how it is itself: also where it keeps another registry than is meant here, which is said. */
const askOfItself: typeof ask = async (name, payload, environment) => {
  const asked = await ask(name, payload, environment)
  if (asked._tag !== "Reply" || asked.reply.ok || asked.reply.error.code !== "other-store") return asked
  say(`note: ${asked.reply.error.message}`)
  return ask(name, payload, environment, true)
}

/** Asks the daemon where one answers, and runs the command in this process where none does. */
const command = async ({ command: { name }, json, payload }: Invocation & { _tag: "Run" }): Promise<void> => {
  const setting = process.env["AUTOMATELINUX_DAEMON"]
  if (setting && !["auto", "never"].includes(setting)) {
    return fail(
      {
        code: "invalid",
        message: `AUTOMATELINUX_DAEMON ${quote(setting)} is wrong: write auto or never`,
        hint: "correct it, or take it away for the default"
      },
      json
    )
  }
  const ofDaemon = name === "ping" || name === "status"
  // A daemon of another version is a finding.
  const question = name === "doctor" ? { ...payload, clientVersion: version } : payload
  const asked: Asked = daemonAllowed(process.env)
    ? await (ofDaemon ? askOfItself : ask)(name, question, process.env)
    : { _tag: "NoDaemon" }
  if (asked._tag === "Reply") {
    const { reply } = asked
    if (reply.ok) {
      const answer = { result: reply.result as Results[keyof Results], notes: reply.notes ?? [] }
      return writeReply(name as keyof Results, answer as never, payload, json)
    }
    // An older daemon does not know every command.
    if (ofDaemon || !["other-store", "unknown-command"].includes(reply.error.code)) return fail(reply.error, json)
    say(
      `note: ${reply.error.code === "other-store" ? reply.error.message : `the daemon is of version ${reply.version} and does not know ${name}`}; asked without it`
    )
  } else if (ofDaemon) {
    return fail(await noDaemon(), json)
  }
  // What the daemon took and did not answer is perhaps done: in this process it is made if it was not.
  const perhapsDone = asked._tag === "Lost" ? asked.operation : undefined
  return long({ _tag: "Command", command: name as RegistryCommand, payload, json, perhapsDone })
}

const main = async (invocation: Invocation): Promise<void> => {
  switch (invocation._tag) {
    case "Help": {
      const width = helpWidth()
      const help = invocation.command === undefined ? rootHelp(width) : commandHelp(invocation.command, width)
      const lines = help.trimEnd().split("\n")
      if (!invocation.alone) return writeAnswer(printed(lines))
      say(...lines)
      process.exitCode = 2
      return
    }
    case "Local": {
      const { result, text } = answerLocally(invocation.command, process.env, helpWidth())
      return writeAnswer(invocation.json ? printedJson(result) : text)
    }
    case "Wrong":
      return fail(invocation, invocation.json)
    case "Daemon":
    case "Completions":
      return long(invocation)
    case "Run":
      return command(invocation)
  }
}

/** Whether a part of the program is missing or not whole, as while npm installs another version. */
const isIncomplete = (error: NodeJS.ErrnoException): boolean =>
  error.code === "MODULE_NOT_FOUND" ||
  error.path?.includes("/parts-") === true ||
  (error instanceof SyntaxError && error.stack?.includes("/parts-") === true)

/** Tells what ended `main`. */
const failed = (error: NodeJS.ErrnoException, json: boolean): void => {
  if (isIncomplete(error)) {
    const message = `d cannot load its own files: ${error.message.split("\n")[0]}`
    const hint = "run it again if d is being installed; otherwise install d again"
    fail({ code: "unavailable", message, hint }, json)
  } else {
    say(`${error.stack}\n`)
    fail({ code: "internal", message: "this is a bug in d", hint: "report it with the lines above" }, json)
  }
}

const invocation = readArgv(process.argv.slice(2))
void main(invocation).catch((error) => failed(error, "json" in invocation && invocation.json))
