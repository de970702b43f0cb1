import { stop } from "../doctor/stop.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"
import type { Listener } from "../domain/Listener.ts"
import { makeNaming } from "../machine/naming.ts"
import { listenersOn } from "../machine/owned.ts"
import { commandLineOf, startOf } from "../machine/processes.ts"
import { userName } from "../machine/user.ts"
import { describeListener } from "../text/describe.ts"
import type { Signal } from "./State.ts"

/** Ends the process that listens on a port, after it was shown. */

/** A process that may be ended, as it was shown. */
export interface Target {
  readonly pid: number
  /** With the pid, what identifies the process. */
  readonly start: string
  readonly port: number
  readonly command: string
  readonly commandLine: string
  readonly directory: string | null
  /** ISO 8601. */
  readonly startedAt: string | null
  readonly addresses: ReadonlyArray<string>
}

/** Why something is not ended from here, and the command that ends it, or shows what it is. */
export interface Refusal {
  readonly why: string
  readonly command: string | null
  readonly advice: string | null
}

/** What listens on a port: processes that may be ended, or none, or why none may. */
export type Inspection =
  | { readonly _tag: "Targets"; readonly targets: ReadonlyArray<Target> }
  | { readonly _tag: "Nothing" }
  | ({ readonly _tag: "Refused" } & Refusal)

/** What this needs of the machine. */
export interface Processes {
  readonly listenersOn: (port: number) => Promise<ReadonlyArray<Listener> | undefined>
  readonly startOf: (pid: number) => string | undefined
  readonly commandLineOf: (pid: number) => string
  readonly userName: () => string
  readonly kill: (pid: number, signal: Signal) => void
}

/** Of this process: the engines that its own environment names. */
const naming = makeNaming(process.env)

const ofThisMachine: Processes = {
  listenersOn: async (port) => {
    const found = await listenersOn(port)
    return found && (await naming.named(found))
  },
  startOf,
  commandLineOf,
  userName,
  kill: (pid, signal) => void process.kill(pid, signal)
}

/**
 * Returns why a process is not ended from here; undefined if it may be. The doctor knows how each is stopped: what needs more
 * than a signal of this user is left to its command.
 */
const refusalOf = (listener: Listener, own: string): Refusal | undefined => {
  const { port, process: found, user } = listener
  const who = describeListener(listener)
  if (found?.manager === true)
    return { why: `${who}, holds ${port} for a service`, command: null, advice: "stop its socket with systemctl" }
  const { advice, fix } = stop(listener)
  if (found !== null && user === own && fix === `kill ${found.pid}`) return undefined
  return { why: `${who}, of ${user}, is not ended from here`, command: fix, advice }
}

/** Finds out what listens on `port`, to show it before it is ended. */
export const inspect = async (port: number, machine: Processes = ofThisMachine): Promise<Inspection> => {
  const found = await machine.listenersOn(port)
  if (found === undefined)
    return {
      _tag: "Refused",
      why: `this system does not show what listens on ${port}`,
      command: `lsof -nP -iTCP:${port} -sTCP:LISTEN`,
      advice: "shows the process"
    }
  const own = machine.userName()
  const targets = new Map<number, Target>()
  for (const listener of found) {
    const refusal = refusalOf(listener, own)
    if (refusal !== undefined) return { _tag: "Refused", ...refusal }
    if (listener.process === null) continue
    const { command, directory, pid, startedAt } = listener.process
    const start = machine.startOf(pid)
    // It has ended since.
    if (start === undefined) continue
    targets.set(pid, {
      pid,
      start,
      port,
      command: command ?? "a process",
      commandLine: cut(machine.commandLineOf(pid), LIMITS.message),
      directory,
      startedAt,
      addresses: [...(targets.get(pid)?.addresses ?? []), listener.address]
    })
  }
  return targets.size === 0 ? { _tag: "Nothing" } : { _tag: "Targets", targets: [...targets.values()] }
}

/** Identifies a process. */
export const identityOf = ({ pid, start }: Pick<Target, "pid" | "start">): string => `${pid} ${start}`

/** The outcome of an attempt to end processes, and those that were sent the signal. */
export interface Outcome {
  readonly text: string
  readonly sent: ReadonlyArray<Target>
}

const endOne = async (target: Target, signal: Signal, machine: Processes): Promise<Outcome> => {
  const { command, pid, port } = target
  const who = `${command}, pid ${pid},`
  const not = (text: string): Outcome => ({ text, sent: [] })
  const found = (await machine.listenersOn(port)) ?? []
  const isThere = found.some(({ process }) => process?.pid === pid)
  // Read last, and right before the signal: a pid may be another's by now.
  if (machine.startOf(pid) !== target.start || !isThere)
    return found.length === 0
      ? not(`${who} has ended already`)
      : not(`nothing was ended: ${port} is no longer served by the process that was shown`)
  try {
    machine.kill(pid, signal)
    const text = signal === "SIGTERM" ? `TERM sent to ${command}, pid ${pid}` : `${command}, pid ${pid}, killed`
    return { text, sent: [target] }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return not(code === "ESRCH" ? `${who} has ended already` : `${who} cannot be ended: ${code}`)
  }
}

/** Sends a signal to processes, each only if it is still the one that was shown, and listens. */
export const end = async (
  targets: ReadonlyArray<Target>,
  signal: Signal,
  machine: Processes = ofThisMachine
): Promise<Outcome> => {
  const done: Array<Outcome> = []
  for (const target of targets) done.push(await endOne(target, signal, machine))
  return { text: done.map(({ text }) => text).join("; "), sent: done.flatMap(({ sent }) => sent) }
}
