import { readFileSync, statSync } from "node:fs"
import { defaultDatabase, settingsFile } from "../config/paths.ts"

/** The settings that decide which registry a command speaks of, with the variable of each and its default. */
const DECISIVE = {
  databaseUrl: ["DATABASE_URL", ""],
  settingsTable: ["SETTINGS_TABLE", "settings"],
  appRange: ["APP_RANGE", "3000-3499"],
  specialRange: ["SPECIAL_RANGE", "3500-3999"],
  reservedPorts: ["RESERVED_PORTS", ""]
} as const

type Decisive = keyof typeof DECISIVE
const NAMES = Object.keys(DECISIVE) as ReadonlyArray<Decisive>

/**
 * What decides which registry is meant, as it is in effect: a client sends it, and a daemon compares it with its own before
 * it does anything. There is no secret in it: `databaseUrl` is without user, password and parameters.
 */
export type ConfigFingerprint = Readonly<Record<Decisive, string>>

/** Sent by a client whose settings cannot be read: the command itself tells why. */
export const UNREADABLE = "unreadable"

type Environment = Readonly<Record<string, string | undefined>>

const MYSQL = /^(?:mysql|mariadb):\/\/(?:.*@)?([^@/?]*)\/([^/?]*)(?:\?(.*))?$/

/** Which database a URL names, whoever asks it and however. */
const databaseOf = (url: string): string => {
  if (url.startsWith("sqlite:")) return url.replace(/^sqlite:\/\/(?=\/)/, "sqlite:")
  const [, hosts = "", name = "", query = ""] = MYSQL.exec(url) ?? []
  const servers = (hosts || "localhost").split(",").map((host) => (/:\d+$/.test(host) ? host : `${host}:3306`))
  return `mysql:${new URLSearchParams(query).get("socket") ?? servers.join(",")}/${name}`
}

/** The identity by what is `written` for each setting, or nothing for its default. */
export const fingerprintBy = (
  written: (variable: string, name: Decisive) => string | undefined,
  environment: Environment
): ConfigFingerprint => {
  const values = NAMES.map((name) => {
    const [variable, fallback] = DECISIVE[name]
    return [name, written(variable, name) || fallback]
  })
  const { databaseUrl, ...others } = Object.fromEntries(values) as ConfigFingerprint
  return { databaseUrl: databaseOf(databaseUrl || `sqlite:${defaultDatabase(environment)}`), ...others }
}

/** What the file of settings says: nothing if there is none. Throws if it cannot be read. */
const readSettings = (path: string): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return {}
    throw error
  }
}

/** The identity of the registry that a command with this environment means. */
export const fingerprintOf = (environment: Environment): ConfigFingerprint | typeof UNREADABLE => {
  try {
    const file = readSettings(settingsFile(environment))
    return fingerprintBy((variable, name) => {
      const value = environment[`AUTOMATELINUX_${variable}`] || file[name]
      return value === undefined ? undefined : String(value)
    }, environment)
  } catch {
    return UNREADABLE
  }
}

const isSameFile = (one: string, other: string): boolean => {
  const [first, second] = [one, other].map((url) =>
    url.startsWith("sqlite:") ? statSync(url.slice("sqlite:".length), { throwIfNoEntry: false }) : undefined
  )
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino
}

/** A setting in which a client and a daemon differ, with what each of them says. */
export interface Difference {
  readonly setting: Decisive
  readonly theirs: string
  readonly ours: string
}

/**
 * In which setting the registry that a client means differs from `ours`, if it does. Clients that do not say, as other
 * programs do, mean ours.
 */
export const differenceFrom = (theirs: unknown, ours: ConfigFingerprint): Difference | undefined => {
  if (theirs === undefined) return undefined
  const said = (typeof theirs === "object" && theirs !== null ? theirs : { databaseUrl: theirs }) as Record<
    string,
    unknown
  >
  const setting = NAMES.find((name) => {
    const value = said[name]
    if (value === undefined || value === ours[name]) return false
    return name !== "databaseUrl" || !isSameFile(String(value), ours.databaseUrl)
  })
  return setting && { setting, theirs: String(said[setting]), ours: ours[setting] }
}
