import { existsSync } from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type { Mysql } from "../config/databaseUrl.ts"
import { type SettingName, variableOf } from "../config/settings.ts"
import type { Fault } from "../domain/errors.ts"
import { type Fix, fix } from "../domain/Finding.ts"
import { LIMITS } from "../domain/foreignText.ts"
import { appOf, keyProblem, kindOf } from "../domain/names.ts"
import { formatRange, overlaps, type PortRange } from "../domain/PortRange.ts"
import { choosePair, nextSlot, type PortUsage } from "../registry/allocator.ts"
import { sudo } from "../text/describe.ts"
import { shellWord } from "../text/shell.ts"
import type { DoctorContext, View } from "./DoctorContext.ts"
import { processServing } from "./probeDaemon.ts"

/** Commands that mend, made for a shell: each is typed as it stands, in bash, zsh and dash. */

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
 * Deletes the row of `key`, past `d`, which does not take what is no key. The name is written as its bytes; of one that
 * fills a screen, how it begins and how long it is.
 */
const deleteRow = (context: DoctorContext, key: string): string => {
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

/** Gives a key's port back. */
export const deletePort = (context: DoctorContext, key: string): string =>
  keyProblem(key) === undefined ? `d deletePort --key ${key}` : deleteRow(context, key)

/** Gives back what an app or a special has. */
export const release = (key: string): string => {
  const app = appOf(key)
  return app === null ? `d release --special ${shellWord(key)}` : `d release --app ${shellWord(app)}`
}

/** What is taken on this machine, as allocation sees it. */
export const worldOf = (view: View, bound: ReadonlySet<number>): PortUsage => ({
  ports: view.ports,
  reserved: view.reserved,
  bound
})

const NO_ROOM = fix("d listPorts --health stale", "nothing is free: shows what may be released")

const setPort = (key: string, port: number): string => `d setPort --key ${shellWord(key)} --value ${port}`

/** Gives an app another pair, half by half, so that it never stands without; what is known of its keys stays. */
export const moveApp = (app: string, view: View, { settings }: DoctorContext, bound: ReadonlySet<number>): Fix => {
  const slot = nextSlot(settings.appRange, 2, worldOf(view, bound))
  if (slot._tag === "Full") return NO_ROOM
  const halves = [
    { key: `${app}-prod`, port: slot.port },
    { key: `${app}-dev`, port: slot.port + 1 }
  ]
  const held = halves.filter(({ key }) => view.ports.has(key))
  const rest = held.length < halves.length ? [`d allocate --app ${shellWord(app)}`] : []
  return fix([...held.map(({ key, port }) => setPort(key, port)), ...rest].join(" && "))
}

/** Gives one key another port: beside the other half of its app where that is free, else the app another pair. */
export const moveKey = (key: string, view: View, context: DoctorContext, bound: ReadonlySet<number>): Fix => {
  if (keyProblem(key) !== undefined) return fix(deleteRow(context, key))
  const app = appOf(key)
  if (app === null) {
    const slot = nextSlot(context.settings.specialRange, 1, worldOf(view, bound))
    return slot._tag === "Full" ? NO_ROOM : fix(setPort(key, slot.port))
  }
  const without = { ...worldOf(view, bound), ports: new Map([...view.ports].filter(([other]) => other !== key)) }
  const pair = choosePair(`${app}-prod`, `${app}-dev`, context.settings.appRange, without)
  return pair._tag === "Completed"
    ? fix(setPort(key, kindOf(key) === "prod" ? pair.prod : pair.dev))
    : moveApp(app, view, context, bound)
}

/** A part of a URL; a slash is none that separates. */
const encoded = (text: string): string => encodeURIComponent(text).replaceAll("%2F", "/")

const urlOf = ({ name, servers, user }: Mysql): string => {
  const hosts = servers.map((server) => ("socket" in server ? "localhost" : `${server.host}:${server.port}`)).join(",")
  const socket = servers.flatMap((server) => ("socket" in server ? [`?socket=${encoded(server.socket)}`] : [])).join("")
  return `mysql://${encodeURIComponent(user ?? "USER")}:PASSWORD@${hosts}/${encodeURIComponent(name)}${socket}`
}

/** What mends a database with that fault; `otherwise` where nothing is known. */
export const mendStore = (context: DoctorContext, fault: Fault, otherwise: Fix): Effect.Effect<Fix> =>
  Effect.gen(function* () {
    const { database } = context.settings
    if (database._tag === "Sqlite") {
      const closed = existsSync(database.path) ? database.path : dirname(database.path)
      return fault === "read-only"
        ? fix(`chmod u+w ${shellWord(closed)}`, `if it is another user's: sudo chown "$USER" ${shellWord(closed)}`)
        : otherwise
    }
    const another = (why: string) => fix(`export AUTOMATELINUX_DATABASE_URL=${shellWord(urlOf(database))}`, why)
    switch (fault) {
      case "down":
        return fix(`${sudo}systemctl start mariadb`, "on the server's machine")
      case "silent":
        return fix(`${sudo}systemctl restart mariadb`, "on the server's machine")
      case "credentials":
        return another("with the right user and password")
      case "no-database":
        return fix(`${client(database)} --execute=${shellWord(`CREATE DATABASE ${sqlName(database.name)}`)}`)
      case "read-only":
        return another(
          `of the server that takes writes; if that is this one: ${asAdministrator(context, "SET GLOBAL read_only = 0")}`
        )
      case "rights": {
        const known = yield* context.store.account.pipe(Effect.catchAll(() => Effect.succeed(undefined)))
        const [user = "", host = "%"] = (known ?? `${database.user ?? "USER"}@%`).split(/@(?=[^@]*$)/)
        // A grant takes the name for a pattern.
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

/** Sets something: where it is set now, or in the environment. */
export const configure = (context: DoctorContext, name: SettingName, value: string): Fix => {
  const { file, fromFile } = context.settings
  return fromFile.has(name)
    ? configureFile(context, name, value)
    : fix(`export ${variableOf(name)}=${shellWord(value)}`, `for good: ${name} in ${file}`)
}

/** Opens a file in the user's editor; one with options would be one word to zsh. */
export const edit = (file: string): string => `sh -c '\${EDITOR:-vi} "$1"' sh ${shellWord(file)}`

/** Sets something in the file, which a service reads too. */
export const configureFile = ({ settings: { file } }: DoctorContext, name: SettingName, value: string): Fix =>
  fix(edit(file), `set ${name} to ${JSON.stringify(value)}, and start the daemon anew`)

/** Ends a daemon, waits until it is gone, and starts another. */
export const restart = (context: DoctorContext, path: string, pid: number): Effect.Effect<Fix> =>
  Effect.map(processServing(path, context.machine), (process) => {
    const unit = process?.unit ?? null
    if (unit === null) return fix(`kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 1; done; d daemon`)
    return fix(`systemctl --user restart ${shellWord(unit)}`, "without --user if it is the system's")
  })

/** From here on the kernel gives ports to outgoing connections, unless it was told otherwise. */
const HIGHEST = 32_767

/** A range twice as large that does not meet `other`, upwards, downwards or elsewhere. */
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
