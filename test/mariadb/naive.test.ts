import mysql from "mysql2/promise"
import { expect, it } from "vitest"
import { sharedServer } from "../support/mariadb.ts"

/**
 * The race test's own test: an allocator that reads, picks and inserts, run as the real one is, must be caught giving
 * one port to two. If it is not, the race proves nothing.
 */
it("catches a naive allocator", async () => {
  const server = await sharedServer()
  await server.database("naive")
  await server.query(
    "CREATE TABLE settings (setting_key VARCHAR(255) PRIMARY KEY, setting_value TEXT NOT NULL)",
    [],
    "naive"
  )
  const callers = await Promise.all(
    Array.from({ length: 20 }, () =>
      mysql.createConnection({ socketPath: server.socket, user: "root", database: "naive" })
    )
  )
  const given = await Promise.all(
    callers.map(async (caller, index) => {
      const [rows] = await caller.query("SELECT setting_value FROM settings")
      const taken = new Set((rows as ReadonlyArray<Record<string, string>>).map((row) => Number(row["setting_value"])))
      let port = 3000
      while (taken.has(port)) port += 2
      await caller.query("INSERT INTO settings VALUES (?, ?)", [`port_app${index}-prod`, String(port)])
      return port
    })
  )
  for (const caller of callers) await caller.end()
  expect(new Set(given).size).toBeLessThan(given.length)
})
