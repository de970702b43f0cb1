import { existsSync } from "node:fs"
import { askRegistry } from "../cli/askDaemon.ts"
import { crashError } from "../cli/crash.ts"
import type { WithEffect } from "../cli/Task.ts"
import { wrongEnvironment } from "../cli/wrongEnvironment.ts"
import type { Answer } from "../commands/Answer.ts"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { defaultDatabase } from "../config/paths.ts"
import { outcomeUnknown } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { fingerprintOf } from "../socket/configFingerprint.ts"
import { daemonAllowed } from "../socket/daemonClient.ts"
import { PortsError } from "./PortsError.ts"

export interface Asking {
  readonly onNote?: ((line: string) => void) | undefined
  /** Fail with `unavailable` if this machine has no registry, instead of making one. */
  readonly onlyExisting?: boolean
}

/** Whether a registry has been made on this machine, or is configured. */
const hasRegistry = (environment: Environment): boolean => {
  const file = defaultDatabase(environment)
  const registry = fingerprintOf(environment)
  return typeof registry === "string" || registry.databaseUrl !== `sqlite:${file}` || existsSync(file)
}

const NO_REGISTRY: Answer<never> = {
  ok: false,
  error: {
    code: "unavailable",
    message: "this machine has no registry of ports",
    hint: "d allocate makes one"
  }
}

/** Runs a command in this process, which loads what needs Effect only then. */
const inThisProcess = ({ onlyExisting = false }: Asking): Pick<WithEffect, "ask"> => ({
  ask: async (task, environment) => {
    const isLost = task.perhapsDone !== undefined
    if (onlyExisting && !isLost && !hasRegistry(environment)) return NO_REGISTRY
    const run = await import("../run.ts").catch((cause) => {
      const error = crashError(cause)
      throw new PortsError(isLost ? outcomeUnknown(error.message) : error, { cause })
    })
    return run.ask(task, environment)
  }
})

/** Asks the registry as the command line does: the daemon if one answers, and otherwise in this process. */
export const ask = async <N extends RegistryCommand>(
  command: N,
  payload: Readonly<Record<string, unknown>>,
  asking: Asking = {}
): Promise<Results[N]> => {
  const environment = process.env
  const { onNote = () => {} } = asking
  const wrong = wrongEnvironment(environment, daemonAllowed(environment))
  if (wrong !== undefined) throw new PortsError(wrong)
  const context = {
    environment,
    errorWidth: () => undefined,
    writeStderr: (text: string) => text.trimEnd().split("\n").forEach(onNote)
  }
  const given = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined))
  const answer = await askRegistry(context, inThisProcess(asking), command, given).catch((cause) => {
    throw cause instanceof PortsError ? cause : new PortsError(crashError(cause), { cause })
  })
  if (!answer.ok) throw new PortsError(answer.error)
  answer.notes.forEach((line) => void onNote(line))
  return answer.result
}
