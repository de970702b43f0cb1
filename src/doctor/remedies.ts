import * as Effect from "effect/Effect"
import type { Mysql } from "../config/databaseUrl.ts"
import { type SettingName, variableOf } from "../config/settings.ts"
import type { Fault } from "../domain/Fault.ts"
import { type Fix, fix } from "../domain/Finding.ts"
import { LIMITS } from "../domain/foreignText.ts"
import { appOf, keyProblem } from "../domain/names.ts"
import { formatRange, overlaps, type PortRange } from "../domain/PortRange.ts"
import { commandToOpen } from "../store/sqlite/unwritable.ts"
import { sudo } from "../text/describe.ts"
import { shellWord } from "../text/shell.ts"
import type { DoctorContext } from "./DoctorContext.ts"

/** Commands that fix something, quoted for bash, zsh and dash. */

/** A name in SQL. */
export const sqlName = (name: string): string => `\`${name.replaceAll("`", "``")}\``

const sqlText = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`

const client = ({ servers: [server] }: Mysql): string =>
  server === undefined || "socket" in server
    ? `${sudo}mariadb --user=root${server === undefined ? "" : ` --socket=${shellWord(server.socket)}`}`
    : `mariadb --user=root --password --host=${shellWord(server.host)} --port=${server.port}`

/** Runs SQL as the administrator of the database. */
export const asAdministrator = ({ settings: { database } }: DoctorContext, statement: string): string =>
  database._tag === "Sqlite"
    ? `sqlite3 ${shellWord(database.path)} ${shellWord(statement)}`
    : `${client(database)} --execute=${shellWord(statement)} --database=${shellWord(database.name)}`

/**
 * Deletes the row of `key` with SQL, because `d` does not accept an invalid key. The key is written as its bytes; a very long
 * one is matched by its beginning and its length.
 */
export const deleteRow = (context: DoctorContext, key: string): string => {
  const { database, settingsTable } = context.settings
  const isSqlite = database._tag === "Sqlite"
  const textOf = (text: string) => {
    const bytes = `X'${Buffer.from(text).toString("hex")}'`
    return isSqlite ? `CAST(${bytes} AS TEXT)` : bytes
  }
  const characters = [...`port_${key}`]
  const row =
    characters.length <= LIMITS.column
      ? `setting_key = ${textOf(`port_${key}`)}`
      : `SUBSTR(setting_key, 1, ${LIMITS.name}) = ${textOf(characters.slice(0, LIMITS.name).join(""))}` +
        ` AND ${isSqlite ? "LENGTH" : "CHAR_LENGTH"}(setting_key) = ${characters.length}`
  return asAdministrator(context, `DELETE FROM ${settingsTable} WHERE ${row}`)
}

/** Deletes the assignment of a key. */
export const deletePort = (context: DoctorContext, key: string): string =>
  keyProblem(key) === undefined ? `d deletePort --key ${key}` : deleteRow(context, key)

/** Releases the app or special that has a key. */
export const release = (key: string): string => {
  const app = appOf(key)
  return app === null ? `d release --special ${shellWord(key)}` : `d release --app ${shellWord(app)}`
}

/** Encodes a part of a URL, but for slashes. */
const encoded = (text: string): string => encodeURIComponent(text).replaceAll("%2F", "/")

/** The parameters that belong to the server, without limits. */
const parametersOf = ({ servers, tls }: Mysql): string => {
  const parameters = [
    ...servers.flatMap((server) => ("socket" in server ? [`socket=${encoded(server.socket)}`] : [])),
    ...(tls === undefined ? [] : [`tls=${tls.verify ? "true" : "skip-verify"}`]),
    ...(tls?.ca === undefined ? [] : [`ca=${encoded(tls.ca)}`]),
    ...(tls?.serverName === undefined ? [] : [`serverName=${tls.serverName}`])
  ]
  return parameters.length === 0 ? "" : `?${parameters.join("&")}`
}

const urlOf = (database: Mysql): string => {
  const { name, servers, user } = database
  const hosts = servers.map((server) => ("socket" in server ? "localhost" : `${server.host}:${server.port}`)).join(",")
  return `mysql://${encodeURIComponent(user ?? "USER")}:PASSWORD@${hosts}/${encodeURIComponent(name)}${parametersOf(database)}`
}

/** Returns the fix for a database with that fault, or `otherwise` if none is known. */
export const fixForStore = (context: DoctorContext, fault: Fault, otherwise: Fix): Effect.Effect<Fix> =>
  Effect.gen(function* () {
    const { database } = context.settings
    if (database._tag === "Sqlite") {
      const command = fault === "read-only" || fault === "rights" ? commandToOpen(database.path) : undefined
      return command === undefined ? otherwise : fix(command)
    }
    const another = (why: string) => fix(`export AUTOMATELINUX_DATABASE_URL=${shellWord(urlOf(database))}`, why)
    switch (fault) {
      case "down":
        return fix(`${sudo}systemctl start mariadb`, "on the server's machine")
      case "silent":
        return fix(`${sudo}systemctl restart mariadb`, "on the server's machine")
      case "credentials":
        return database.passwordFile === undefined
          ? another(
              `with the right user and password${database.tls === undefined ? "; tls=true if the account requires TLS" : ""}`
            )
          : fix(edit(database.passwordFile), "its first line is the password")
      case "no-database":
        return fix(`${client(database)} --execute=${shellWord(`CREATE DATABASE ${sqlName(database.name)}`)}`)
      case "read-only":
        return another(
          `of the server that accepts writes; if it should be this one: ${asAdministrator(context, "SET GLOBAL read_only = 0")}`
        )
      case "rights": {
        const known = yield* context.store.account.pipe(Effect.catchAll(() => Effect.succeed(undefined)))
        const [user = "", host = "%"] = (known ?? `${database.user ?? "USER"}@%`).split(/@(?=[^@]*$)/)
        // GRANT treats the name as a pattern.
        const name = sqlName(database.name.replace(/[_%\\]/g, "\\$&"))
        return fix(
          asAdministrator(
            context,
            `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON ${name}.* TO ${sqlText(user)}@${sqlText(host)}`
          )
        )
      }
      case "other":
        return otherwise
    }
  })

/** Changes a setting: in the file if it is set there, otherwise in the environment. */
export const configure = (context: DoctorContext, name: SettingName, value: string): Fix => {
  const { file, fromFile } = context.settings
  return fromFile.has(name)
    ? configureFile(context, name, value)
    : fix(`export ${variableOf(name)}=${shellWord(value)}`, `permanently: ${name} in ${file}`)
}

/** Opens a file in the user's editor. Through sh, because zsh would take an EDITOR with options for one word. */
export const edit = (file: string): string => `sh -c '\${EDITOR:-vi} "$1"' sh ${shellWord(file)}`

/** Changes a setting in the file, which a service also reads. */
export const configureFile = ({ settings: { file } }: DoctorContext, name: SettingName, value: string): Fix =>
  fix(edit(file), `set ${name} to ${JSON.stringify(value)}, and restart the daemon if there is one`)

/** Restarts the daemon, by its service if one runs it. */
export const RESTART = "d daemon restart"

/** The last port below those that the kernel uses for outgoing connections by default. */
const HIGHEST = 32_767

/** Returns a range twice as large that does not overlap `other`: extended up or down, or moved. */
export const larger = (range: PortRange, other: PortRange): string | undefined => {
  const size = range.last - range.first + 1
  const beyond = Math.max(range.last, other.last) + 1
  const even = beyond + (beyond % 2)
  const found = [
    { first: range.first, last: range.last + size },
    { first: range.first - size, last: range.last },
    { first: even, last: even + 2 * size - 1 }
  ].find((each) => each.first >= 1024 && each.last <= HIGHEST && !overlaps(each, other))
  return found && formatRange(found)
}
