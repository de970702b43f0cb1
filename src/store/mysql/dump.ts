import type { Mysql } from "../../config/databaseUrl.ts"
import { shellWord } from "../../text/shell.ts"
import { userOf } from "../databaseLabel.ts"
import { tableNames } from "../schema.ts"

/** What dumps the registry's tables on a server to `file`, made for a shell; the password is asked for. */
export const dumpCommand = (database: Mysql, settings: string, file: string): string => {
  const [server] = database.servers
  const { name, password, tls } = database
  const place =
    server === undefined
      ? []
      : "socket" in server
        ? [`--socket=${server.socket}`]
        : [`--host=${server.host}`, `--port=${server.port}`]
  const words = [
    "mariadb-dump",
    ...place,
    `--user=${userOf(database)}`,
    ...(password === undefined ? [] : ["--password"]),
    ...(tls === undefined ? [] : ["--ssl"]),
    ...(tls?.verify === true ? ["--ssl-verify-server-cert"] : []),
    ...(tls?.ca === undefined ? [] : [`--ssl-ca=${tls.ca}`]),
    // One moment for all tables, without locking anybody out.
    "--single-transaction",
    name,
    ...tableNames(settings)
  ]
  return `${words.map(shellWord).join(" ")} > ${shellWord(file)}`
}
