import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Runtime from "effect/Runtime"
import { makeHandlers } from "../app/handlers.ts"
import type { Services } from "../app/layers.ts"
import { decodePayload } from "../app/requestSchemas.ts"
import { runBuiltin } from "../commands/builtins.ts"
import {
  type BuiltinCommand,
  commandList,
  type DaemonCommand,
  fieldOf,
  findCommand,
  isBuiltinCommand,
  isDaemonCommand,
  isNumberedChange,
  isRegistryCommand,
  type RegistryCommand
} from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { PortsConfig } from "../config/Config.ts"
import type { CommandError, ErrorCode } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { type RegistryError, TooLate } from "../domain/errors.ts"
import { keyProblem } from "../domain/names.ts"
import { OPERATION, Operation } from "../domain/Operation.ts"
import { RequestDeadline } from "../domain/RequestDeadline.ts"
import { HealthMonitor } from "../monitor/HealthMonitor.ts"
import { Registry } from "../registry/Registry.ts"
import { type Difference, differenceFrom, fingerprintBy, UNREADABLE } from "../socket/configFingerprint.ts"
import { currentUid, serverPath } from "../socket/socketPath.ts"
import { toCommandError } from "../text/errors.ts"
import { asTyped, quote } from "../text/escape.ts"
import { formatResult } from "../text/formatResult.ts"
import { noteLine } from "../text/notes.ts"
import { printed } from "../text/printed.ts"
import { bugIn } from "./bug.ts"
import { completing } from "./completing.ts"
import type { Answered, Outcome, Request } from "./connection.ts"
import { openDashboard } from "./dashboard.ts"
import { commandsOf } from "./forward.ts"
import { batchGetPorts } from "./getPortBatcher.ts"
import { HttpControl } from "./HttpControl.ts"
import { makeStatus } from "./status.ts"
import { waitSeconds } from "./waitSeconds.ts"

const HELP_WIDTH = 100

/** Normalises a payload: clients may send one name or port for a list, and null for an absent field. */
const normalised = (command: string, request: Request): Record<string, unknown> => {
  const repeated = findCommand(command)?.options.filter((option) => option.repeated) ?? []
  const isOne = (field: string, value: unknown): boolean => {
    const option = repeated.find(({ name }) => fieldOf(name) === field)
    return option !== undefined && (typeof value === "string" || (option.type === "port" && typeof value === "number"))
  }
  return Object.fromEntries(
    Object.entries(request)
      .filter(([, value]) => value !== null)
      .map(([field, value]) => [field, isOne(field, value) ? [value] : value])
  )
}

/** What the deployed clients, which write every value as a text, mean by a switch. */
const SWITCH_WORDS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...["true", "1", "yes", 1].map((word) => [word, true] as const),
  ...["false", "0", "no", "", 0].map((word) => [word, false] as const)
])

/**
 * Reads a plain request as the deployed daemon does, where it is more lenient: a switch may be a word, `getPort` has a key
 * and heeds nothing else, and `--help` asks for help.
 */
const leniently = (request: Request): Request => {
  const { app: _app, mode: _mode, ...rest } = request
  const { command } = request
  if (request["format"] === "json" || typeof command !== "string") return request
  if (command === "--help") return { ...rest, command: "help" }
  if (command === "getPort" && typeof request["key"] === "string") return rest
  const switches = findCommand(command)?.options.filter(({ value }) => value === undefined) ?? []
  const read = switches.flatMap(({ name }) => {
    const isOn = SWITCH_WORDS.get(request[fieldOf(name)])
    return isOn === undefined ? [] : [[fieldOf(name), isOn] as const]
  })
  return read.length === 0 ? request : { ...request, ...Object.fromEntries(read) }
}

/** Our commands that the daemon behind ours answers, because its clients mean its own. */
const THEIRS: ReadonlyArray<BuiltinCommand> = ["version", "help"]

/** The settings that only concern commands that use the ranges. */
const RANGES: ReadonlyArray<Difference["setting"]> = ["appRange", "specialRange", "reservedPorts"]

const describeDifference = ({ ours, setting, theirs }: Difference): string =>
  theirs === UNREADABLE
    ? "the settings of this environment are unreadable"
    : RANGES.includes(setting)
      ? `the daemon's ${setting} is ${quote(ours)}, and this environment's ${quote(theirs)}`
      : `the daemon serves another registry than this environment configures: ${quote(ours)}, not ${quote(theirs)}`

/** Returns when the client stops waiting, by `performance.now()`. It is sent by that clock or by the time of day. */
const deadlineOf = ({ deadline, until }: Request): number =>
  typeof deadline === "number"
    ? deadline
    : typeof until === "number"
      ? performance.now() + until - Date.now()
      : Number.POSITIVE_INFINITY

const refused = (failure: CommandError): Answered => ({ ok: false, failure })

const refuse = (code: ErrorCode, message: string, hint: string): Answered => refused({ code, message, hint })

/** Returns whether a request is `getPort` with a valid key, and without app and mode. */
const isPlainGetPort = ({ app, command, key, mode }: Request): boolean =>
  command === "getPort" &&
  typeof key === "string" &&
  keyProblem(key) === undefined &&
  (app ?? mode ?? undefined) === undefined

const operationOf = ({ operation }: Request): { readonly operation: string | undefined } | Outcome =>
  operation === undefined || operation === null
    ? { operation: undefined }
    : typeof operation === "string" && OPERATION.test(operation)
      ? { operation }
      : refuse(
          "invalid",
          `operation ${quote(operation)} is invalid: write 16 to 36 letters, digits and -`,
          "a UUID is one"
        )

/** Makes the function that turns requests into outcomes. It never rejects. `forward` is the socket of the daemon behind ours. */
export const makeRouter = (environment: Environment, forward: string | undefined) =>
  Effect.gen(function* () {
    const settings = yield* PortsConfig
    const registry = yield* Registry
    const monitor = yield* HealthMonitor
    const own = fingerprintBy((name) => settings.written.get(name), environment)
    const status = yield* makeStatus(environment)
    const http = yield* HttpControl
    const handlers = makeHandlers(environment)
    const surroundings = { helpWidth: HELP_WIDTH, socketPath: () => serverPath(environment, currentUid()) }

    const runtime = yield* Effect.runtime<Services>()
    /** Runs without tracing, which would slow down every request for spans that nothing reads. */
    const run = <A>(effect: Effect.Effect<A, never, Services>) =>
      Runtime.runPromise(runtime, Effect.withTracerEnabled(effect, false))

    /** Turns errors and bugs into outcomes. */
    const recovered = <A, R>(
      command: string,
      effect: Effect.Effect<A, RegistryError, R>,
      failed: (outcome: Outcome) => A
    ) =>
      effect.pipe(
        Effect.catchAll((error) => Effect.succeed(failed(refused(toCommandError(error))))),
        Effect.catchAllCause((cause) => Effect.map(bugIn(command, cause), (bug) => failed(refused(bug))))
      )

    /** getPort is the most frequent request, often many at once. The batch skips what only other commands need. */
    const getPort = batchGetPorts((keys) =>
      run(
        recovered<(key: string) => Outcome, never>(
          "getPort",
          Effect.map(
            registry.getSome(keys),
            (found) => (key) =>
              Either.match(found(key), {
                onLeft: (error) => refused(toCommandError(error)),
                onRight: (result) => ({ ok: true, result, text: () => printed([String(result.port)]), notes: [] })
              })
          ),
          (outcome) => () => outcome
        )
      )
    )

    const runOnRegistry = <N extends RegistryCommand>(command: N, request: Request, deadline: number) => {
      const parsed = operationOf(request)
      if (!("operation" in parsed)) return Promise.resolve(parsed)
      const work = Effect.gen(function* () {
        const payload = normalised(command, request)
        const decoded = yield* decodePayload(command, payload)
        const { notes, result } = yield* handlers[command](decoded)
        const text = () => formatResult(command, result, payload)
        return { ok: true, result, text, notes: notes.map(noteLine) } satisfies Outcome
      }).pipe(
        Effect.provideService(RequestDeadline, deadline),
        Effect.provideService(Operation, isNumberedChange(command) ? parsed.operation : undefined)
      )
      return run(recovered<Outcome, Services>(command, work, (outcome) => outcome))
    }

    const runDaemonCommand = async (command: DaemonCommand): Promise<Outcome> => {
      const pong = (): Results["ping"] => ({
        pong: true,
        pid: process.pid,
        waitSeconds: waitSeconds(settings.databaseTimeout),
        clock: Math.floor(performance.now())
      })
      const reply = (result: Results[DaemonCommand]): Outcome => ({
        ok: true,
        notes: [],
        result,
        text: () => formatResult<DaemonCommand>(command, result, {})
      })
      if (command === "ping") return reply(pong())
      if (command === "dashboard") {
        const found = await run(openDashboard(http))
        return "code" in found ? refused(found) : reply(found)
      }
      const answer = command === "probe" ? monitor.probe : status
      return run(recovered<Outcome, Services>(command, Effect.map(answer, reply), (outcome) => outcome))
    }

    /** Returns the reason that a request is refused, if there is one. */
    const refusal = (command: string, request: Request, deadline: number): Outcome | undefined => {
      if (performance.now() > deadline) return refused(toCommandError(new TooLate()))
      const difference = differenceFrom(request["registry"], own)
      const isRelevant =
        difference !== undefined && (!RANGES.includes(difference.setting) || findCommand(command)?.usesRanges === true)
      return isRelevant
        ? refuse("other-store", describeDifference(difference), "to bypass the daemon: AUTOMATELINUX_DAEMON=never")
        : undefined
    }

    const listAll = async (path: string, own: ReadonlyArray<string>): Promise<Answered> => {
      const all = [...new Set([...own, ...(await commandsOf(path))])]
      return { ok: true, notes: [], result: { commands: all }, text: () => printed(all) }
    }

    const answerBuiltin = (command: BuiltinCommand, isPlain: boolean): Outcome | Promise<Outcome> => {
      const { lines, result } = runBuiltin(command, surroundings)
      const answer: Answered = { ok: true, notes: [], result, text: () => printed(lines) }
      if (forward === undefined) return answer
      if (command === "listCommands") return listAll(forward, lines)
      return isPlain && THEIRS.includes(command) ? { ok: "elsewhere", otherwise: answer } : answer
    }

    const answerUnknown = (command: string, isPlain: boolean): Outcome => {
      const names = commandList.map((each) => each.name).join(", ")
      const otherwise = refuse("unknown-command", `Unknown command: ${asTyped(command)}`, `one of ${names}`)
      return forward !== undefined && isPlain ? { ok: "elsewhere", otherwise } : otherwise
    }

    const answerOther = (command: string, request: Request, isPlain: boolean): Outcome | Promise<Outcome> => {
      const completion = completing(request)
      return completion === undefined
        ? answerUnknown(command, isPlain)
        : run(recovered<Outcome, Services>(command, completion, (outcome) => outcome))
    }

    return async (given: Request): Promise<Outcome> => {
      const request = leniently(given)
      const { command } = request
      if (typeof command !== "string" || command === "")
        return refuse("missing-argument", "Missing required arg: command", "d listCommands")
      const deadline = deadlineOf(request)
      const outcome = refusal(command, request, deadline)
      if (outcome !== undefined) return outcome
      if (isPlainGetPort(request)) return getPort(String(request["key"]))
      const isPlain = request["format"] !== "json"
      if (isBuiltinCommand(command)) return answerBuiltin(command, isPlain)
      if (isDaemonCommand(command)) return runDaemonCommand(command)
      if (isRegistryCommand(command) && findCommand(command)?.inProcess === undefined)
        return runOnRegistry(command, request, deadline)
      return answerOther(command, request, isPlain)
    }
  })
