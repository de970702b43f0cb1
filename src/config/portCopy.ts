import { readFileSync } from "node:fs"
import { join } from "node:path"
import { digest } from "../domain/digest.ts"
import type { Environment } from "../domain/Environment.ts"
import { findFile, replace } from "../machine/replaceFile.ts"
import { tryRead } from "../machine/tryRead.ts"
import { stateDirectory } from "./paths.ts"

/**
 * The ports that this host knew last, in a file, for who would rather start with an old port than wait for a registry that is
 * away. Nothing is ever decided or changed by it.
 */

/** A port, and when it was seen in the registry: ISO 8601, UTC. */
export interface KnownPort {
  readonly port: number
  readonly at: string
}

export type KnownPorts = ReadonlyMap<string, KnownPort>

/** How old what is known may become before it is written again although nothing has changed, in milliseconds. */
const RENEWED_MS = 300_000

/** Each registry has a file of its own: a host may use several. */
const fileOf = (environment: Environment, registry: string): string =>
  join(stateDirectory(environment), `last-known-ports.${digest(registry)}.json`)

const isKnownPort = (value: unknown): value is KnownPort =>
  typeof value === "object" &&
  value !== null &&
  "port" in value &&
  Number.isInteger(value.port) &&
  "at" in value &&
  typeof value.at === "string"

/** Returns the ports that were known last of `registry`, which is its fingerprint as text. */
export const readKnownPorts = (environment: Environment, registry: string): KnownPorts =>
  tryRead(() => {
    const found = JSON.parse(readFileSync(fileOf(environment, registry), "utf8"))
    const entries: ReadonlyArray<[string, unknown]> = Object.entries(found.registry === registry ? found.ports : {})
    return new Map(entries.flatMap(([key, value]) => (isKnownPort(value) ? [[key, value] as const] : [])))
  }, new Map())

/** Writes the ports that are known of `registry`, unless that would say nothing new. Throws the system's error. */
export const writeKnownPorts = (environment: Environment, registry: string, known: KnownPorts): void => {
  const before = readKnownPorts(environment, registry)
  const isOld = ({ at }: KnownPort, now: KnownPort) => Date.parse(now.at) - Date.parse(at) >= RENEWED_MS
  const isNews = [...known].some(([key, now]) => {
    const was = before.get(key)
    return was === undefined || was.port !== now.port || isOld(was, now)
  })
  if (!isNews && before.size === known.size) return
  const text = JSON.stringify({ registry, ports: Object.fromEntries(known) })
  replace(findFile(fileOf(environment, registry)), `${text}\n`, 0o600)
}

/** Keeps what the registry has just said of a key, undefined if it has no port, if there is anywhere to keep it. */
export const rememberPort = (
  environment: Environment,
  registry: string,
  key: string,
  port: number | undefined
): void => {
  const known = new Map(readKnownPorts(environment, registry))
  if (port === undefined) known.delete(key)
  else known.set(key, { port, at: new Date().toISOString() })
  try {
    writeKnownPorts(environment, registry, known)
  } catch {
    // The next call keeps it, or the daemon does.
  }
}
