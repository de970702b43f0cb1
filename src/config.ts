import { readFileSync } from "node:fs"
import { homedir, hostname, userInfo } from "node:os"
import { isAbsolute, join } from "node:path"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type Database, parseDatabase } from "./domain/Database.ts"
import { WrongConfig } from "./domain/errors.ts"
import { formatRange, overlaps, type PortRange, parseRange } from "./domain/PortRange.ts"
import { configureReserved, type Reserved } from "./domain/reserved.ts"
import { quote } from "./domain/rules.ts"

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
    /** How long anything of the database is waited for. */
    readonly patience: Duration.Duration
    readonly settingsTable: string
    readonly appRange: PortRange
    readonly specialRange: PortRange
    readonly reserved: Reserved
    readonly actor: Actor
  }
>() {}

type Environment = Readonly<Record<string, string | undefined>>

const PREFIX = "AUTOMATELINUX_"

/** Every variable of ours; the file has the same names, in lower camel case and without the prefix. */
const NAMES = [
  "DATABASE_URL",
  "DATABASE_TIMEOUT",
  "SETTINGS_TABLE",
  "APP_RANGE",
  "SPECIAL_RANGE",
  "RESERVED_PORTS",
  "HOST"
] as const
type Name = (typeof NAMES)[number]

const OWN_TABLES = ["port_claims", "port_keys", "port_reserved", "port_history", "port_registry"]

const camel = (name: string): string => name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

/** A directory by the XDG rules: a relative or empty value counts as none. */
const xdg = (environment: Environment, variable: string, fallback: string): string => {
  const value = environment[variable]
  return value !== undefined && isAbsolute(value) ? value : join(environment["HOME"] || homedir(), fallback)
}

const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`
  }
}

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

const duration = (text: string): Either.Either<Duration.Duration, string> =>
  Option.match(/^\d+(\.\d+)? [a-z]+$/.test(text) ? Duration.decodeUnknown(text) : Option.none(), {
    onNone: () =>
      Either.left(`${quote(text)} is not a duration: write a number and a unit, like 5 seconds or 500 millis`),
    onSome: (value) =>
      Duration.toMillis(value) > 0
        ? Either.right(value)
        : Either.left(`${quote(text)} is no time at all: write more than zero`)
  })

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

const settings = (environment: Environment, nameOf: (name: Name) => string) =>
  Config.all({
    database: setting<Database>(
      "DATABASE_URL",
      { _tag: "Sqlite", path: join(xdg(environment, "XDG_STATE_HOME", ".local/state"), "automatelinux/ports.sqlite") },
      parseDatabase
    ),
    patience: setting("DATABASE_TIMEOUT", Duration.seconds(5), duration),
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
    host: setting("HOST", hostname(), (text) =>
      /^[A-Za-z0-9._-]{1,255}$/.test(text)
        ? Either.right(text)
        : Either.left(`${quote(text)} is not the name of a host: use letters, digits, '.', '_' and '-'`)
    )
  })

/** What the file says, by variable. A missing file says nothing. */
const readFile = (path: string): Either.Either<ReadonlyMap<string, string>, WrongConfig> => {
  const wrong = (problem: string) => Either.left(new WrongConfig({ setting: path, problem }))
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    return code === "ENOENT" || code === "ENOTDIR" ? Either.right(new Map()) : wrong(`cannot be read (${code})`)
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    return wrong(`is not JSON: ${(cause as Error).message}`)
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return wrong('is not a JSON object: write {"appRange": "3000-3499"}')
  }
  const values = new Map<string, string>()
  for (const [key, value] of Object.entries(content)) {
    const name = NAMES.find((each) => camel(each) === key)
    if (name === undefined) return wrong(`has ${quote(key)}, which is no setting: use ${NAMES.map(camel).join(", ")}`)
    if (typeof value !== "string" && typeof value !== "number")
      return wrong(`gives ${key} as ${quote(value)}: write it as text, between quotes`)
    values.set(PREFIX + name, String(value))
  }
  return Either.right(values)
}

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
    const path = join(xdg(environment, "XDG_CONFIG_HOME", ".config"), "automatelinux/ports.json")
    const file = yield* readFile(path)
    const given = NAMES.flatMap((name): Array<[string, string]> => {
      const value = environment[PREFIX + name] || file.get(PREFIX + name)
      return value ? [[PREFIX + name, value]] : []
    })
    const nameOf = (name: string): string =>
      environment[PREFIX + name] || !file.get(PREFIX + name) ? PREFIX + name : `${camel(name)} in ${path}`
    const { host, ...values } = yield* ConfigProvider.fromMap(new Map(given), { pathDelim: "/" })
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
    return { ...values, actor: { host, user: userName(), program } }
  })

export const layer = (environment: Environment, program: string): Layer.Layer<PortsConfig, WrongConfig> =>
  Layer.effect(PortsConfig, readConfig(environment, program))
