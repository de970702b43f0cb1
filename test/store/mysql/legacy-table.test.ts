import { describe, expect, it, vi } from "vitest"
import { startDaemon } from "../../support/cli.ts"
import { flavour, isMySql } from "../../support/flavour.ts"
import { inProcess } from "../../support/inProcess.ts"
import { type MariaDb, sharedServer } from "../../support/mariadb.ts"
import { at, rangesEnv } from "../../support/ports.ts"
import { Talker } from "../../support/socketClient.ts"

let count = 0

/** A database as the deployed daemon left it: a table of another name, in this collation, with rows of everybody. */
const deployed = async (collation: string, charset = collation.split("_")[0] ?? "") => {
  const server = await sharedServer()
  const name = `deployed${++count}`
  const url = await server.database(name)
  await server.query(
    `CREATE TABLE system_settings (
       id INT AUTO_INCREMENT UNIQUE, setting_key VARCHAR(255) NOT NULL PRIMARY KEY, setting_value TEXT NOT NULL,
       updated_at TIMESTAMP NOT NULL DEFAULT '2025-01-01 00:00:00') CHARACTER SET ${charset} COLLATE ${collation}`,
    [],
    name
  )
  const sql = (text: string, ...values: ReadonlyArray<unknown>) => server.query(text, values, name)
  const add = async (rows: Readonly<Record<string, string>>) => {
    for (const [key, value] of Object.entries(rows)) {
      await sql("INSERT INTO system_settings (setting_key, setting_value) VALUES (?, ?)", key, value)
    }
  }
  const rows = async () =>
    sql(
      "SELECT setting_key, setting_value, HEX(setting_value) AS bytes, updated_at FROM system_settings ORDER BY setting_key"
    )
  const box = inProcess({
    ...rangesEnv,
    AUTOMATELINUX_DATABASE_URL: url,
    AUTOMATELINUX_SETTINGS_TABLE: "system_settings"
  })
  return { server, name, sql, add, rows, box }
}

const OTHERS = {
  theme: "dark",
  "portal.url": "http://x",
  portX1: "3000",
  macro_Ünïcode: "naïve ☕".slice(0, 5),
  "port-3000": "not ours",
  "": "an empty name"
}

/** The default of MySQL, which ignores case and accents, but not trailing spaces, and its binary one. */
const OF_MYSQL = isMySql ? ["utf8mb4_0900_ai_ci", "utf8mb4_0900_bin"] : []

describe.each(["latin1_swedish_ci", "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", ...OF_MYSQL])(
  "a year-old table in %s",
  (collation) => {
    it("works with every command, is not altered, and others' rows are untouched to the byte", async () => {
      const { add, box, rows, sql } = await deployed(collation)
      await add({
        ...OTHERS,
        "port_cad-prod": String(at(3000)),
        "port_cad-dev": String(at(3001)),
        "port_loom-server": String(at(3500))
      })
      const shape = async () =>
        JSON.stringify(await sql("SHOW CREATE TABLE system_settings")).replace(/AUTO_INCREMENT=\d+/, "")
      const definition = await shape()
      const others = async () => (await rows()).filter((row) => !String(row["setting_key"]).startsWith("port_"))
      const before = await others()
      expect(before).toHaveLength(6)

      expect(await box.ok("getPort", "--key", "cad-dev")).toBe(`${at(3001)}\n`)
      expect(await box.ok("allocate", "--app", "cad", "--app", "new", "--special", "proxy")).toBe(
        `cad-prod ${at(3000)}\ncad-dev ${at(3001)}\nnew-prod ${at(3002)}\nnew-dev ${at(3003)}\nproxy ${at(3501)}\n`
      )
      expect(
        await box.ok("setPort", "--key", "cad-dev", "--value", String(at(3101)), "--description", "Größe ☕")
      ).toContain("Port set")
      expect(await box.ok("rename", "--key", "loom-server", "--to", "loom-stream")).toBe(`loom-stream ${at(3500)}\n`)
      expect(await box.ok("deletePort", "--key", "cad-prod")).toContain("deleted")
      expect(await box.ok("release", "--special", "proxy")).toBe(`proxy ${at(3501)}\n`)
      expect(await box.ok("reserve", "--port", String(at(3004)), "--reason", "kept")).toContain("reserved")
      expect(await box.ok("listPorts")).toMatch(
        new RegExp(`new-prod +${at(3002)} .*\\nnew-dev +${at(3003)} .*\\ncad-dev +${at(3101)} .*Größe ☕\\nloom-stream`)
      )

      expect(await others()).toEqual(before)
      expect(await shape()).toBe(definition)
      expect(await sql("SELECT port, claim_key FROM port_claims ORDER BY port")).toEqual([
        { port: at(3002), claim_key: "new-prod" },
        { port: at(3003), claim_key: "new-dev" },
        { port: at(3101), claim_key: "cad-dev" },
        { port: at(3500), claim_key: "loom-stream" }
      ])
    })
  }
)

describe.each(["utf8mb4_general_ci", "utf8mb4_unicode_ci", ...OF_MYSQL.slice(0, 1)])(
  "names that %s takes for one",
  (collation) => {
    const forms = ["cad", "CAD", "cád", ...(OF_MYSQL.includes(collation) ? [] : ["cad "])]

    it.each(forms)("do not answer for each other where the row is port_%s", async (stored) => {
      const { add, box, rows } = await deployed(collation)
      await add({ [`port_${stored}`]: String(at(3000)) })
      const before = await rows()
      for (const asked of ["cad", "CAD"].filter((each) => each !== stored)) {
        expect(await box.d("getPort", "--key", asked)).toMatchObject({ code: 1, stdout: "" })
        expect(await box.d("deletePort", "--key", asked)).toMatchObject({ code: 1, stdout: "" })
        expect(await box.d("setPort", "--key", asked, "--description", "x")).toMatchObject({ code: 1, stdout: "" })
        for (const words of [
          ["setPort", "--key", asked, "--value", "9000"],
          ["setPort", "--key", asked, "--value", "9000", "--force"],
          ["allocate", "--special", asked]
        ]) {
          const run = await box.d(...words)
          expect(run).toMatchObject({ code: 1, stdout: "" })
          expect(run.stderr).toContain(`the table system_settings treats "${asked}" and "${stored}" as the same key`)
        }
        expect(await rows()).toEqual(before)
      }
    })

    it("change and go only under their own", async () => {
      const { add, box, rows } = await deployed(collation)
      await add({ port_CAD: String(at(3000)) })
      expect(await box.ok("setPort", "--key", "CAD", "--value", "9000")).toContain("Port set")
      expect(await box.ok("rename", "--key", "CAD", "--to", "cad")).toBe("cad 9000\n")
      expect((await rows()).map((row) => [row["setting_key"], row["setting_value"]])).toEqual([["port_cad", "9000"]])
      expect(await box.d("deletePort", "--key", "CAD")).toMatchObject({ code: 1 })
      expect(await box.ok("deletePort", "--key", "cad")).toContain("deleted")
      expect(await rows()).toEqual([])
    })
  }
)

it("are told apart in a table of our own", async () => {
  const server: MariaDb = await sharedServer()
  const box = inProcess({ ...rangesEnv, AUTOMATELINUX_DATABASE_URL: await server.database("ours") })
  for (const [index, key] of ["cad", "CAD", "Cad"].entries())
    await box.ok("setPort", "--key", key, "--value", String(9000 + index))
  await server.query("INSERT INTO settings VALUES ('port_cád', '9010'), ('port_cad ', '9011')", [], "ours")
  expect(await box.ok("getPort", "--key", "cad")).toBe("9000\n")
  expect(await box.ok("getPort", "--key", "CAD")).toBe("9001\n")
  await box.ok("deletePort", "--key", "cad")
  const [made] = await server.query("SHOW TABLE STATUS LIKE 'settings'", [], "ours")
  expect(made?.["Collation"]).toBe(flavour.own)
  const left = await server.query("SELECT setting_key FROM settings ORDER BY setting_value", [], "ours")
  expect(left.map((row) => row["setting_key"])).toEqual(["port_CAD", "port_Cad", "port_cád", "port_cad "])
})

/** Somebody else's transaction that holds the queue of the registry for two seconds . */
const holdQueue = async (server: MariaDb, name: string) => {
  const over = server.query(
    "START TRANSACTION; SELECT name FROM port_registry WHERE name = 'mutex' FOR UPDATE; SELECT SLEEP(2)",
    [],
    name
  )
  const asleep = "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(2)'"
  await vi.waitUntil(async () => (await server.query(asleep)).length > 0, 10_000)
  return { over }
}

it("does nothing for a client that has stopped waiting while it stood in the queue", async () => {
  const { box, name, rows, server } = await deployed("utf8mb4_bin")
  const daemon = await startDaemon(box)
  await box.ok("reserve", "--port", "9", "--reason", "makes the tables")
  const holding = await holdQueue(server, name)
  const ask = (key: string, patience: number) => {
    const request = { command: "setPort", key, value: 9000, format: "json", until: Date.now() + patience }
    const talker = new Talker(daemon.socket)
    return talker.say(Buffer.from(JSON.stringify(request))).finally(() => talker.close())
  }
  const [late, soon] = await Promise.all([ask("late", 500), ask("soon", 60_000)])
  await holding.over
  expect(JSON.parse(late)).toMatchObject({
    ok: false,
    error: { code: "unavailable", message: "the request expired before it was started" }
  })
  expect(JSON.parse(soon)).toMatchObject({ ok: true })
  expect((await rows()).map((row) => row["setting_key"])).toEqual(["port_soon"])
})

it("refuses only what cannot be stored, of what is written together", async () => {
  const { add, box, name, rows, server, sql } = await deployed("utf8mb4_general_ci")
  await add({ port_foo: String(at(3000)) })
  await sql("ALTER TABLE system_settings MODIFY setting_key VARCHAR(20) NOT NULL")
  await startDaemon(box)
  await box.ok("reserve", "--port", "9", "--reason", "makes the tables")
  const holding = await holdQueue(server, name)
  const set = (key: string, index: number) => box.d("setPort", "--key", key, "--value", String(9000 + index))
  // The first waits for the queue, and the others for the first.
  const first = set("first", 0)
  const waiting = "SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'ports' AND INFO LIKE '%FOR UPDATE%'"
  await vi.waitUntil(async () => (await server.query(waiting)).length > 0, 10_000)
  const others = ["bar", "FOO", "a-name-that-is-too-long", "baz"].map((key, index) => set(key, index + 1))
  const runs = await Promise.all([first, ...others])
  await holding.over
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 1, 3, 0])
  expect(runs[2]?.stderr).toContain('treats "FOO" and "foo" as the same key')
  expect(runs[3]?.stderr).toContain("Data too long")
  expect((await rows()).map((row) => row["setting_key"])).toEqual(["port_bar", "port_baz", "port_first", "port_foo"])
  const batches = await sql("SELECT batch, COUNT(*) AS n FROM port_history WHERE what = 'set' GROUP BY batch")
  // On a busy machine those that can be stored may come without those that cannot.
  expect(batches.length).toBeGreaterThan(1)
})

it("tries fewer together where more of them are always overtaken", async () => {
  const { box, name, server, sql } = await deployed("utf8mb4_bin")
  await startDaemon(box)
  await box.ok("reserve", "--port", "9", "--reason", "makes the tables")
  // As on a cluster, where a node that is faster throws out what takes longer.
  await sql(
    `CREATE TRIGGER overtaken BEFORE INSERT ON port_history FOR EACH ROW
     IF NEW.what NOT LIKE 'undo:%' AND (SELECT COUNT(*) FROM port_history WHERE at = NEW.at AND what NOT LIKE 'undo:%') >= 2 THEN
       SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'another was faster'; END IF`
  )
  const holding = await holdQueue(server, name)
  const keys = Array.from({ length: 12 }, (_, index) => `key${index}`)
  const runs = await Promise.all(keys.map((key, index) => box.d("setPort", "--key", key, "--value", `${9000 + index}`)))
  await holding.over
  expect(runs.map(({ code }) => code)).toEqual(keys.map(() => 0))
  const [written] = await sql(
    "SELECT COUNT(*) AS n, COUNT(DISTINCT at) AS groups_ FROM port_history WHERE what = 'set'"
  )
  expect(written?.["n"]).toBe(12)
  expect(written?.["groups_"]).toBeLessThan(12)
})
