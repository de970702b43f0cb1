import { isAbsolute } from "node:path"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { blankProblem, parsePort } from "../domain/names.ts"
import { quote } from "../text/escape.ts"

/** An embedded file. */
export interface Sqlite {
  readonly _tag: "Sqlite"
  /** Absolute. */
  readonly path: string
}

/** How the connection to a server is secured: not at all, or by TLS, with or without asking who the server is. */
export interface Tls {
  readonly verify: boolean
  /** A file with the certificates to trust instead of the system's. */
  readonly ca: string | undefined
}

/** A MySQL or MariaDB server, or several that are one cluster. */
export interface Mysql {
  readonly _tag: "Mysql"
  /** Where to connect, in the order to try: over TCP, or at a Unix socket. */
  readonly servers: ReadonlyArray<{ readonly host: string; readonly port: number } | { readonly socket: string }>
  readonly name: string
  /** None where the login name shall be used. */
  readonly user: string | undefined
  readonly password: Redacted.Redacted | undefined
  readonly tls: Tls | undefined
  /** Limits that differ from the common one, in milliseconds. */
  readonly limits: Partial<Limits>
}

/** How long each step may take, in milliseconds. */
export interface Limits {
  readonly connect: number
  readonly acquire: number
  readonly lock: number
  readonly statement: number
}

/** What makes a server forget what it confirmed last, when it crashes itself or when its machine does. */
export interface DurabilityRisk {
  readonly when: "server" | "machine"
  /** The variable that makes it so, with its value. */
  readonly setting: string
  /** What it should be. */
  readonly safe: string
}

/** Where the registry is kept. */
export type Database = Sqlite | Mysql

const URL_FORM = "write mysql://USER:PASSWORD@HOST:PORT/NAME, or sqlite:/PATH/TO/FILE"

/**
 * A URL as it may be shown: its scheme and what follows the last @, no parameters, and nothing after a colon that is no
 * port, for where the host was forgotten that is the password.
 */
const shown = (url: string): string => {
  const scheme = /^[a-z]+:\/\//.exec(url)?.[0] ?? ""
  const rest = url.slice(scheme.length)
  const open = rest.replace(/^[\s\S]*@/, "…@").replace(/\?[\s\S]*/, "?…")
  return quote(scheme + open.replace(/:(?!\d{1,5}(?:[,/?]|$))(?!\/)[\s\S]*/, ":…"))
}

const LIMITS: Readonly<Record<string, keyof Limits>> = {
  connectTimeout: "connect",
  acquireTimeout: "acquire",
  lockTimeout: "lock",
  statementTimeout: "statement"
}

/** What may be meant as something else than a part of a file's name. */
const NO_PART_OF_A_PATH = /[?#]|%[0-9A-Fa-f]{2}/

const parseSqlite = (url: string): Either.Either<Database, string> => {
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "")
  if (NO_PART_OF_A_PATH.test(path))
    return Either.left(
      `${quote(url)} has a parameter or an encoded character: write the path as it is, without '?', '#' and '%20'`
    )
  return isAbsolute(path) && !path.endsWith("/")
    ? Either.right({ _tag: "Sqlite", path })
    : Either.left(`${quote(url)} names no file by an absolute path: write sqlite:/PATH/TO/FILE`)
}

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const parseServer = (text: string): { readonly host: string; readonly port: number } | undefined => {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(.*))?$/.exec(text)
  const port = match?.[2] === undefined ? 3306 : parsePort(match[2])
  return match?.[1] === undefined || port === undefined ? undefined : { host: match[1].replace(/^\[|\]$/g, ""), port }
}

interface Parameters {
  limits: Partial<Record<keyof Limits, number>>
  socket?: string
  ca?: string
  tls?: string
}

/** Reads one parameter into `parameters`, or returns what is wrong with it. */
const readParameter = (parameters: Parameters, name: string, value: string): string | undefined => {
  const limit = LIMITS[name]
  if (limit !== undefined) {
    const seconds = Number(value)
    if (!(seconds > 0 && seconds < 86_400)) return `has ${name}=${quote(value)}: write seconds, like ${name}=2.5`
    parameters.limits[limit] = seconds * 1000
    return undefined
  }
  switch (name) {
    case "socket":
    case "ca":
      if (!isAbsolute(value)) return `has ${name}=${quote(value)}: write an absolute path`
      parameters[name] = value
      return undefined
    case "tls":
      if (!["true", "false", "skip-verify"].includes(value))
        return `has tls=${quote(value)}: write true, false or skip-verify`
      parameters.tls = value
      return undefined
    default:
      return `has ${quote(name)}, which is no parameter: use socket, tls, ca, ${Object.keys(LIMITS).join(", ")}`
  }
}

/** Reads the parameters after the question mark. */
const parseParameters = (text: string) => {
  const parameters: Parameters = { limits: {} }
  for (const [name, value] of new URLSearchParams(text)) {
    const problem = readParameter(parameters, name, value)
    if (problem !== undefined) return Either.left(problem)
  }
  const { ca, limits, socket, tls } = parameters
  const secured = tls === undefined ? ca !== undefined : tls !== "false"
  return Either.right({ socket, limits, tls: secured ? { verify: tls !== "skip-verify", ca } : undefined })
}

/**
 * A database by its URL. The password may hold any character but a line break; what is ambiguous in a URL is written
 * with a percent sign. What comes back on the left is a sentence without secrets.
 */
export const parseDatabase = (url: string): Either.Either<Database, string> => {
  const blank = blankProblem(url)
  if (blank !== undefined) return Either.left(`${shown(url)} ${blank}`)
  if (url.startsWith("sqlite:")) return parseSqlite(url)
  const match = /^(?:mysql|mariadb):\/\/(?:(.*)@)?([^@/?]*)\/([^/?]*)(?:\?(.*))?$/.exec(url)
  if (match === null) return Either.left(`${shown(url)} is not a database that is known: ${URL_FORM}`)
  const [, credentials = "", hosts = "", database = "", query = ""] = match
  const colon = credentials.indexOf(":")
  const user = decoded(colon === -1 ? credentials : credentials.slice(0, colon))
  const password = colon === -1 ? "" : decoded(credentials.slice(colon + 1))
  const name = decoded(database)
  if (user === undefined || password === undefined || name === undefined) {
    return Either.left(`${shown(url)} has a percent sign that encodes nothing: write %25 for it`)
  }
  if (name === "") return Either.left(`${shown(url)} names no database: ${URL_FORM}`)
  return Either.flatMap(
    Either.mapLeft(parseParameters(query), (problem) => `${shown(url)} ${problem}`),
    ({ limits, socket, tls }): Either.Either<Database, string> => {
      const servers =
        socket === undefined ? (hosts === "" ? "localhost" : hosts).split(",").map(parseServer) : [{ socket }]
      const known = servers.filter((server) => server !== undefined)
      if (known.length < servers.length)
        return Either.left(`${shown(url)} has a host that is none: write HOST or HOST:PORT, with commas between`)
      return Either.right({
        _tag: "Mysql",
        servers: known,
        name,
        user: user === "" ? undefined : user,
        password: password === "" ? undefined : Redacted.make(password),
        tls,
        limits
      })
    }
  )
}
