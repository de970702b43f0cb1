import { isAbsolute } from "node:path"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { blankProblem, parsePort } from "../domain/names.ts"
import { quote } from "../text/escape.ts"

/** A SQLite file. */
export interface Sqlite {
  readonly _tag: "Sqlite"
  /** Absolute. */
  readonly path: string
}

/** TLS to a server, with or without verifying its certificate. */
interface Tls {
  readonly verify: boolean
  /** A file with the certificates to trust instead of the default ones. */
  readonly ca: string | undefined
  /** The host in the server's certificate, if that is not the one that is connected to, as through a tunnel. */
  readonly serverName: string | undefined
}

/** A MySQL or MariaDB server, or the servers of one cluster. */
export interface Mysql {
  readonly _tag: "Mysql"
  /** The servers in the order to try, over TCP or at a Unix socket. */
  readonly servers: ReadonlyArray<{ readonly host: string; readonly port: number } | { readonly socket: string }>
  readonly name: string
  /** `undefined` to use the login name. */
  readonly user: string | undefined
  readonly password: Redacted.Redacted | undefined
  /** The file whose first line is the password, if that is not in the URL. Absolute. */
  readonly passwordFile: string | undefined
  readonly tls: Tls | undefined
  /** Limits that differ from the default, in milliseconds. */
  readonly limits: Partial<Limits>
}

/** The time limit of each step, in milliseconds. */
export interface Limits {
  readonly connect: number
  readonly acquire: number
  readonly lock: number
  readonly statement: number
}

/** A server setting that can lose the last confirmed changes, when the server crashes or only when its machine does. */
export interface DurabilityRisk {
  readonly when: "server" | "machine"
  /** The server variable, with its value. */
  readonly setting: string
  /** The value that it should have. */
  readonly safe: string
}

/** The database that the registry is stored in. */
export type Database = Sqlite | Mysql

const URL_FORM = "write mysql://USER:PASSWORD@HOST:PORT/NAME, or sqlite:/PATH/TO/FILE"

/**
 * Returns a URL in a form that is safe to show: the scheme and everything after the last @, without the parameters, and
 * without text after a colon that is not a port: if the host is missing, that is the password.
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

/** Characters that may be meant as something other than part of a file name. */
const NO_PART_OF_A_PATH = /[?#]|%[0-9A-Fa-f]{2}/

const parseSqlite = (url: string): Either.Either<Database, string> => {
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "")
  if (NO_PART_OF_A_PATH.test(path))
    return Either.left(
      `${quote(url)} has a parameter or an encoded character: write the path as it is, without '?', '#' and '%20'`
    )
  return isAbsolute(path) && !path.endsWith("/")
    ? Either.right({ _tag: "Sqlite", path })
    : Either.left(`${quote(url)} has no absolute path: write sqlite:/PATH/TO/FILE`)
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
  serverName?: string
  tls?: string
}

/** Reads one parameter into `parameters`, or returns what is wrong with it. */
const readParameter = (parameters: Parameters, name: string, value: string): string | undefined => {
  const limit = LIMITS[name]
  if (limit !== undefined) {
    const seconds = Number(value)
    if (!(seconds > 0 && seconds < 86_400))
      return `has ${name}=${quote(value)}: write seconds, more than 0 and less than 86400, like ${name}=2.5`
    parameters.limits[limit] = seconds * 1000
    return undefined
  }
  switch (name) {
    case "socket":
    case "ca":
      if (!isAbsolute(value)) return `has ${name}=${quote(value)}: write an absolute path`
      parameters[name] = value
      return undefined
    case "serverName":
      if (!/^[A-Za-z0-9.-]+$/.test(value)) return `has serverName=${quote(value)}: write the name of a host`
      parameters.serverName = value
      return undefined
    case "tls":
      if (!["true", "false", "skip-verify"].includes(value))
        return `has tls=${quote(value)}: write true, false or skip-verify`
      parameters.tls = value
      return undefined
    default:
      return `has ${quote(name)}, which is not a parameter: use socket, tls, ca, serverName, ${Object.keys(LIMITS).join(", ")}`
  }
}

/** Reads the parameters after the question mark. */
const parseParameters = (text: string) => {
  const parameters: Parameters = { limits: {} }
  for (const [name, value] of new URLSearchParams(text)) {
    const problem = readParameter(parameters, name, value)
    if (problem !== undefined) return Either.left(problem)
  }
  const { ca, limits, serverName, socket, tls } = parameters
  const secured = tls === undefined ? ca !== undefined || serverName !== undefined : tls !== "false"
  return Either.right({ socket, limits, tls: secured ? { verify: tls !== "skip-verify", ca, serverName } : undefined })
}

/**
 * Parses the URL of a database. The password may contain any character except a line break; characters that are
 * ambiguous in a URL have to be percent-encoded. The error is a sentence without secrets.
 */
export const parseDatabase = (url: string): Either.Either<Database, string> => {
  const blank = blankProblem(url)
  if (blank !== undefined) return Either.left(`${shown(url)} ${blank}`)
  if (url.startsWith("sqlite:")) return parseSqlite(url)
  const match = /^(?:mysql|mariadb):\/\/(?:(.*)@)?([^@/?]*)\/([^/?]*)(?:\?(.*))?$/.exec(url)
  if (match === null) {
    const isIncomplete = /^(?:mysql|mariadb):\/\//.test(url)
    return Either.left(`${shown(url)} is ${isIncomplete ? "incomplete" : "not a known kind of database"}: ${URL_FORM}`)
  }
  const [, credentials = "", hosts = "", database = "", query = ""] = match
  const colon = credentials.indexOf(":")
  const user = decoded(colon === -1 ? credentials : credentials.slice(0, colon))
  const password = colon === -1 ? "" : decoded(credentials.slice(colon + 1))
  const name = decoded(database)
  if (user === undefined || password === undefined || name === undefined) {
    return Either.left(`${shown(url)} has an invalid percent encoding: write %25 for a percent sign`)
  }
  if (name === "") return Either.left(`${shown(url)} names no database: ${URL_FORM}`)
  return Either.flatMap(
    Either.mapLeft(parseParameters(query), (problem) => `${shown(url)} ${problem}`),
    ({ limits, socket, tls }): Either.Either<Database, string> => {
      const servers =
        socket === undefined ? (hosts === "" ? "localhost" : hosts).split(",").map(parseServer) : [{ socket }]
      const known = servers.filter((server) => server !== undefined)
      if (known.length < servers.length)
        return Either.left(`${shown(url)} has an invalid host: write HOST or HOST:PORT, with commas between`)
      return Either.right({
        _tag: "Mysql",
        servers: known,
        name,
        user: user === "" ? undefined : user,
        password: password === "" ? undefined : Redacted.make(password),
        passwordFile: undefined,
        tls,
        limits
      })
    }
  )
}
