import mysql from "mysql2/promise"
import { endWithFile } from "./ends.ts"
import { flavour } from "./flavour.ts"
import { sharedServer } from "./mariadb.ts"

/** A kind of database that a suite runs on. */
export interface TestDatabase {
  readonly name: string
  /** The variables that point a program with an empty home to an empty database of this kind. */
  readonly fresh: () => Promise<Readonly<Record<string, string>>>
}

export const sqlite: TestDatabase = { name: "SQLite", fresh: async () => ({}) }

/** A server of one's own to run the suites on, instead of one that they start. Its user must be allowed everything. */
const OWN_SERVER = process.env["AUTOMATELINUX_TEST_DATABASE_URL"]

let count = 0

const onOwnServer = async (url: string, sql: string) => {
  const connection = await mysql.createConnection({ uri: url, multipleStatements: true })
  await connection.query(sql)
  await connection.end()
}

export const mariadb: TestDatabase = {
  name: flavour.name,
  fresh: async () => {
    const name = `ports_test_${process.pid}_${++count}`
    if (OWN_SERVER === undefined) return { AUTOMATELINUX_DATABASE_URL: await (await sharedServer()).database(name) }
    await onOwnServer(OWN_SERVER, `CREATE DATABASE ${name}`)
    endWithFile(() => onOwnServer(OWN_SERVER, `DROP DATABASE ${name}`))
    return { AUTOMATELINUX_DATABASE_URL: OWN_SERVER.replace(/\/[^/?]*(\?|$)/, `/${name}$1`) }
  }
}
