import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { isMySql } from "../../support/flavour.ts"
import { inProcess } from "../../support/inProcess.ts"
import { MariaDb } from "../../support/mariadb.ts"

const RANGES = {
  AUTOMATELINUX_APP_RANGE: "26600-26699",
  AUTOMATELINUX_SPECIAL_RANGE: "26700-26799",
  AUTOMATELINUX_DAEMON: "never"
}

let server: MariaDb
let databases = 0

beforeAll(async () => {
  server = await MariaDb.start()
})
afterAll(() => server.kill())

/** A registry whose table of settings is there before it, as another program made it. */
const besideTable = async (...statements: ReadonlyArray<string>) => {
  const name = `table${++databases}`
  await server.database(name)
  for (const statement of statements) await server.query(statement, [], name)
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: server.overTcp(name) })
  const rows = () => server.query("SELECT * FROM settings", [], name)
  return { box, name, rows }
}

const KEYS = "setting_key VARCHAR(255) NOT NULL PRIMARY KEY"

const KEPT: ReadonlyArray<readonly [name: string, columns: string, options: string]> = [
  ["bytes for keys and values", "setting_key VARBINARY(255) NOT NULL PRIMARY KEY, setting_value BLOB NOT NULL", ""],
  ["ucs2", `${KEYS}, setting_value TEXT`, "CHARSET=ucs2"],
  ["utf16", `${KEYS}, setting_value TEXT`, "CHARSET=utf16"],
  ["utf32", `${KEYS}, setting_value TEXT`, "CHARSET=utf32"],
  ["utf8mb3", `${KEYS}, setting_value TEXT`, "CHARSET=utf8mb3"],
  ["ascii", `${KEYS}, setting_value VARCHAR(20)`, "CHARSET=ascii"],
  ["whole numbers", `${KEYS}, setting_value INT`, ""],
  ["whole decimals", `${KEYS}, setting_value DECIMAL(10, 0)`, ""],
  // A type of its own in MySQL.
  ...(isMySql ? [] : [["JSON", `${KEYS}, setting_value JSON`, ""] as const])
]

describe("a table of settings in which text stays what it is", () => {
  it.each(KEPT)("%s: every command works", async (_, columns, options) => {
    const { box } = await besideTable(`CREATE TABLE settings (${columns}) ${options}`)
    expect(await box.ok("allocate", "--app", "cad", "--special", "s")).toBe("cad-prod 26600\ncad-dev 26601\ns 26700\n")
    await box.ok("setPort", "--key", "cad-dev", "--value", "26611")
    expect(await box.ok("getPort", "--key", "cad-dev")).toBe("26611\n")
    await box.ok("rename", "--key", "s", "--to", "t")
    await box.ok("deletePort", "--key", "t")
    expect(await box.ok("release", "--app", "cad")).toBe("cad-prod 26600\ncad-dev 26611\n")
    expect(JSON.parse(await box.ok("listPorts", "--json"))).toEqual([])
  })
})

describe.runIf(isMySql)("a table of settings in which a number is not the text of it", () => {
  it("JSON: nothing is acknowledged, nothing is stored", async () => {
    const { box, rows } = await besideTable(`CREATE TABLE settings (${KEYS}, setting_value JSON)`)
    const run = await box.d("allocate", "--app", "cad")
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).toContain('its table "settings" does not find "26600" after it was written to it')
    expect(await rows()).toEqual([])
  })
})

describe("a table of settings that alters what is written", () => {
  it.each([
    ["a decimal", [`CREATE TABLE settings (${KEYS}, setting_value DECIMAL(10, 2))`], '"26600.00"'],
    ["padded", [`CREATE TABLE settings (${KEYS}, setting_value INT(9) ZEROFILL)`], '"000026600"'],
    ["a float", [`CREATE TABLE settings (${KEYS}, setting_value FLOAT(9, 1))`], '"26600.0"'],
    [
      "a trigger on INSERT",
      [
        `CREATE TABLE settings (${KEYS}, setting_value TEXT)`,
        "CREATE TRIGGER t BEFORE INSERT ON settings FOR EACH ROW SET NEW.setting_value = CONCAT(NEW.setting_value, ' ')"
      ],
      '"26600 "'
    ],
    [
      "a trigger on the key",
      [
        `CREATE TABLE settings (${KEYS}, setting_value TEXT)`,
        "CREATE TRIGGER t BEFORE INSERT ON settings FOR EACH ROW SET NEW.setting_key = CONCAT('x', NEW.setting_key)"
      ],
      "nothing"
    ]
  ])("%s: nothing is acknowledged, nothing is stored", async (_, statements, stored) => {
    const { box, name, rows } = await besideTable(...statements)
    const run = await box.d("allocate", "--app", "cad")
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).toContain(`its table "settings" stores ${stored} if "26600" is written to it`)
    expect(await rows()).toEqual([])
    expect(await server.query("SELECT * FROM port_claims", [], name)).toEqual([])
    expect(await server.query("SELECT * FROM port_history", [], name)).toEqual([])
  })

  it("by a CHECK of what may be stored: named as the table's rule", async () => {
    const { box, rows } = await besideTable(
      `CREATE TABLE settings (${KEYS}, setting_value VARCHAR(20), CHECK (setting_value <> '26601'))`
    )
    const run = await box.d("allocate", "--app", "cad")
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).toContain("a rule of the table forbids it")
    expect(await rows()).toEqual([])
  })

  it("by a trigger on UPDATE that comes later: the change is refused, and what was stays", async () => {
    const { box, name } = await besideTable()
    await box.ok("allocate", "--app", "cad")
    await server.query("CREATE TRIGGER t BEFORE UPDATE ON settings FOR EACH ROW SET NEW.setting_value = '1'", [], name)
    const run = await box.d("setPort", "--key", "cad-dev", "--value", "26611")
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).toContain('stores "1" if "26611" is written to it')
    expect(await box.ok("getPort", "--key", "cad-dev")).toBe("26601\n")
  })
})

describe("a table of settings whose changes are not rolled back", () => {
  it.each(["MyISAM", ...(isMySql ? [] : ["Aria"]), "MEMORY"])(
    "%s: refused before anything is written",
    async (engine) => {
      const { box, name, rows } = await besideTable(
        `CREATE TABLE settings (${KEYS}, setting_value VARCHAR(20)) ENGINE=${engine} CHARSET=latin1`
      )
      const run = await box.d("allocate", "--app", "cad")
      expect(run).toMatchObject({ code: 3, stdout: "" })
      expect(run.stderr).toBe(
        `error: cannot use database ${name} at 127.0.0.1:${server.port} as ports: its table "settings" uses the engine ${engine}, which cannot roll back a failed change\n` +
          "hint: convert it: ALTER TABLE `settings` ENGINE=InnoDB\n"
      )
      expect(await rows()).toEqual([])
      expect((await box.d("doctor")).stdout).toContain(`uses the engine ${engine}`)
      await server.query("ALTER TABLE settings ENGINE=InnoDB", [], name)
      expect(await box.ok("allocate", "--app", "cad")).toBe("cad-prod 26600\ncad-dev 26601\n")
    }
  )
})

it("goes on while another program alters its tables", async () => {
  const { box, name } = await besideTable()
  await box.ok("reserve", "--port", "26699", "--reason", "makes the tables")
  // A limited number, because changes that never pause may keep everybody else from the tables.
  let altered = 0
  const altering = (async () => {
    for (; altered < 30; altered++) {
      const table = ["settings", "port_claims", "port_history"][altered % 3]
      await server.query(`ALTER TABLE ${table} FORCE`, [], name)
    }
  })()
  for (let index = 0; altered < 30; index++) {
    await box.ok("allocate", "--special", `s${index}`)
    await box.ok("listPorts")
    await box.ok("export")
  }
  await altering
})
