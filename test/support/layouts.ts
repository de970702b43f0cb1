import type { Machine } from "./cli.ts"
import { flavour } from "./flavour.ts"
import { sharedServer } from "./mariadb.ts"
import { withSqlite } from "./sqlite.ts"

/** The layout of 0.1.0 as it was released, with the registry of an app, a special and a reserved port. */
const tables = (
  name: (length: number) => string,
  serial: string,
  quoted: (word: string) => string,
  options: string
) => `
  CREATE TABLE settings (setting_key ${name(255)} NOT NULL PRIMARY KEY, setting_value TEXT NOT NULL)${options};
  CREATE TABLE port_claims (port INTEGER NOT NULL PRIMARY KEY, claim_key ${name(250)} NOT NULL UNIQUE,
    claimed_at ${name(32)} NOT NULL, host ${name(255)} NOT NULL, ${quoted("by")} ${name(255)} NOT NULL)${options};
  CREATE TABLE port_keys (${quoted("key")} ${name(250)} NOT NULL PRIMARY KEY, description TEXT,
    created_at ${name(32)} NOT NULL, host ${name(255)} NOT NULL, ${quoted("by")} ${name(255)} NOT NULL)${options};
  CREATE TABLE port_owners (host ${name(255)} NOT NULL, ${quoted("key")} ${name(250)} NOT NULL,
    kind ${name(16)} NOT NULL, name TEXT NOT NULL, since ${name(32)} NOT NULL, seen ${name(32)},
    PRIMARY KEY (host, ${quoted("key")}))${options};
  CREATE TABLE port_reserved (port INTEGER NOT NULL PRIMARY KEY, reason TEXT NOT NULL,
    created_at ${name(32)} NOT NULL, host ${name(255)} NOT NULL, ${quoted("by")} ${name(255)} NOT NULL)${options};
  CREATE TABLE port_history (id ${serial}, batch ${name(36)} NOT NULL, at ${name(32)} NOT NULL,
    what ${name(16)} NOT NULL, ${quoted("key")} ${name(250)}, old_port INTEGER, new_port INTEGER, detail TEXT,
    host ${name(255)} NOT NULL, ${quoted("user")} ${name(255)} NOT NULL, program ${name(255)} NOT NULL,
    UNIQUE (batch, id))${options};
  CREATE TABLE port_registry (name ${name(255)} NOT NULL PRIMARY KEY, value TEXT NOT NULL)${options};
  CREATE TABLE port_health (host ${name(255)} NOT NULL, port INTEGER NOT NULL, ${quoted("key")} ${name(250)} NOT NULL,
    state ${name(16)} NOT NULL, since ${name(32)} NOT NULL, last_up ${name(32)}, failures INTEGER NOT NULL,
    mark INTEGER NOT NULL, listener TEXT, PRIMARY KEY (host, port))${options};`

const AT = "'2026-01-01T00:00:00.000Z'"

const ROWS = `
  INSERT INTO settings VALUES ('port_cad-prod', '27600'), ('port_cad-dev', '27601'), ('port_proxy', '27700'),
    ('theme', 'dark');
  INSERT INTO port_claims VALUES (27600, 'cad-prod', ${AT}, 'box', 'me'), (27601, 'cad-dev', ${AT}, 'box', 'me'),
    (27700, 'proxy', ${AT}, 'box', 'me');
  INSERT INTO port_keys VALUES ('cad-prod', 'CAD', ${AT}, 'box', 'me'), ('cad-dev', NULL, ${AT}, 'box', 'me'),
    ('proxy', NULL, ${AT}, 'box', 'me');
  INSERT INTO port_owners VALUES ('box', 'cad-dev', 'directory', '/srv/cad', ${AT}, NULL);
  INSERT INTO port_reserved VALUES (27602, 'kept', ${AT}, 'box', 'me');
  INSERT INTO port_history VALUES (1, 'first', ${AT}, 'allocate', 'cad-prod', NULL, 27600, NULL, 'box', 'me', 'd'),
    (2, 'first', ${AT}, 'allocate', 'cad-dev', NULL, 27601, NULL, 'box', 'me', 'd'),
    (3, 'second', ${AT}, 'allocate', 'proxy', NULL, 27700, NULL, 'box', 'me', 'd'),
    (4, 'third', ${AT}, 'reserve', NULL, NULL, 27602, 'kept', 'box', 'me', 'd');
  INSERT INTO port_registry VALUES ('mutex', 'third'), ('settings_table', 'settings'),
    ('watched:box', '60 2026-01-01T00:01:00.000Z');
  INSERT INTO port_health VALUES ('box', 27600, 'cad-prod', 'down', ${AT}, NULL, 3, 60, NULL);`

/** Rows in an order that does not depend on how they are stored. */
const sorted = (rows: ReadonlyArray<unknown>): ReadonlyArray<string> => rows.map((row) => JSON.stringify(row)).sort()

/** A kind of database that has the layout of 0.1.0, made by SQL alone. */
interface Layouts {
  readonly name: string
  /** Prepares the registry of a machine with these variables. */
  readonly make: (home: string) => Promise<Prepared>
}

interface Prepared {
  readonly env: Readonly<Record<string, string>>
  /** Runs SQL past the registry. */
  readonly sql: (text: string) => Promise<void>
  /** Everything that is in the database: the definitions, and each row. */
  readonly dump: () => Promise<string>
}

export const sqliteLayouts: Layouts = {
  name: "SQLite",
  make: async (home) => {
    const file = `${home}/ports.sqlite`
    const sql = async (text: string) => withSqlite(file, (database) => database.exec(text))
    await sql(
      tables(
        () => "TEXT",
        "INTEGER PRIMARY KEY AUTOINCREMENT",
        (word) => `"${word}"`,
        ""
      ) + ROWS
    )
    return {
      env: { AUTOMATELINUX_DATABASE_URL: `sqlite:${file}` },
      sql,
      dump: async () =>
        withSqlite(file, (database) => {
          const all = (text: string) => database.prepare(text).all() as ReadonlyArray<Record<string, unknown>>
          const master = all("SELECT name, type, sql FROM sqlite_master ORDER BY name")
          const names = master.filter(({ type }) => type === "table").map(({ name }) => String(name))
          return JSON.stringify([master, names.map((name) => [name, sorted(all(`SELECT * FROM "${name}"`))])], null, 1)
        })
    }
  }
}

let count = 0

export const mariadbLayouts: Layouts = {
  name: flavour.name,
  make: async () => {
    const server = await sharedServer()
    const name = `layout${++count}`
    const url = await server.database(name)
    const query = (text: string) => server.query(text, [], name)
    const sql = async (text: string) => void (await query(text))
    const options = ` ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=${flavour.own}`
    const serial = "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"
    await sql(
      tables(
        (length) => `VARCHAR(${length})`,
        serial,
        (word) => `\`${word}\``,
        options
      ) + ROWS
    )
    return {
      env: { AUTOMATELINUX_DATABASE_URL: url },
      sql,
      dump: async () => {
        const names = (await query("SHOW TABLES")).flatMap((row) => Object.values(row).map(String))
        const parts = names.map(async (table) => [
          await query(`SHOW CREATE TABLE ${table}`),
          sorted(await query(`SELECT * FROM ${table}`))
        ])
        return JSON.stringify(await Promise.all(parts), null, 1)
      }
    }
  }
}

/** The same machine on a registry with the layout of 0.1.0. */
export const withLayout = async (layouts: Layouts, box: Machine) => {
  const prepared = await layouts.make(box.home)
  return { ...prepared, box: box.with(prepared.env) }
}
