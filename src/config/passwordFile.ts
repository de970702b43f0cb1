import { readFileSync, statSync } from "node:fs"
import * as Either from "effect/Either"
import { WrongConfig } from "../domain/errors.ts"
import { shellWord } from "../text/shell.ts"
import type { Database } from "./databaseUrl.ts"

/** A longer file was named by mistake. */
const MAX_BYTES = 65_536

/** The `code` of the error for a password file that cannot be used. */
export const PASSWORD_FILE = "PASSWORD_FILE"

/** A password file cannot be used. */
export interface PasswordFileError extends Error {
  readonly code: typeof PASSWORD_FILE
  readonly hint: string
}

const failure = (path: string, problem: string, hint = `check: ls -lL ${shellWord(path)}`): PasswordFileError =>
  Object.assign(new Error(`its password file ${path} ${problem}`), { code: PASSWORD_FILE, hint } as const)

const readable = (path: string): string | PasswordFileError => {
  try {
    const stats = statSync(path)
    // Opening a pipe would wait for its writer.
    if (!stats.isFile()) return failure(path, "is not a file")
    if (stats.size > MAX_BYTES) return failure(path, `has ${stats.size} bytes, too many for a password`)
    return readFileSync(path, "utf8")
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    return code === "ENOENT" || code === "ENOTDIR"
      ? failure(path, "does not exist", "correct AUTOMATELINUX_PASSWORD_FILE, or make the file")
      : failure(path, `cannot be read (${code})`)
  }
}

/** Reads the password from the first line of a file. */
export const readPassword = (path: string): string | PasswordFileError => {
  const text = readable(path)
  if (typeof text !== "string") return text
  // Some editors begin a file with a byte order mark.
  const [line = ""] = text.replace(/^\uFEFF/, "").split(/\r?\n/)
  if (line === "") return failure(path, "has no password in its first line", `write it there: ${shellWord(path)}`)
  return line.includes("\uFFFD") ? failure(path, "has bytes that are not UTF-8") : line
}

/** Where a setting comes from; `name` is what to call it. */
export interface Origin {
  readonly name: string
  readonly fromFile: boolean
}

/**
 * Returns `database` with the password file that belongs to it. A file that the configuration file names belongs to the
 * URL there: the URL of an environment may be that of another server, which is not given this password.
 */
export const withPasswordFile = (
  database: Database,
  passwordFile: string | undefined,
  url: Origin,
  setting: Origin
): Either.Either<Database, WrongConfig> => {
  if (database._tag === "Sqlite" || passwordFile === undefined || (setting.fromFile && !url.fromFile))
    return Either.right(database)
  if (database.password !== undefined && setting.fromFile === url.fromFile)
    return Either.left(
      new WrongConfig({
        setting: setting.name,
        problem: `is set, and the URL in ${url.name} has a password, too`,
        hint: "remove one of them"
      })
    )
  return Either.right({ ...database, password: undefined, passwordFile })
}
