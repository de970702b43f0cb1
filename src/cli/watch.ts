import type { Answer } from "../commands/Answer.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { HEALTH_STATES } from "../domain/Health.ts"
import { hostOf } from "../socket/configFingerprint.ts"
import { printedJson } from "../text/printed.ts"
import type { Look } from "../watch/live.ts"
import type { Invocation } from "./argv.ts"
import { askDaemon, askRegistry } from "./askDaemon.ts"
import type { CliContext } from "./CliContext.ts"
import { crashError } from "./crash.ts"
import { exitWith, tell, writeResult, writeStdout } from "./output.ts"
import type { WithEffect } from "./Task.ts"
import { parseTime } from "./waiting.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

/** How often the list is asked for. */
const INTERVAL_MS = 1000
/** A shorter time would keep the daemon busy, and no eye sees more. */
const INTERVAL_MIN_MS = 100

const invalid = (message: string, hint: string): CommandError => ({ code: "invalid", message, hint })

/** Returns why the list cannot be shown live here. */
const notLive = ({ environment, style }: CliContext): CommandError | undefined => {
  const why =
    style().width === undefined
      ? "watch needs a terminal, and standard output is none"
      : !process.stdin.isTTY
        ? "watch reads keys, and standard input is no terminal"
        : environment["TERM"] === "dumb"
          ? "watch needs a terminal that it can draw on, and TERM is dumb"
          : undefined
  return why === undefined ? undefined : invalid(why, "d watch --once, or d watch --json for each change")
}

/** Reads how often the list is asked for, and refuses options that do not go together. */
const readInterval = ({ json, payload }: Run): number | CommandError => {
  const { health, interval, once } = payload
  if (once === true && interval !== undefined) return invalid("interval does not go with once", "d watch --once")
  if (json && once !== true && health !== undefined)
    return invalid("health does not go with json: each change has the health", "d watch --json")
  if (interval === undefined) return INTERVAL_MS
  const read = parseTime("watch", "interval", String(interval))
  return typeof read === "number" && read < INTERVAL_MIN_MS
    ? invalid(`interval ${interval} is too short: it is at least ${INTERVAL_MIN_MS}ms`, "d watch looks every second")
    : read
}

/** Returns the answer while npm replaces the files of d: they will be back. Any other exception is a bug. */
const incomplete = (exception: NodeJS.ErrnoException): Answer<"listPorts"> => {
  const error = crashError(exception)
  if (error.code !== "unavailable") throw exception
  return { ok: false, error }
}

/** Shows the list live, once, or as a stream of changes. */
export const watch = async (context: CliContext, run: Run, withEffect: WithEffect): Promise<void> => {
  const { json, payload } = run
  const interval = readInterval(run)
  if (typeof interval !== "number") return exitWith(context, interval, json)
  const isOnce = payload["once"] === true
  const wrong = isOnce || json ? undefined : notLive(context)
  if (wrong !== undefined) return exitWith(context, wrong, json)
  const { app, health: given } = payload
  const health = HEALTH_STATES.find((each) => each === given)
  // Live, all are asked for: one that changes its health is shown for a while.
  const asked = { app, ...(isOnce || health === undefined ? { health: given } : {}) }
  const quiet = { ...context, writeStderr: () => {} }
  const look = async (on: CliContext): Promise<Look> => {
    const answered = await askDaemon(on, "listPorts", asked)
    if ("ok" in answered) return { by: "daemon", answer: answered }
    const task = { _tag: "Command" as const, command: "listPorts" as const, payload: asked, perhapsDone: undefined }
    const answer = await withEffect.ask(task, context.environment).catch(incomplete)
    return { by: "process", answer }
  }

  const { answer, by } = await look(context)
  if (!answer.ok) return exitWith(context, answer.error, json)
  if (isOnce && json) return writeResult(context, "listPorts", answer, asked, true)
  const { endAs, live, onceHeader, stream } = await import("../watch/watch.ts")
  const first = { at: Date.now(), by, list: answer.result, notes: answer.notes }
  const style = { ...context.style(), host: () => hostOf(context.environment) }
  const options = Object.entries({ app, health }).flatMap(([name, value]) =>
    value === undefined ? [] : `--${name} ${value}`
  )
  const watched = { title: ["d watch", ...options].join(" "), health }
  if (isOnce) {
    await writeStdout(context, onceHeader(first, watched, style))
    return writeResult(context, "listPorts", answer, asked, false)
  }
  const means = { environment: context.environment, style, interval, look: () => look(quiet) }
  if (json) {
    if (answer.notes.length > 0) await tell(context, ...answer.notes)
    let isWritten = true
    const writing = {
      ...context,
      setExitCode: (code: number) => {
        isWritten = false
        context.setExitCode(code)
      }
    }
    return stream(first, means, async (document) => {
      await writeStdout(writing, printedJson(document), true)
      return isWritten
    })
  }
  const explain = (port: number) => askRegistry(quiet, withEffect, "explain", { port })
  const signal = await live(first, watched, { ...means, explain }, { input: process.stdin, output: process.stdout })
  // A look may still be under way, and is of no use.
  if (signal === undefined) process.exit()
  endAs({ signal })
}
