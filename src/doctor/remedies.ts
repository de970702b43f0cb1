import { existsSync } from "node:fs"
import { dirname } from "node:path"
import { choosePair } from "../allocator.ts"
import type { Mysql } from "../domain/Database.ts"
import type { Fault } from "../domain/errors.ts"
import { contains, formatRange, type PortRange } from "../domain/PortRange.ts"
import type { Ports } from "../domain/RegistryState.ts"
import { appOf } from "../domain/rules.ts"
import { shellWord } from "../domain/shell.ts"
import type { Scene, View } from "./scene.ts"

/** Commands that mend, made for a shell. */

const described = (view: View, key: string): string => {
  const description = view.keys.get(key)?.description ?? null
  return description === null ? "" : ` --description ${shellWord(description)}`
}

/** Gives a key's port back. */
export const deletePort = (key: string): string => `d deletePort --key ${shellWord(key)}`

export const allocateApp = (app: string): string => `d allocate --app ${shellWord(app)}`

/** Gives an app another pair; it keeps its descriptions. */
export const moveApp = (app: string, view: View): string =>
  [
    `d release --app ${shellWord(app)}`,
    allocateApp(app),
    ...[`${app}-prod`, `${app}-dev`]
      .filter((key) => described(view, key) !== "")
      .map((key) => `d setPort --key ${shellWord(key)}${described(view, key)}`)
  ].join(" && ")

/** Gives one key another port: the other half of its app's pair where that is free, else the app a new pair. */
export const moveKey = (key: string, view: View, scene: Scene, bound: ReadonlySet<number>): string => {
  const app = appOf(key)
  if (app === null) return `${deletePort(key)} && d allocate --special ${shellWord(key)}${described(view, key)}`
  const rest = new Map([...view.ports].filter(([other]) => other !== key))
  return completes(app, rest, view, scene, bound)
    ? `${deletePort(key)} && ${allocateApp(app)}${described(view, key)}`
    : moveApp(app, view)
}

/** Whether allocation would give `app`, which has one half of a pair, the other. */
export const completes = (
  app: string,
  ports: Ports,
  view: View,
  { settings }: Scene,
  bound: ReadonlySet<number>
): boolean =>
  choosePair(`${app}-prod`, `${app}-dev`, settings.appRange, { ports, reserved: view.reserved, bound })._tag ===
  "Completed"

const client = ({ servers: [server] }: Mysql): string =>
  server === undefined
    ? "mariadb --user=root"
    : "socket" in server
      ? `mariadb --user=root --socket=${shellWord(server.socket)}`
      : `mariadb --user=root --host=${shellWord(server.host)} --port=${server.port}`

/** Runs SQL as the administrator of the database. */
export const asAdministrator = ({ settings: { database } }: Scene, statement: string): string =>
  database._tag === "Sqlite"
    ? `sqlite3 ${shellWord(database.path)} ${shellWord(statement)}`
    : `${client(database)} --execute=${shellWord(statement)} ${shellWord(database.name)}`

const urlOf = ({ name, servers, user }: Mysql): string => {
  const hosts = servers.map((server) => ("socket" in server ? "localhost" : `${server.host}:${server.port}`)).join(",")
  const socket = servers.flatMap((server) => ("socket" in server ? [`?socket=${server.socket}`] : [])).join("")
  return `mysql://${user ?? "USER"}:PASSWORD@${hosts}/${name}${socket}`
}

/** What mends a database with that fault; `otherwise` where nothing is known. */
export const mendStore = (scene: Scene, fault: Fault, otherwise: string): string => {
  const { database } = scene.settings
  if (database._tag === "Sqlite") {
    const closed = existsSync(database.path) ? database.path : dirname(database.path)
    return fault === "read-only"
      ? `chmod u+w ${shellWord(closed)}  # where it is another user's: sudo chown $USER ${shellWord(closed)}`
      : otherwise
  }
  switch (fault) {
    case "down":
      return "systemctl start mariadb  # on the server's machine"
    case "credentials":
      return `export AUTOMATELINUX_DATABASE_URL=${shellWord(urlOf(database))}  # with the right user and password`
    case "no-database":
      return `${client(database)} --execute=${shellWord(`CREATE DATABASE ${database.name}`)}`
    case "read-only":
      return `${asAdministrator(scene, "SET GLOBAL read_only = 0")}  # or name the server that takes writes in AUTOMATELINUX_DATABASE_URL`
    case "rights": {
      const grant = `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON ${database.name}.* TO '${database.user ?? "USER"}'@'%'`
      return `${asAdministrator(scene, grant)}  # for the host of its account`
    }
    case "other":
      return otherwise
  }
}

/** Ends a daemon, waits until it is gone, and starts another. */
export const restart = (pid: number): string =>
  `while kill ${pid} 2>/dev/null; do sleep 1; done; d daemon  # or restart its service`

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
  ].find(
    ({ first, last }) =>
      first >= 1024 && last <= HIGHEST && !contains({ first, last }, other.first) && !contains(other, first)
  )
  return found && formatRange(found)
}
