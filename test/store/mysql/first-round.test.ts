import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it, onTestFinished, vi } from "vitest"
import { machine, startDaemon } from "../../support/cli.ts"
import { isMySql } from "../../support/flavour.ts"
import { MariaDb } from "../../support/mariadb.ts"
import { temporary } from "../../support/root.ts"

const FIRST = 26_800
const PORTS = 190

it("stores the health of many ports in few statements, and locks nothing that others wait for", async () => {
  const log = join(temporary(), "log")
  const server = await MariaDb.start("--general-log=0", `--general-log-file=${log}`)
  onTestFinished(() => server.kill())
  const box = machine({
    AUTOMATELINUX_DATABASE_URL: await server.database(),
    AUTOMATELINUX_APP_RANGE: `${FIRST}-${FIRST + PORTS - 1}`,
    AUTOMATELINUX_SPECIAL_RANGE: "26990-26999"
  })
  const apps = Array.from({ length: PORTS / 2 }, (_, index) => ["--app", `app${index}`]).flat()
  await box.with({ AUTOMATELINUX_DAEMON: "never" }).ok("allocate", ...apps)
  await server.query("SET GLOBAL general_log = 1")
  await startDaemon(box)
  const stored = () => server.query("SELECT COUNT(*) AS n FROM port_health", [], "ports")
  await vi.waitUntil(async () => Number((await stored())[0]?.["n"]) === PORTS, { timeout: 30_000 })
  await server.query("SET GLOBAL general_log = 0")

  const lines = readFileSync(log, "utf8").split("\n")
  const writing = lines.filter((line) => /(REPLACE|INSERT) INTO port_health|DELETE FROM port_health/.test(line))
  // MySQL logs each statement of a round trip by itself.
  const whole = isMySql
    ? /\d Query\tREPLACE INTO port_health /
    : /\d Query\t.*START TRANSACTION; REPLACE INTO port_health /
  expect(writing).toEqual([expect.stringMatching(whole)])
  // The first round found nothing to adopt, so it had no reason to wait for the queue.
  expect(lines.filter((line) => line.includes("FOR UPDATE"))).toEqual([])
})
