import { version } from "../package.json"
import type { Results } from "./answers.ts"
import { readArgv } from "./argv.ts"
import { type Asked, ask, daemonAllowed } from "./client.ts"
import { type DaemonCommand, findCommand } from "./commands.ts"
import { exitCodeOf, type Failure, leftOpen } from "./domain/Failure.ts"
import { quote } from "./domain/rules.ts"
import { commandHelp, rootHelp } from "./help.ts"
import { answerLocally } from "./local.ts"
import { printed, printedJson } from "./printed.ts"
import { helpWidth, say, writeAnswer, writeFailure, writeReply } from "./render.ts"
import type { Task } from "./run.ts"
import { currentUid, serverPath, untrustedSocket, unusableSocket, wrongSocketPath } from "./socketPath.ts"

type Invocation = ReturnType<typeof readArgv>

const fail = (failure: Failure, json: boolean): void => {
  writeFailure(failure, json)
  process.exitCode = exitCodeOf(failure.code)
}

/** What needs Effect is loaded only now: a question to a running daemon is answered without it. */
const long = async (task: Task): Promise<void> => (await import("./run.ts")).run(task)

const isOfDaemon = (name: keyof Results): name is DaemonCommand => name === "ping" || name === "status"

/** What `ping` and `status` say if nothing came of asking; a daemon that runs all the same is named. */
const noDaemon = async <N extends keyof Results>(asked: Exclude<Asked<N>, { _tag: "Reply" }>): Promise<Failure> => {
  const unavailable = (message: string, hint: string): Failure => ({ code: "unavailable", message, hint })
  if (asked._tag === "NoDaemon" && asked.place !== undefined) return untrustedSocket(asked.path, asked.place)
  const path = asked._tag === "NoDaemon" ? asked.path : serverPath(process.env, currentUid())
  if (!daemonAllowed(process.env))
    return unavailable("no daemon is asked: AUTOMATELINUX_DAEMON is never", "unset AUTOMATELINUX_DAEMON")
  const { holderOf, unreachable } = await import("./lock.ts")
  const pid = holderOf(path, currentUid())
  if (pid !== undefined) return { code: "unavailable", ...unreachable(path, pid) }
  return asked._tag === "NoDaemon" && asked.why === "another program"
    ? unavailable(`the program at ${path} is no daemon of d`, "d doctor --check daemon-running shows the way out")
    : unavailable(`no daemon answers at ${path}`, "d daemon starts one")
}

/** Asks the daemon how it is itself, even if it keeps another registry than is meant here, which is said. */
const askOfItself = async <N extends keyof Results>(question: Parameters<typeof ask<N>>[0]): Promise<Asked<N>> => {
  const asked = await ask(question)
  if (asked._tag !== "Reply" || asked.reply.ok || asked.reply.error.code !== "other-store") return asked
  say(`note: ${asked.reply.error.message}`)
  return ask({ ...question, any: true })
}

/** Asks the daemon if one answers, and otherwise runs the command in this process. */
const command = async <N extends keyof Results>(
  name: N,
  { json, payload }: Pick<Invocation & { _tag: "Run" }, "json" | "payload">
): Promise<void> => {
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
  const wrong = wrongSocketPath(process.env)
  const allowed = daemonAllowed(process.env) && findCommand(name)?.alone === undefined
  if (allowed && wrong !== undefined) return fail(wrong, json)
  const ofDaemon = isOfDaemon(name)
  const question = {
    command: name,
    // A daemon of another version is a finding.
    payload: name === "doctor" ? { ...payload, clientVersion: version } : payload,
    environment: process.env
  }
  const asked: Asked<N> = allowed
    ? await (ofDaemon ? askOfItself : ask)(question)
    : { _tag: "NoDaemon", path: serverPath(process.env, currentUid()), why: "never" }
  if (asked._tag === "Reply") {
    const { reply } = asked
    if (reply.ok) return writeReply(name, reply, payload, json)
    // An older daemon does not know every command.
    if (ofDaemon || !["other-store", "unknown-command"].includes(reply.error.code)) return fail(reply.error, json)
    say(
      `note: ${reply.error.code === "other-store" ? reply.error.message : `the daemon is of version ${reply.version} and does not know ${name}`}; asked without it`
    )
  } else if (ofDaemon) {
    return fail(await noDaemon(asked), json)
  }
  if (isOfDaemon(name)) return
  // What the daemon took and did not answer is perhaps done: in this process it is made if it was not.
  const perhapsDone = asked._tag === "Lost" ? asked.operation : undefined
  try {
    return await long({ _tag: "Command", command: name, payload, json, perhapsDone })
  } catch (error) {
    if (perhapsDone === undefined) throw error
    return fail(leftOpen("d cannot load its own files"), json)
  }
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
      const wrong = invocation.command === "getSocketPath" ? unusableSocket(process.env, currentUid()) : undefined
      if (wrong !== undefined) return fail(wrong, invocation.json)
      const { result, text } = answerLocally(invocation.command, process.env, helpWidth())
      return writeAnswer(invocation.json ? printedJson(result) : text)
    }
    case "Wrong":
      return fail(invocation, invocation.json)
    case "Daemon":
    case "Completions":
      return long(invocation)
    case "Run":
      return command(invocation.command.name as keyof Results, invocation)
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
