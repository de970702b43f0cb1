import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Runtime from "effect/Runtime"
import { makeHandlers } from "../app/handlers.ts"
import type { Services } from "../app/layers.ts"
import { decodePayload } from "../app/payloads.ts"
import { runBuiltin } from "../commands/builtins.ts"
import {
  commandList,
  fieldOf,
  findCommand,
  isBuiltinCommand,
  isNumberedChange,
  isRegistryCommand,
  type RegistryCommand
} from "../commands/commands.ts"
import { PortsConfig } from "../config/Config.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { type RegistryError, TooLate } from "../domain/errors.ts"
import { keyProblem } from "../domain/names.ts"
import { OPERATION, Operation } from "../domain/Operation.ts"
import { RequestDeadline } from "../domain/RequestDeadline.ts"
import { Registry } from "../registry/Registry.ts"
import { type Difference, differenceFrom, fingerprintBy, UNREADABLE } from "../socket/configFingerprint.ts"
import { currentUid, serverPath } from "../socket/socketPath.ts"
import { asTyped, quote } from "../text/escape.ts"
import { formatResult } from "../text/formatResult.ts"
import { noteLine, toCommandError } from "../text/messages.ts"
import { printed } from "../text/printed.ts"
import { batchGetPorts } from "./getPortBatcher.ts"
import type { Outcome, Request } from "./server.ts"
import { makeStatus } from "./status.ts"

const HELP_WIDTH = 100

/** How long a change may take: the queue at the database, the search for a lost COMMIT, and some seconds. */
const waitSeconds = ({ stalled, total }: (typeof PortsConfig.Service)["databaseTimeout"]): number =>
  Math.ceil((total + stalled) / 1000) + 10

type Environment = Readonly<Record<string, string | undefined>>

/** A payload as the deployed clients may send it: a single name for several, null for nothing. */
const normalised = (command: string, request: Request): Record<string, unknown> => {
  const repeated =
    findCommand(command)
      ?.options.filter((option) => option.repeated)
      .map((option) => fieldOf(option.name)) ?? []
  return Object.fromEntries(
    Object.entries(request)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, repeated.includes(name) && typeof value === "string" ? [value] : value])
  )
}

/** Settings that say where ports come from, and the commands that they matter to. */
const IN_PLACE: ReadonlyArray<Difference["setting"]> = ["appRange", "specialRange", "reservedPorts"]

const describeDifference = ({ ours, setting, theirs }: Difference): string =>
  theirs === UNREADABLE
    ? "the settings of this environment cannot be read"
    : IN_PLACE.includes(setting)
      ? `the daemon's ${setting} is ${quote(ours)}, and this environment's ${quote(theirs)}`
      : `the daemon keeps another registry than this environment names: ${quote(ours)}, and not ${quote(theirs)}`

/** When the client stops waiting, by `performance.now()`: as it says by this clock, or else by the time of day. */
const deadlineOf = ({ deadline, until }: Request): number =>
  typeof deadline === "number"
    ? deadline
    : typeof until === "number"
      ? performance.now() + until - Date.now()
      : Number.POSITIVE_INFINITY

const refused = (failure: CommandError): Outcome => ({ ok: false, failure })

/** Makes what turns requests into outcomes. It never rejects. */
export const makeRouter = (environment: Environment) =>
  Effect.gen(function* () {
    const settings = yield* PortsConfig
    const registry = yield* Registry
    const own = fingerprintBy((name) => settings.written.get(name), environment)
    const status = yield* makeStatus(environment)
    const handlers = makeHandlers(environment)

    const ofRegistry = <N extends RegistryCommand>(command: N, payload: Request) =>
      Effect.gen(function* () {
        const decoded = yield* decodePayload(command, payload)
        const { notes, result } = yield* handlers[command](decoded)
        const text = () => formatResult(command, result, payload)
        return { ok: true, result, text, notes: notes.map(noteLine) } satisfies Outcome
      })

    /** Whatever fails is an outcome too. */
    const settled = <A, R>(
      command: string,
      effect: Effect.Effect<A, RegistryError, R>,
      failed: (outcome: Outcome) => A
    ) =>
      effect.pipe(
        Effect.catchAll((error) => Effect.succeed(failed(refused(toCommandError(error))))),
        Effect.catchAllCause((cause) =>
          Effect.as(
            Effect.logError(`${command} met a bug`, cause),
            failed(
              refused({
                code: "internal",
                message: "this is a bug in the daemon",
                hint: "report it with the lines in its log"
              })
            )
          )
        )
      )

    const runtime = yield* Effect.runtime<Services>()
    /** Traces of requests are read by no one, and making them slows down each. */
    const run = <A>(effect: Effect.Effect<A, never, Services>) =>
      Runtime.runPromise(runtime, Effect.withTracerEnabled(effect, false))

    /** The question that is asked most, and by many at once: it goes past everything that the others need. */
    const portOf = batchGetPorts((keys) =>
      run(
        settled<(key: string) => Outcome, never>(
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

    return async (request: Request): Promise<Outcome> => {
      const { command, registry: theirs } = request
      const operation = request["operation"] ?? undefined
      if (typeof command !== "string" || command === "") {
        return refused({ code: "missing-argument", message: "Missing required arg: command", hint: "d listCommands" })
      }
      const deadline = deadlineOf(request)
      if (performance.now() > deadline) return refused(toCommandError(new TooLate()))
      const difference = differenceFrom(theirs, own)
      if (
        difference !== undefined &&
        (!IN_PLACE.includes(difference.setting) || findCommand(command)?.usesRanges === true)
      ) {
        return refused({
          code: "other-store",
          message: describeDifference(difference),
          hint: "AUTOMATELINUX_DAEMON=never asks no daemon"
        })
      }
      const { app, key, mode } = request
      if (
        command === "getPort" &&
        typeof key === "string" &&
        keyProblem(key) === undefined &&
        (app ?? mode ?? undefined) === undefined
      ) {
        return portOf(key)
      }
      if (isBuiltinCommand(command)) {
        const { lines, result } = runBuiltin(command, {
          helpWidth: HELP_WIDTH,
          socketPath: () => serverPath(environment, currentUid())
        })
        return { ok: true, notes: [], result, text: () => printed(lines) }
      }
      if (command === "ping") {
        const clock = Math.floor(performance.now())
        const result = { pong: true, pid: process.pid, waitSeconds: waitSeconds(settings.databaseTimeout), clock }
        return { ok: true, notes: [], result, text: () => printed(["pong"]) }
      }
      if (command === "status") {
        const result = await run(status)
        return { ok: true, notes: [], result, text: () => formatResult("status", result, {}) }
      }
      if (!isRegistryCommand(command) || findCommand(command)?.inProcess === true) {
        return refused({
          code: "unknown-command",
          message: `Unknown command: ${asTyped(command)}`,
          hint: `one of ${commandList.map((each) => each.name).join(", ")}`
        })
      }
      if (operation !== undefined && !(typeof operation === "string" && OPERATION.test(operation))) {
        return refused({
          code: "invalid",
          message: `operation ${quote(operation)} is no number of a change: write 16 to 36 letters, digits and -`,
          hint: "a UUID is one"
        })
      }
      const work = ofRegistry(command, normalised(command, request)).pipe(
        Effect.provideService(RequestDeadline, deadline),
        Effect.provideService(Operation, isNumberedChange(command) ? operation : undefined)
      )
      return run(settled<Outcome, Services>(command, work, (outcome) => outcome))
    }
  })
