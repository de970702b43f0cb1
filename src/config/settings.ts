interface SettingSpec {
  /** The default value; "" if it depends on the machine or if there is none. */
  readonly default: string
  /** A different value means a different registry, or other ports from it: a daemon compares it with its client's. */
  readonly identifiesRegistry?: true
}

/** The table of settings. The compiler requires a parser for each in Config.ts. */
export const settings = {
  databaseUrl: { default: "", identifiesRegistry: true },
  passwordFile: { default: "" },
  databaseTimeout: { default: "" },
  settingsTable: { default: "settings", identifiesRegistry: true },
  appRange: { default: "3000-3499", identifiesRegistry: true },
  specialRange: { default: "3500-3999", identifiesRegistry: true },
  reservedPorts: { default: "", identifiesRegistry: true },
  host: { default: "" },
  probeInterval: { default: "30 seconds" },
  downAfter: { default: "3" },
  staleAfter: { default: "14 days" },
  staleAfterDev: { default: "30 days" },
  historyKeep: { default: "365 days" },
  logLevel: { default: "info" },
  http: { default: "off" },
  socketGroup: { default: "" },
  socketMode: { default: "" }
} as const satisfies Record<string, SettingSpec>

/** The name of a setting in the configuration file. */
export type SettingName = keyof typeof settings

export const SETTING_NAMES = Object.keys(settings) as ReadonlyArray<SettingName>

/** The settings that identify the registry. */
export type IdentifyingName = {
  [N in SettingName]: (typeof settings)[N] extends { readonly identifiesRegistry: true } ? N : never
}[SettingName]

export const IDENTIFYING_NAMES = SETTING_NAMES.filter(
  (name): name is IdentifyingName => "identifiesRegistry" in settings[name]
)

/** Returns the environment variable of a setting: AUTOMATELINUX_APP_RANGE for `appRange`. */
export const variableOf = (name: SettingName): string =>
  `AUTOMATELINUX_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
