import type { Answer } from "../commands/Answer.ts"
import { readKnownPorts, rememberPort } from "../config/portCopy.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { registryOf } from "../socket/configFingerprint.ts"
import { daemonAllowed, requestDaemon } from "../socket/daemonClient.ts"
import { age } from "../text/describe.ts"
import { printed, printedJson } from "../text/printed.ts"
import type { CliContext } from "./CliContext.ts"
import { exitWith, tell, writeResult, writeStdout } from "./output.ts"
import type { WithEffect } from "./Task.ts"

type Payload = Readonly<Record<string, unknown>>

/** How long the registry has before the port that was known last is taken. */
const LIMIT_MS = 2000

/** Asks the registry, but not for long: `undefined` if it does not answer in time. */
const askBriefly = async (
  { environment }: CliContext,
  { ask }: Pick<WithEffect, "ask">,
  payload: Payload
): Promise<Answer<"getPort"> | undefined> => {
  const brief: Environment = { AUTOMATELINUX_DATABASE_TIMEOUT: "2 seconds", ...environment }
  const reply = daemonAllowed(environment)
    ? await requestDaemon({ command: "getPort", payload, environment, limit: LIMIT_MS })
    : undefined
  if (reply?._tag === "Reply") {
    if (reply.reply.ok) return reply.reply
    if (reply.reply.error.code !== "other-store") return { ok: false, error: reply.reply.error }
  }
  if (reply?._tag === "Lost" || (reply?._tag === "NoDaemon" && reply.why === "silent")) return undefined
  return ask({ _tag: "Command", command: "getPort", payload, perhapsDone: undefined }, brief)
}

const BOTH: CommandError = {
  code: "invalid",
  message: "--cached does not go with --allocate",
  hint: "nothing is claimed by what was known: leave one of them out"
}

const NO_ANSWER: CommandError = {
  code: "unavailable",
  message: "the registry does not answer",
  hint: "d doctor says what to do"
}

/** Prints the port of a key; if the registry is away, the one that this host knew last, with a note that says how old that is. */
export const getCached = async (
  context: CliContext,
  { json, payload }: { readonly json: boolean; readonly payload: Payload },
  withEffect: Pick<WithEffect, "ask">
): Promise<void> => {
  const { environment } = context
  const { allocate, cached: _, ...asked } = payload
  if (allocate === true) return exitWith(context, BOTH, json)
  const key = String(asked["key"] ?? `${asked["app"]}-${asked["mode"]}`)
  const registry = registryOf(environment)
  const answer = (await askBriefly(context, withEffect, asked)) ?? { ok: false, error: NO_ANSWER }
  if (answer.ok) {
    rememberPort(environment, registry, key, answer.result.port)
    return writeResult(context, "getPort", answer, asked, json)
  }
  if (answer.error.code === "not-set") rememberPort(environment, registry, key, undefined)
  const known = answer.error.code === "unavailable" ? readKnownPorts(environment, registry).get(key) : undefined
  if (known === undefined) return exitWith(context, answer.error, json)
  const { at, port } = known
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000))
  await tell(context, `note: ${answer.error.message}; ${key} had ${port} ${age(seconds)} ago`)
  await writeStdout(context, json ? printedJson({ key, port, knownAt: at }) : printed([String(port)]), json)
}
