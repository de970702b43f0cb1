import type { Mysql } from "../../config/databaseUrl.ts"
import { shellWord } from "../../text/shell.ts"
import { userOf } from "../databaseLabel.ts"
import { tableNames } from "../schema.ts"

/** Returns the shell command that dumps the registry's tables on a server to `file`. It prompts for the password. */
export const dumpCommand = (database: Mysql, settings: string, file: string): string => {
  const [server] = database.servers
  const { name, password, passwordFile, tls } = database
  const address =
    server === undefined
      ? []
      : "socket" in server
        ? [`--socket=${server.socket}`]
        : [`--host=${server.host}`, `--port=${server.port}`]
  const words = [
    "mariadb-dump",
    ...address,
    `--user=${userOf(database)}`,
    ...(password === undefined && passwordFile === undefined ? [] : ["--password"]),
    ...(tls === undefined ? [] : ["--ssl"]),
    ...(tls?.verify === true ? ["--ssl-verify-server-cert"] : []),
    ...(tls?.ca === undefined ? [] : [`--ssl-ca=${tls.ca}`]),
    // A consistent snapshot of all tables, without locking them.
    "--single-transaction",
    // A daemon may write the health of a port between the statements that restore the last table and its rows.
    "--replace",
    name,
    ...tableNames(settings)
  ]
  return `${words.map(shellWord).join(" ")} > ${shellWord(file)}`
}
