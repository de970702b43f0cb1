import { readFileSync, statSync } from "node:fs"
import { defaultDatabase, settingsFile } from "../config/paths.ts"
import { IDENTIFYING_NAMES, type IdentifyingName, settings, variableOf } from "../config/settings.ts"

/**
 * The settings that identify a registry, as they are in effect: a client sends them, and a daemon compares them with its own
 * before it does anything. There is no secret in them: `databaseUrl` is without user, password and parameters.
 */
export type ConfigFingerprint = Readonly<Record<IdentifyingName, string>>

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

/** Makes the fingerprint of what is `written` for each setting; undefined or "" means its default. */
export const fingerprintBy = (
  written: (name: IdentifyingName) => string | undefined,
  environment: Environment
): ConfigFingerprint => {
  const values = IDENTIFYING_NAMES.map((name) => [name, written(name) || settings[name].default])
  const { databaseUrl, ...others } = Object.fromEntries(values) as ConfigFingerprint
  return { databaseUrl: databaseOf(databaseUrl || `sqlite:${defaultDatabase(environment)}`), ...others }
}

/** Reads the configuration file; nothing if there is none. Throws if it cannot be read. */
const readSettings = (path: string): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return {}
    throw error
  }
}

/** Returns the fingerprint of the registry that this environment configures. */
export const fingerprintOf = (environment: Environment): ConfigFingerprint | typeof UNREADABLE => {
  try {
    const file = readSettings(settingsFile(environment))
    return fingerprintBy((name) => {
      const value = environment[variableOf(name)] || file[name]
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
  readonly setting: IdentifyingName
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
  const setting = IDENTIFYING_NAMES.find((name) => {
    const value = said[name]
    if (value === undefined || value === ours[name]) return false
    return name !== "databaseUrl" || !isSameFile(String(value), ours.databaseUrl)
  })
  return setting && { setting, theirs: String(said[setting]), ours: ours[setting] }
}
