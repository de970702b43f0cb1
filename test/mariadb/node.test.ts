import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { MariaDb } from "../support/mariadb.ts"
import { machine, startDaemon, temporary } from "../support/program.ts"

/** What came over each connection: of a transaction, or outside of any. */
const said = (log: string) => {
  const lines = [...log.matchAll(/^(?:\d{6}\s+[\d:]+)?\s+(\d+) (Query|Prepare|Execute)\t(.*)$/gm)]
  const inside = new Set<string>()
  return lines.flatMap(([, connection = "", how = "", text = ""]) => {
    if (/START TRANSACTION/.test(text)) {
      inside.add(connection)
      return []
    }
    if (!inside.has(connection)) return []
    if (/^(COMMIT|ROLLBACK)$/.test(text)) inside.delete(connection)
    return [{ how, text }]
  })
}

it("sends a node of a cluster each statement of a transaction by itself, and as text", async () => {
  const path = join(temporary(), "log")
  // One that has no others, but says that it is a node.
  const server = await MariaDb.start(
    "--wsrep-on=ON",
    "--binlog-format=ROW",
    "--innodb-autoinc-lock-mode=2",
    "--general-log=1",
    `--general-log-file=${path}`
  )
  onTestFinished(() => server.kill())
  const box = machine({
    AUTOMATELINUX_APP_RANGE: "26200-26299",
    AUTOMATELINUX_SPECIAL_RANGE: "26300-26399",
    AUTOMATELINUX_DATABASE_URL: await server.database()
  })
  await startDaemon(box)
  await Promise.all(["a", "b", "c", "d"].map((app) => box.ok("allocate", "--app", app, "--special", `${app}-proxy`)))
  await box.ok("setPort", "--key", "a-dev", "--value", "26298", "--description", 'it\'s; a `text` \\ with "all"')
  await box.ok("rename", "--key", "b-proxy", "--to", "e-proxy")
  await box.ok("release", "--app", "c")
  await box.ok("deletePort", "--key", "d-dev")
  expect(await box.ok("listPorts")).toContain('it\'s; a `text` \\ with "all"')
  const statements = said(readFileSync(path, "utf8"))
  expect(statements.filter(({ text }) => text.includes("port_history")).length).toBeGreaterThan(4)
  expect(
    statements.filter(({ how, text }) => how !== "Query" || /; (?!DO 0$)/.test(text.replace(/'(?:[^'\\]|\\.)*'/g, "")))
  ).toEqual([])
})
