import { version } from "../../package.json"
import type { Answer } from "../commands/Answer.ts"
import { commands, findCommand, type RegistryCommand } from "../commands/commands.ts"
import type { Environment } from "../domain/Environment.ts"
import { fingerprintOf, UNREADABLE } from "../socket/configFingerprint.ts"
import { daemonAllowed, requestDaemon } from "../socket/daemonClient.ts"
import { otherRegistry } from "../socket/otherRegistry.ts"
import type { AskContext } from "./CliContext.ts"
import { tell } from "./output.ts"
import type { WithEffect } from "./Task.ts"

type Payload = Readonly<Record<string, unknown>>

export const isInProcess = (name: string): boolean => findCommand(name)?.inProcess === true

/** No daemon answered. `perhapsDone` is the operation id of a change that one may have made. */
interface NotAsked {
  readonly perhapsDone: string | undefined
}

/** Notes that the daemon at `path` does not answer, and what the command does about it. */
const noteSilence = async (context: AskContext, path: string, what: string): Promise<void> => {
  const { silent } = await import("../socket/socketLock.ts")
  const { hint, message } = silent(path)
  await tell(context, `note: ${message}; ${what} (${hint})`)
}

/** Environments already checked for another registry: once is enough for a command that asks several times. */
const warned = new WeakSet<object>()

/** Warns if another registry on this machine may assign the same ports. */
export const warnOfOther = async (context: AskContext): Promise<void> => {
  if (warned.has(context.environment)) return
  warned.add(context.environment)
  const other = await otherRegistry(context.environment)
  if (other !== undefined) await tell(context, `warning: ${other.message}; ${other.hint}`)
}

/** How long a daemon has for a claim that changes nothing, before it is asked as for a change. */
const STANDING_MS = 1000

/**
 * Asks the daemon for a claim that changes nothing, as most do. That needs no handshake, which takes a tenth of a start.
 * Undefined if there is none, or no daemon.
 */
const standingClaim = async <N extends RegistryCommand>(command: N, payload: Payload, environment: Environment) => {
  if (command !== "claim") return undefined
  const asked = { ...payload, standing: true }
  const how = { environment, limit: STANDING_MS, needsHandshake: false }
  const reply = await requestDaemon({ command, payload: asked, ...how })
  return reply._tag === "Reply" && reply.reply.ok ? reply.reply : undefined
}

/** Asks the daemon if one answers and serves the same registry. */
export const askDaemon = async <N extends RegistryCommand>(
  context: AskContext,
  command: N,
  payload: Payload
): Promise<Answer<N> | NotAsked> => {
  const { environment } = context
  if (!commands[command].readOnly) await warnOfOther(context)
  if (!daemonAllowed(environment) || isInProcess(command)) return { perhapsDone: undefined }
  const standing = await standingClaim(command, payload, environment)
  if (standing !== undefined) return standing
  // Lets doctor report a daemon of another version.
  const sent = command === "doctor" ? { ...payload, clientVersion: version } : payload
  const onStuck = (path: string) => noteSilence(context, path, "waiting for it, because it has taken the command")
  const reply = await requestDaemon({ command, payload: sent, environment, onStuck })
  if (reply._tag === "NoDaemon" && reply.why === "silent") await noteSilence(context, reply.path, "running without it")
  if (reply._tag === "Reply") {
    if (reply.reply.ok) return reply.reply
    const { error, version: theirs } = reply.reply
    // An older daemon does not know every command.
    if (!["other-store", "unknown-command"].includes(error.code)) return { ok: false, error }
    // The command will say what is wrong with its settings, and that says enough.
    if (fingerprintOf(environment) === UNREADABLE) return { perhapsDone: undefined }
    const why =
      error.code === "other-store" ? error.message : `the daemon has version ${theirs} and does not know ${command}`
    await tell(context, `note: ${why}; running without it`)
  }
  // A change that the daemon took without replying may have been made: this process makes it only if it was not.
  return { perhapsDone: reply._tag === "Lost" ? reply.operation : undefined }
}

/** Asks the registry: the daemon if one answers, and otherwise in this process. */
export const askRegistry = async <N extends RegistryCommand>(
  context: AskContext,
  withEffect: Pick<WithEffect, "ask">,
  command: N,
  payload: Payload
): Promise<Answer<N>> => {
  const asked = await askDaemon(context, command, payload)
  return "ok" in asked
    ? asked
    : withEffect.ask({ _tag: "Command", command, payload, perhapsDone: asked.perhapsDone }, context.environment)
}
