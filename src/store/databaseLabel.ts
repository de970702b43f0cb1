import type { Database, Mysql } from "../config/databaseUrl.ts"
import { userName } from "../machine/user.ts"

/** Returns the user name for logging in to a server. */
export const userOf = ({ user }: Mysql): string => user ?? userName()

const serverName = (server: Mysql["servers"][number]): string =>
  "socket" in server ? server.socket : `${server.host.includes(":") ? `[${server.host}]` : server.host}:${server.port}`

/** Names a database for people, without secrets and without connecting to it. */
export const labelOf = (database: Database): string =>
  database._tag === "Sqlite"
    ? `the registry's file ${database.path}`
    : `database ${database.name} at ${database.servers.map(serverName).join(", ")} as ${userOf(database)}`
