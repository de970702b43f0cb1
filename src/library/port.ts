import { meantIn } from "../cli/here.ts"
import { parsePort } from "../domain/names.ts"
import { portUrl } from "../domain/portUrl.ts"
import { quote } from "../text/escape.ts"
import { type Asking, ask } from "./ask.ts"
import { inheritedPort } from "./inherited.ts"
import {
  checkName,
  invalid,
  type Notes,
  optionsOf,
  type PortOptions,
  type Sync,
  type UrlOptions,
  type WithoutName
} from "./options.ts"
import { PortsError } from "./PortsError.ts"
import { projectIn } from "./project.ts"
import { runSync } from "./runSync.ts"

/** Returns the answer if it can be told without asking: the port that `d run` gave. */
const known = (options: PortOptions): number | undefined => {
  checkName(options)
  checkFallback(options.fallback)
  return inheritedPort(options, projectIn(options.directory).root, process.env)
}

const checked = (port: unknown): number => {
  const parsed = typeof port === "number" ? parsePort(String(port)) : undefined
  if (parsed === undefined)
    throw invalid(`fallback ${quote(port)} is not a port`, "give a whole number from 1 to 65535")
  return parsed
}

/** Reports a wrong fallback on every machine, and not first on the one that needs it. */
const checkFallback = (fallback: PortOptions["fallback"]): void => {
  if (fallback !== undefined && typeof fallback !== "function") checked(fallback)
}

/** Returns whether an error means that there is no registry to ask. */
const isWithout = (error: unknown): error is PortsError => error instanceof PortsError && error.code === "unavailable"

const noteFallback = ({ onNote = () => {} }: Notes, { message }: PortsError, port: number): number => {
  onNote(`note: ${message}; using the fallback ${port}`)
  return port
}

const lookUp = async (options: PortOptions): Promise<number> => {
  const { app, claim = options.key === undefined && options.app === undefined, fallback, key, mode } = options
  const project = projectIn(options.directory)
  const asking: Asking = { onNote: options.onNote, onlyExisting: fallback !== undefined }
  const { port } = await ask(claim ? "claim" : "url", { key, app, mode, ...meantIn(project, { key, app }) }, asking)
  return port
}

const find = async (options: PortOptions): Promise<number> => {
  const given = known(options)
  if (given !== undefined) return given
  try {
    return await lookUp(options)
  } catch (error) {
    const { fallback } = options
    if (fallback === undefined || !isWithout(error)) throw error
    return noteFallback(options, error, checked(typeof fallback === "function" ? await fallback(error) : fallback))
  }
}

/** Likewise, in a process of its own while this one waits. */
const findSync = (options: Sync<PortOptions>): number => {
  const given = known(options)
  if (given !== undefined) return given
  const { fallback, onNote, ...rest } = options
  try {
    return runSync({ call: "port", options: rest, hasFallback: fallback !== undefined }, onNote)
  } catch (error) {
    if (fallback === undefined || !isWithout(error)) throw error
    return noteFallback(options, error, checked(typeof fallback === "function" ? fallback(error) : fallback))
  }
}

/**
 * Returns the dev port of the current directory's app, and claims one if it has none: the same one from then on. With a key
 * or an app, returns its port.
 *
 * In a process that `d run` started for this directory, the port is the one that it was given, and nothing is asked. Fails
 * with a {@link PortsError}.
 *
 * @example
 * server.listen(await port())
 * const api = await port("api-dev")
 */
export function port(options?: PortOptions): Promise<number>
export function port(key: string, options?: WithoutName<PortOptions>): Promise<number>
export async function port(first?: string | PortOptions, rest?: WithoutName<PortOptions>): Promise<number> {
  return find(optionsOf(first, rest))
}

/**
 * Does what {@link port} does, synchronously, for configuration files that cannot wait: in a process of its own, which takes
 * about as long as starting Node twice.
 */
export function portSync(options?: Sync<PortOptions>): number
export function portSync(key: string, options?: WithoutName<Sync<PortOptions>>): number
export function portSync(first?: string | Sync<PortOptions>, rest?: WithoutName<Sync<PortOptions>>): number {
  return findSync(optionsOf(first, rest))
}

/** Returns `http://localhost:PORT` for the port that {@link port} returns. */
export function url(options?: UrlOptions): Promise<string>
export function url(key: string, options?: WithoutName<UrlOptions>): Promise<string>
export async function url(first?: string | UrlOptions, rest?: WithoutName<UrlOptions>): Promise<string> {
  const options: UrlOptions = optionsOf(first, rest)
  return portUrl(await find(options), options)
}

/** Does what {@link url} does, synchronously. */
export function urlSync(options?: Sync<UrlOptions>): string
export function urlSync(key: string, options?: WithoutName<Sync<UrlOptions>>): string
export function urlSync(first?: string | Sync<UrlOptions>, rest?: WithoutName<Sync<UrlOptions>>): string {
  const options: Sync<UrlOptions> = optionsOf(first, rest)
  return portUrl(findSync(options), options)
}
