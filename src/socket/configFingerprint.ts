import { statSync } from "node:fs"
import { systemHost } from "../config/hostName.ts"
import { defaultDatabase, settingsFile } from "../config/paths.ts"
import { IDENTIFYING_NAMES, type IdentifyingName, settings, variableOf } from "../config/settings.ts"
import { settingsText } from "../config/settingsText.ts"
import type { Environment } from "../domain/Environment.ts"

/**
 * The effective values of the settings that identify a registry: a client sends them, and a daemon compares them with
 * its own before it does anything. They contain no secrets: `databaseUrl` is without user, password and parameters.
 */
export type ConfigFingerprint = Readonly<Record<IdentifyingName, string>>

/** Sent by a client that cannot read its settings. The daemon refuses it, and the command reports the error itself. */
export const UNREADABLE = "unreadable"

const MYSQL = /^(?:mysql|mariadb):\/\/(?:.*@)?([^@/?]*)\/([^/?]*)(?:\?(.*))?$/

/** Returns the database that a URL names, regardless of user and connection parameters. Throws if it names none. */
const databaseOf = (url: string): string => {
  if (url.startsWith("sqlite:")) return url.replace(/^sqlite:\/\/(?=\/)/, "sqlite:")
  const found = MYSQL.exec(url)
  if (found === null) throw new TypeError("no URL of a database")
  const [, hosts = "", name = "", query = ""] = found
  const servers = (hosts || "localhost").split(",").map((host) => (/:\d+$/.test(host) ? host : `${host}:3306`))
  return `mysql:${new URLSearchParams(query).get("socket") ?? servers.join(",")}/${name}`
}

/** Makes a fingerprint. `written` returns the text of a setting; undefined or "" means its default. */
export const fingerprintBy = (
  written: (name: IdentifyingName) => string | undefined,
  environment: Environment
): ConfigFingerprint => {
  const values = IDENTIFYING_NAMES.map((name) => [name, written(name) || settings[name].default])
  const { databaseUrl, ...others } = Object.fromEntries(values) as ConfigFingerprint
  return { databaseUrl: databaseOf(databaseUrl || `sqlite:${defaultDatabase(environment)}`), ...others }
}

/** Reads the settings file. Throws if it is wrong. */
const readSettings = (environment: Environment): Readonly<Record<string, unknown>> =>
  JSON.parse(settingsText(settingsFile(environment)) ?? "{}")

/** Returns the fingerprint of the registry that this environment configures. */
export const fingerprintOf = (environment: Environment): ConfigFingerprint | typeof UNREADABLE => {
  try {
    const file = readSettings(environment)
    return fingerprintBy((name) => {
      const value = environment[variableOf(name)] || file[name]
      return value === undefined ? undefined : String(value)
    }, environment)
  } catch {
    return UNREADABLE
  }
}

/** Names a registry by its database and its table, whatever else is configured. */
export const registryBy = ({ databaseUrl, settingsTable }: ConfigFingerprint): string =>
  `${databaseUrl} ${settingsTable}`

/** Names the registry that this environment configures. */
export const registryOf = (environment: Environment): string => {
  const found = fingerprintOf(environment)
  return found === UNREADABLE ? UNREADABLE : registryBy(found)
}

/** Returns the name of this host, as claims have it. */
export const hostOf = (environment: Environment): string => {
  const name = variableOf("host")
  try {
    return environment[name] || String(readSettings(environment)["host"] || "") || systemHost()
  } catch {
    return systemHost()
  }
}

const isSameFile = (one: string, other: string): boolean => {
  const [first, second] = [one, other].map((url) =>
    url.startsWith("sqlite:") ? statSync(url.slice("sqlite:".length), { throwIfNoEntry: false }) : undefined
  )
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino
}

/** A setting in which a client and a daemon differ, with the value of each. */
export interface Difference {
  readonly setting: IdentifyingName
  readonly theirs: string
  readonly ours: string
}

/**
 * Returns the setting in which a client's registry differs from `ours`, if any. A client that sends no fingerprint, as
 * other programs do, is assumed to mean ours.
 */
export const differenceFrom = (theirs: unknown, ours: ConfigFingerprint): Difference | undefined => {
  if (theirs === undefined || theirs === null) return undefined
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
