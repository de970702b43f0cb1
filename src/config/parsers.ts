import { isAbsolute } from "node:path"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import type { Environment } from "../domain/Environment.ts"
import type { WrongConfig } from "../domain/errors.ts"
import { blankProblem, OWN_TABLES } from "../domain/names.ts"
import { formatRange, type PortRange, parseRange } from "../domain/PortRange.ts"
import { configureReserved } from "../domain/reservedPorts.ts"
import { quote } from "../text/escape.ts"
import { type Database, parseDatabase } from "./databaseUrl.ts"
import { HOST_MAX, systemHost } from "./hostName.ts"
import { defaultDatabase } from "./paths.ts"
import type { SettingName } from "./settings.ts"

/** What the text of each setting may be, and what it means. */

const DATABASE_TIMEOUT = { stalled: 5000, total: 60_000 }

const ranged = (text: string): Either.Either<PortRange, string> => {
  const range = parseRange(text)
  return range === undefined || range.first < 1024
    ? Either.left(
        `${quote(text)} is not a range of ports: write two ports of 1024-65535 with a dash between, like 3000-3499`
      )
    : Either.right(range)
}

const evenToOdd = (range: PortRange): Either.Either<PortRange, string> =>
  range.first % 2 === 0 && range.last % 2 === 1
    ? Either.right(range)
    : Either.left(
        `${quote(formatRange(range))} does not start even and end odd, as whole pairs need: write it like 3000-3499`
      )

/** The shortest time for which the history is kept. */
const KEEP_MIN = Duration.days(1)

/** The longest timer: one that is set for longer fires immediately or never. */
const TIMER_MAX_DAYS = 24

const duration = (text: string): Either.Either<Duration.Duration, string> =>
  Option.match(/^\d+(\.\d+)? [a-z]+$/.test(text) ? Duration.decodeUnknown(text) : Option.none(), {
    onNone: () =>
      Either.left(`${quote(text)} is not a duration: write a number and a unit, like 5 seconds or 500 millis`),
    onSome: (value) =>
      Duration.toMillis(value) > 0 ? Either.right(value) : Either.left(`${quote(text)} is zero: write a longer time`)
  })

/** Parses a duration that a timer is set to. */
const wait = (text: string): Either.Either<Duration.Duration, string> =>
  Either.filterOrLeft(
    duration(text),
    (value) => Duration.toDays(value) <= TIMER_MAX_DAYS,
    () => `${quote(text)} is too long to wait for: write at most ${TIMER_MAX_DAYS} days`
  )

const tableFrom = (text: string): Either.Either<string, string> =>
  !/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(text)
    ? Either.left(
        `${quote(text)} is not the name of a table: use up to 64 letters, digits and '_', beginning with no digit`
      )
    : OWN_TABLES.some((each) => each === text.toLowerCase())
      ? Either.left(`${quote(text)} is one of the registry's own tables: choose another name`)
      : Either.right(text)

const whole = (text: string): Either.Either<number, string> =>
  /^[1-9][0-9]{0,3}$/.test(text)
    ? Either.right(Number(text))
    : Either.left(`${quote(text)} is not a whole number from 1 to 9999`)

const LOG_LEVELS = ["debug", "info", "warning", "error", "none"]

const logLevel = (text: string): Either.Either<LogLevel.LogLevel, string> =>
  LOG_LEVELS.includes(text)
    ? Either.right(LogLevel.fromLiteral((text.slice(0, 1).toUpperCase() + text.slice(1)) as LogLevel.Literal))
    : Either.left(`${quote(text)} is not a level: write one of ${LOG_LEVELS.join(", ")}`)

const onOrOff = (text: string): Either.Either<boolean, string> =>
  text === "on" || text === "off"
    ? Either.right(text === "on")
    : Either.left(`${quote(text)} is neither on nor off: write one of them`)

const group = (text: string): Either.Either<string, string> =>
  /^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(text)
    ? Either.right(text)
    : Either.left(`${quote(text)} is not the name of a group: use letters, digits, _ and -`)

/** Parses permissions as chmod has them. The owner of a socket may always use it, and there is nothing to execute. */
const modeFrom = (text: string): Either.Either<number, string> =>
  /^0?6[0246][0246]$/.test(text)
    ? Either.right(Number.parseInt(text, 8))
    : Either.left(`${quote(text)} is not the mode of a socket: write 0600, 0660 or 0666`)

const hostFrom = (text: string): Either.Either<string, string> =>
  text.length > HOST_MAX
    ? Either.left(`${quote(text)} is ${text.length} characters long: the name of a host has at most ${HOST_MAX}`)
    : /^[A-Za-z0-9._-]+$/.test(text)
      ? Either.right(text)
      : Either.left(`${quote(text)} is not the name of a host: use letters, digits, '.', '_' and '-'`)

const absolutePath = (text: string): Either.Either<string, string> => {
  const problem = isAbsolute(text) ? blankProblem(text) : "is not an absolute path: write it from / on, without ~"
  return problem === undefined ? Either.right(text) : Either.left(`${quote(text)} ${problem}`)
}

/** Parses the text of a setting; the error names the place of the setting. */
export type Parse = <A>(
  name: SettingName,
  parser: (text: string) => Either.Either<A, string>
) => Either.Either<A, WrongConfig>

/** Parses every setting. Its text is "" if it is not configured and has no default. */
export const parseAll = (parse: Parse, environment: Environment, reservedBy: string) =>
  Either.all({
    databaseUrl: parse(
      "databaseUrl",
      (text): Either.Either<Database, string> =>
        text === "" ? Either.right({ _tag: "Sqlite", path: defaultDatabase(environment) }) : parseDatabase(text)
    ),
    passwordFile: parse("passwordFile", (text) => (text === "" ? Either.right(undefined) : absolutePath(text))),
    databaseTimeout: parse("databaseTimeout", (text) =>
      text === ""
        ? Either.right(DATABASE_TIMEOUT)
        : Either.map(wait(text), (limit) => ({ stalled: Duration.toMillis(limit), total: Duration.toMillis(limit) }))
    ),
    settingsTable: parse("settingsTable", tableFrom),
    appRange: parse("appRange", (text) => Either.flatMap(ranged(text), evenToOdd)),
    specialRange: parse("specialRange", ranged),
    reservedPorts: parse("reservedPorts", (text) => {
      const result = configureReserved(text, reservedBy)
      return "reserved" in result
        ? Either.right(result.reserved)
        : Either.left(
            `${quote(result.wrong)} is neither a port nor a range: write items like 3128, 3200-3210, or -3306 to remove one`
          )
    }),
    host: parse("host", (text) => (text === "" ? Either.right(systemHost()) : hostFrom(text))),
    probeInterval: parse("probeInterval", wait),
    downAfter: parse("downAfter", whole),
    staleAfter: parse("staleAfter", duration),
    staleAfterDev: parse("staleAfterDev", duration),
    historyKeep: parse("historyKeep", (text) =>
      Either.filterOrLeft(
        duration(text),
        (value) => Duration.toMillis(value) >= Duration.toMillis(KEEP_MIN),
        () =>
          `${quote(text)} is too short: a change that is sent again is known by its history, so write at least 1 day`
      )
    ),
    logLevel: parse("logLevel", logLevel),
    http: parse("http", onOrOff),
    socketGroup: parse("socketGroup", (text) => (text === "" ? Either.right(undefined) : group(text))),
    socketMode: parse("socketMode", (text) => (text === "" ? Either.right(undefined) : modeFrom(text)))
  } satisfies Record<SettingName, Either.Either<unknown, WrongConfig>>)
