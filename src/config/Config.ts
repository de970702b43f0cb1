import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as LogLevel from "effect/LogLevel"
import type { Environment } from "../domain/Environment.ts"
import { WrongConfig } from "../domain/errors.ts"
import { blankProblem } from "../domain/names.ts"
import { formatRange, overlaps, type PortRange } from "../domain/PortRange.ts"
import type { Thresholds } from "../domain/portHealth.ts"
import type { Reserved } from "../domain/reservedPorts.ts"
import { userName } from "../machine/user.ts"
import { quote } from "../text/escape.ts"
import { readConfigFile } from "./configFile.ts"
import type { Database } from "./databaseUrl.ts"
import { systemHost } from "./hostName.ts"
import { type Parse, parseAll } from "./parsers.ts"
import { type Origin, withPasswordFile } from "./passwordFile.ts"
import { defaultDatabase, settingsFile } from "./paths.ts"
import { SETTING_NAMES, type SettingName, settings, variableOf } from "./settings.ts"

/** The author of a change, for claims and history. */
export interface Actor {
  readonly host: string
  readonly user: string
  readonly program: string
}

/** The validated configuration. */
export class PortsConfig extends Context.Tag("PortsConfig")<
  PortsConfig,
  {
    readonly database: Database
    /** How long to wait for the database, in milliseconds: without any progress, and in total. */
    readonly databaseTimeout: { readonly stalled: number; readonly total: number }
    readonly settingsTable: string
    readonly appRange: PortRange
    readonly specialRange: PortRange
    readonly reserved: Reserved
    readonly actor: Actor
    /** How often the daemon probes the ports. */
    readonly probeInterval: Duration.Duration
    readonly thresholds: Thresholds
    /** How long the history is kept. */
    readonly historyKeep: Duration.Duration
    readonly logLevel: LogLevel.LogLevel
    /** Whether the daemon serves HTTP on this machine. */
    readonly http: boolean
    /** The group that may use the daemon's socket, in addition to its owner. */
    readonly socketGroup: string | undefined
    /** The permissions of the daemon's socket; by default only its owner's, and the group's if there is one. */
    readonly socketMode: number | undefined
    /** The text of each setting. */
    readonly written: ReadonlyMap<SettingName, string>
    /** The path of the configuration file, whether or not there is one. */
    readonly file: string
    /** The settings that come from the file. */
    readonly fromFile: ReadonlySet<SettingName>
  }
>() {}

/** The variables that the default paths of our files depend on. */
const DIRECTORIES = ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"]

/**
 * Reads the configuration. The environment overrides the file, and the file overrides the defaults. An empty variable
 * counts as unset.
 *
 * @param program the name that the history records for the program that makes the changes
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
    const file = yield* readConfigFile(path)
    const inEnvironment = (name: SettingName) => environment[variableOf(name)] || undefined
    const inFile = (name: SettingName) => file.get(name) || undefined
    const isFromFile = (name: SettingName) => inEnvironment(name) === undefined && inFile(name) !== undefined
    /** Names the place where a setting is, or would be, configured. */
    const nameOf = (name: SettingName) => (isFromFile(name) ? `${name} in ${path}` : variableOf(name))

    const parse: Parse = (name, parser) =>
      Either.mapLeft(
        parser(inEnvironment(name) ?? inFile(name) ?? settings[name].default),
        (problem) => new WrongConfig({ setting: nameOf(name), problem })
      )
    const values = yield* parseAll(parse, environment, `listed in ${nameOf("reservedPorts")}`)
    const { appRange, specialRange } = values
    if (overlaps(appRange, specialRange)) {
      const isSet = (name: SettingName) => (inEnvironment(name) ?? inFile(name)) !== undefined
      const problemOf = (range: PortRange, other: string, its: PortRange) =>
        `${quote(formatRange(range))} overlaps the ${other} range ${formatRange(its)}: keep them apart`
      return yield* isSet("specialRange")
        ? new WrongConfig({ setting: nameOf("specialRange"), problem: problemOf(specialRange, "app", appRange) })
        : new WrongConfig({ setting: nameOf("appRange"), problem: problemOf(appRange, "special", specialRange) })
    }

    const originOf = (name: SettingName): Origin => ({ name: nameOf(name), fromFile: isFromFile(name) })
    const database = yield* withPasswordFile(
      values.databaseUrl,
      values.passwordFile,
      originOf("databaseUrl"),
      originOf("passwordFile")
    )

    const unset: Partial<Record<SettingName, string>> = {
      databaseUrl: `sqlite:${defaultDatabase(environment)}`,
      host: systemHost()
    }
    const textOf = (name: SettingName) => inEnvironment(name) ?? inFile(name) ?? unset[name] ?? settings[name].default
    return {
      database,
      databaseTimeout: values.databaseTimeout,
      settingsTable: values.settingsTable,
      appRange,
      specialRange,
      reserved: values.reservedPorts,
      actor: { host: values.host, user: userName(), program },
      probeInterval: values.probeInterval,
      thresholds: {
        downAfter: values.downAfter,
        staleAfter: Duration.toSeconds(values.staleAfter),
        staleAfterDev: Duration.toSeconds(values.staleAfterDev)
      },
      historyKeep: values.historyKeep,
      logLevel: values.logLevel,
      http: values.http,
      socketGroup: values.socketGroup,
      socketMode: values.socketMode,
      written: new Map(SETTING_NAMES.map((name) => [name, textOf(name)])),
      file: path,
      fromFile: new Set(SETTING_NAMES.filter(isFromFile))
    }
  })

/** How the settings have changed since a process was started. */
interface SettingsChange {
  /** The names of the settings that differ. Their values may be secret. */
  readonly changed: ReadonlyArray<string>
  /** Why a process that starts now could not use them. */
  readonly problem: WrongConfig | undefined
}

/** Compares `before` with what a process in the same environment would read now. */
export const changeSince = (
  before: typeof PortsConfig.Service,
  environment: Environment
): Effect.Effect<SettingsChange> =>
  Effect.match(readConfig(environment, before.actor.program), {
    onFailure: (problem) => ({ changed: [], problem }),
    onSuccess: ({ written }) => ({
      changed: SETTING_NAMES.filter((name) => written.get(name) !== before.written.get(name)),
      problem: undefined
    })
  })
