import { hostname } from "node:os"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { WrongConfig } from "../domain/errors.ts"
import { blankProblem } from "../domain/names.ts"
import { formatRange, overlaps, type PortRange, parseRange } from "../domain/PortRange.ts"
import type { Thresholds } from "../domain/portHealth.ts"
import { configureReserved, type Reserved } from "../domain/reservedPorts.ts"
import { userName } from "../machine/user.ts"
import { quote } from "../text/escape.ts"
import { camel, NAMES, type Name, PREFIX, readFile } from "./configFile.ts"
import { type Database, parseDatabase } from "./databaseUrl.ts"
import { defaultDatabase, settingsFile } from "./paths.ts"

/** Who makes a change, for claims and history. */
export interface Actor {
  readonly host: string
  readonly user: string
  readonly program: string
}

/** Everything that can be configured, checked. */
export class PortsConfig extends Context.Tag("PortsConfig")<
  PortsConfig,
  {
    readonly database: Database
    /** How long anything of the database is waited for, in milliseconds: as long as nothing moves, and in all. */
    readonly databaseTimeout: { readonly stalled: number; readonly total: number }
    readonly settingsTable: string
    readonly appRange: PortRange
    readonly specialRange: PortRange
    readonly reserved: Reserved
    readonly actor: Actor
    /** How often the daemon looks at the ports. */
    readonly probeInterval: Duration.Duration
    readonly thresholds: Thresholds
    readonly logLevel: LogLevel.LogLevel
    /** Who may use the daemon's socket besides its owner. */
    readonly socketGroup: string | undefined
    /** Each setting as it was written, or its default, by variable. */
    readonly written: ReadonlyMap<string, string>
    /** The file that says what the environment does not, whether or not there is one. */
    readonly file: string
    /** The settings that the file decides, by variable. */
    readonly fromFile: ReadonlySet<string>
  }
>() {}

const OWN_TABLES = [
  "port_claims",
  "port_keys",
  "port_owners",
  "port_reserved",
  "port_history",
  "port_registry",
  "port_health"
]

type Environment = Readonly<Record<string, string | undefined>>

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

/** Timers count no further, and one that is to wait longer ends at once or never. */
const TIMER_MAX_DAYS = 24

const duration = (text: string): Either.Either<Duration.Duration, string> =>
  Option.match(/^\d+(\.\d+)? [a-z]+$/.test(text) ? Duration.decodeUnknown(text) : Option.none(), {
    onNone: () =>
      Either.left(`${quote(text)} is not a duration: write a number and a unit, like 5 seconds or 500 millis`),
    onSome: (value) =>
      Duration.toMillis(value) > 0
        ? Either.right(value)
        : Either.left(`${quote(text)} is no time at all: write more than zero`)
  })

/** A duration that something waits for. */
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
    : OWN_TABLES.includes(text.toLowerCase())
      ? Either.left(`${quote(text)} is a table the registry keeps for itself: name another`)
      : Either.right(text)

/** Text → value, with the sentence for a wrong one; `WrongConfig` puts the setting's name before it. */
const setting = <A>(name: Name, fallback: A, parse: (text: string) => Either.Either<A, string>): Config.Config<A> =>
  Config.string(PREFIX + name).pipe(
    Config.mapOrFail((text) =>
      Either.mapLeft(parse(text), (problem) => ConfigError.InvalidData([PREFIX + name], problem))
    ),
    Config.withDefault(fallback)
  )

const whole = (text: string): Either.Either<number, string> =>
  /^[1-9][0-9]{0,3}$/.test(text)
    ? Either.right(Number(text))
    : Either.left(`${quote(text)} is not a whole number from 1 to 9999`)

const LOG_LEVELS = ["debug", "info", "warning", "error", "none"]

const logLevel = (text: string): Either.Either<LogLevel.LogLevel, string> =>
  LOG_LEVELS.includes(text)
    ? Either.right(LogLevel.fromLiteral((text.slice(0, 1).toUpperCase() + text.slice(1)) as LogLevel.Literal))
    : Either.left(`${quote(text)} is not a level: write one of ${LOG_LEVELS.join(", ")}`)

const group = (text: string): Either.Either<string, string> =>
  /^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(text)
    ? Either.right(text)
    : Either.left(`${quote(text)} is not the name of a group`)

/** A column of 255 characters has it with `watched:` before it. */
export const HOST_MAX = 247

const hostFrom = (text: string): Either.Either<string, string> =>
  text.length > HOST_MAX
    ? Either.left(`${quote(text)} is ${text.length} characters long: the name of a host has at most ${HOST_MAX}`)
    : /^[A-Za-z0-9._-]+$/.test(text)
      ? Either.right(text)
      : Either.left(`${quote(text)} is not the name of a host: use letters, digits, '.', '_' and '-'`)

/** The system's name for this host, as far as it may be one: Linux takes any bytes. */
const systemHost = (): string =>
  hostname()
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, HOST_MAX) || "localhost"

const settings = (environment: Environment, nameOf: (name: Name) => string) =>
  Config.all({
    database: setting<Database>("DATABASE_URL", { _tag: "Sqlite", path: defaultDatabase(environment) }, parseDatabase),
    probeInterval: setting("PROBE_INTERVAL", Duration.seconds(30), wait),
    downAfter: setting("DOWN_AFTER", 3, whole),
    staleAfter: setting("STALE_AFTER", Duration.days(14), duration),
    staleAfterDev: setting("STALE_AFTER_DEV", Duration.days(30), duration),
    logLevel: setting("LOG_LEVEL", LogLevel.Info, logLevel),
    socketGroup: setting<string | undefined>("SOCKET_GROUP", undefined, group),
    databaseTimeout: setting("DATABASE_TIMEOUT", { stalled: 5000, total: 60_000 }, (text) =>
      Either.map(wait(text), (limit) => ({ stalled: Duration.toMillis(limit), total: Duration.toMillis(limit) }))
    ),
    settingsTable: setting("SETTINGS_TABLE", "settings", tableFrom),
    appRange: setting("APP_RANGE", { first: 3000, last: 3499 }, (text) => Either.flatMap(ranged(text), evenToOdd)),
    specialRange: setting("SPECIAL_RANGE", { first: 3500, last: 3999 }, ranged),
    reserved: setting("RESERVED_PORTS", "", Either.right).pipe(
      Config.mapOrFail((text) => {
        const result = configureReserved(text, `reserved by ${nameOf("RESERVED_PORTS")}`)
        return "reserved" in result
          ? Either.right(result.reserved)
          : Either.left(
              ConfigError.InvalidData(
                [`${PREFIX}RESERVED_PORTS`],
                `${quote(result.wrong)} is neither a port nor a range: write items like 3128, 3200-3210, or -3306 to take one out`
              )
            )
      })
    ),
    host: setting("HOST", systemHost(), hostFrom)
  })

/** How the defaults would be written; "" stands for what cannot be. */
const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ["DATABASE_TIMEOUT", ""],
  ["SETTINGS_TABLE", "settings"],
  ["APP_RANGE", "3000-3499"],
  ["SPECIAL_RANGE", "3500-3999"],
  ["RESERVED_PORTS", ""],
  ["PROBE_INTERVAL", "30 seconds"],
  ["DOWN_AFTER", "3"],
  ["STALE_AFTER", "14 days"],
  ["STALE_AFTER_DEV", "30 days"],
  ["LOG_LEVEL", "info"],
  ["SOCKET_GROUP", ""]
])

/** Where files of ours are looked for by default. */
const DIRECTORIES = ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"]

/** The first fault that a ConfigError carries. */
const firstFault = (
  error: ConfigError.ConfigError
): { readonly path: ReadonlyArray<string>; readonly message: string } =>
  error._op === "And" || error._op === "Or" ? firstFault(error.left) : error

/**
 * The configuration: environment over file over defaults. A variable that is set to nothing counts as not set.
 *
 * @param program what the history calls the program that makes the changes
 */
export const readConfig = (
  environment: Environment,
  program: string
): Effect.Effect<typeof PortsConfig.Service, WrongConfig> =>
  Effect.gen(function* () {
    for (const variable of DIRECTORIES) {
      const problem = blankProblem(environment[variable] ?? "")
      if (problem !== undefined)
        return yield* new WrongConfig({ setting: variable, problem: `${quote(environment[variable])} ${problem}` })
    }
    const path = settingsFile(environment)
    const file = yield* readFile(path)
    const given = NAMES.flatMap((name): Array<[string, string]> => {
      const value = environment[PREFIX + name] || file.get(PREFIX + name)
      return value ? [[PREFIX + name, value]] : []
    })
    const nameOf = (name: string): string =>
      environment[PREFIX + name] || !file.get(PREFIX + name) ? PREFIX + name : `${camel(name)} in ${path}`
    const { downAfter, host, staleAfter, staleAfterDev, ...values } = yield* ConfigProvider.fromMap(new Map(given), {
      pathDelim: "/"
    })
      .load(settings(environment, nameOf))
      .pipe(
        Effect.mapError((error) => {
          const { message, path: at } = firstFault(error)
          return new WrongConfig({ setting: nameOf((at[0] ?? "").slice(PREFIX.length)), problem: message })
        })
      )
    if (overlaps(values.appRange, values.specialRange)) {
      return yield* new WrongConfig({
        setting: nameOf("SPECIAL_RANGE"),
        problem: `${quote(formatRange(values.specialRange))} overlaps the app range ${formatRange(values.appRange)}: keep them apart`
      })
    }
    const written = new Map<string, string>([
      ...DEFAULTS,
      ["DATABASE_URL", `sqlite:${defaultDatabase(environment)}`],
      ["HOST", hostname()],
      ...given.map(([name, value]) => [name.slice(PREFIX.length), value] as const)
    ])
    const thresholds = {
      downAfter,
      staleAfter: Duration.toSeconds(staleAfter),
      staleAfterDev: Duration.toSeconds(staleAfterDev)
    }
    const fromFile = new Set(NAMES.filter((name) => !environment[PREFIX + name] && file.get(PREFIX + name)))
    return { ...values, thresholds, written, file: path, fromFile, actor: { host, user: userName(), program } }
  })

/** What a process that was started with other settings has to be told of those that are in effect now. */
export interface SettingsChange {
  /** The settings that differ, as the file has them. Their values may be secret. */
  readonly changed: ReadonlyArray<string>
  /** Why a process that starts now cannot use them, in one sentence. */
  readonly problem: WrongConfig | undefined
}

/** Compares `settings` with what a process of the same environment would read now. */
export const changeSince = (
  settings: typeof PortsConfig.Service,
  environment: Environment
): Effect.Effect<SettingsChange> =>
  Effect.match(readConfig(environment, settings.actor.program), {
    onFailure: (problem) => ({ changed: [], problem }),
    onSuccess: ({ written }) => ({
      changed: NAMES.filter((name) => written.get(name) !== settings.written.get(name)).map(camel),
      problem: undefined
    })
  })
