import mysql from "mysql2/promise"
import { expect, it, onTestFinished, vi } from "vitest"
import { machine, startDaemon } from "../../support/cli.ts"
import { inProcess } from "../../support/inProcess.ts"
import { sharedServer } from "../../support/mariadb.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "31800-31819", AUTOMATELINUX_SPECIAL_RANGE: "31820-31839" }

it("waits no longer than the limits for a daemon that is stopped within its transaction", async () => {
  const server = await sharedServer()
  const url = await server.database("stopped")
  const impatient = { AUTOMATELINUX_DATABASE_TIMEOUT: "1 seconds" }
  const daemon = await startDaemon(machine({ ...RANGES, ...impatient, AUTOMATELINUX_DATABASE_URL: url }))
  const asked = machine({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url, AUTOMATELINUX_PORTS_SOCKET: daemon.socket })
  await asked.ok("allocate", "--app", "first")

  const holder = await mysql.createConnection({ socketPath: server.socket, user: "root", database: "stopped" })
  onTestFinished(() => holder.destroy())
  await holder.query("START TRANSACTION")
  await holder.query("SELECT * FROM port_registry FOR UPDATE")
  const stopped = asked.d("allocate", "--app", "stopped")
  const waiting = "SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'ports' AND INFO LIKE '%FOR UPDATE%'"
  await vi.waitUntil(async () => (await server.query(waiting)).length > 0, 10_000)
  daemon.signal("SIGSTOP")
  // Now the queue is the stopped daemon's.
  await holder.query("ROLLBACK")

  const other = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url, AUTOMATELINUX_DATABASE_TIMEOUT: "20 seconds" })
  expect(await other.ok("allocate", "--app", "other")).toBe("other-prod 31802\nother-dev 31803\n")
  daemon.signal("SIGCONT")
  // Its own limit is over, but what it says is true.
  const { code } = await stopped
  expect(await other.ok("listPorts")).toMatch(code === 0 ? /stopped-prod +31804/ : /^(?!.*stopped-prod)/s)
})
