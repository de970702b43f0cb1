import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it, onTestFinished, vi } from "vitest"
import { startDaemon } from "../../support/cli.ts"
import { inProcess } from "../../support/inProcess.ts"
import { MariaDb } from "../../support/mariadb.ts"
import { temporary } from "../../support/root.ts"

const LIMIT_MS = 20_000

/** What a server's log says was sent to it within transactions, how and what. */
const withinTransactions = (log: string) => {
  const inside = new Set<string>()
  return [...log.matchAll(/\s(\d+) (Query|Prepare|Execute)\t(.*)$/gm)].flatMap(
    ([, connection = "", how, text = ""]) => {
      if (text.includes("START TRANSACTION")) {
        inside.add(connection)
        return []
      }
      if (!inside.has(connection)) return []
      if (/^(COMMIT|ROLLBACK)$/.test(text)) inside.delete(connection)
      return [{ how, text }]
    }
  )
}

const RANGES = { AUTOMATELINUX_APP_RANGE: "26200-26299", AUTOMATELINUX_SPECIAL_RANGE: "26300-26399" }

/** One that has no others, but says that it is a node. */
const started = async (...options: ReadonlyArray<string>) => {
  const server = await MariaDb.start("--wsrep-on=ON", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", ...options)
  onTestFinished(() => server.kill())
  return { server, url: await server.database() }
}

it("sends a node of a cluster each statement of a transaction by itself and as text, and nothing besides", async () => {
  const path = join(temporary(), "log")
  const { server, url } = await started("--general-log=1", `--general-log-file=${path}`)
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url })
  await startDaemon(box)
  const apps = ["a", "b", "c", "d"]
  await Promise.all(apps.map((app) => box.ok("allocate", "--app", app, "--special", `${app}-proxy`)))
  await box.ok("setPort", "--key", "a-dev", "--value", "26298", "--description", "it's; two")
  await box.ok("rename", "--key", "b-proxy", "--to", "e-proxy")
  await box.ok("deletePort", "--key", "d-dev")

  // A connection that nobody uses ends while a transaction waits in the queue.
  const over = server.query(
    "START TRANSACTION; SELECT name FROM port_registry WHERE name = 'mutex' FOR UPDATE; SELECT SLEEP(3)",
    [],
    "ports"
  )
  const processes = (where: string) =>
    server.query(`SELECT ID AS id FROM information_schema.PROCESSLIST WHERE ${where}`)
  await vi.waitUntil(async () => (await processes("INFO = 'SELECT SLEEP(3)'")).length > 0, LIMIT_MS)
  const released = box.ok("release", "--app", "c")
  await vi.waitUntil(async () => (await processes("USER = 'ports' AND INFO LIKE '%FOR UPDATE'")).length > 0, LIMIT_MS)
  const idle = await vi.waitUntil(async () => (await processes("USER = 'ports' AND COMMAND = 'Sleep'"))[0], LIMIT_MS)
  await server.query(`KILL ${idle["id"]}`)
  await Promise.all([over, released])

  const sent = withinTransactions(readFileSync(path, "utf8"))
  expect(sent.filter(({ text }) => text.startsWith("INSERT INTO `port_history`")).length).toBeGreaterThan(4)
  expect(sent.filter(({ how, text }) => how !== "Query" || /;(?!\stwo)|^SHOW/.test(text))).toEqual([])
})

it("sees on a node, too, that a row is not as it was read, and writes nothing", async () => {
  const { server, url } = await started()
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url })
  await box.ok("setPort", "--key", "moving", "--value", "26300")
  // Between reading and writing, each time.
  await server.query(
    `CREATE TRIGGER another AFTER UPDATE ON port_registry FOR EACH ROW
     UPDATE settings SET setting_value = '26301' WHERE setting_key = 'port_moving'`,
    [],
    "ports"
  )
  const run = await box.d("setPort", "--key", "moving", "--value", "26302")
  expect(run).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("keeps changing") })
  expect(await box.ok("getPort", "--key", "moving")).toBe("26300\n")
})

it("leaves a node that lets nobody write, as while it is copied to another", async () => {
  const [first, second] = await Promise.all([started(), started()])
  await inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: first.url }).ok("allocate", "--app", "before")
  const holding = first.server.query("FLUSH TABLES WITH READ LOCK; SELECT SLEEP(30)").catch(() => {})
  await vi.waitUntil(
    async () =>
      (await first.server.query("SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(30)'")).length,
    LIMIT_MS
  )
  const both = first.server.overTcp().replace(/\/ports$/, `,127.0.0.1:${second.server.port}/ports`)
  const box = inProcess({
    ...RANGES,
    AUTOMATELINUX_DATABASE_URL: `${both}?lockTimeout=1&statementTimeout=1`,
    AUTOMATELINUX_DATABASE_TIMEOUT: "15 seconds"
  })
  // The second one is no copy of the first here, which shows where it was written.
  expect(await box.ok("allocate", "--app", "after")).toBe("after-prod 26200\nafter-dev 26201\n")
  await first.server.kill()
  await holding
})
