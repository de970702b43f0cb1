import { afterAll, beforeAll, expect, it } from "vitest"
import { startDaemon } from "../../support/cli.ts"
import { isMySql } from "../../support/flavour.ts"
import { inProcess } from "../../support/inProcess.ts"
import { MariaDb } from "../../support/mariadb.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "17400-17499", AUTOMATELINUX_SPECIAL_RANGE: "17500-17599" }

let server: MariaDb
let databases = 0

beforeAll(async () => {
  server = await MariaDb.start()
})
afterAll(() => server.kill())

const ISOLATION = isMySql ? "transaction_isolation" : "tx_isolation"

/** What an administrator may have set for all programs. */
const GLOBALS = [
  "sql_safe_updates = 1",
  "autocommit = 0",
  "completion_type = 'CHAIN'",
  `${ISOLATION} = 'SERIALIZABLE'`,
  `${ISOLATION} = 'READ-UNCOMMITTED'`,
  "sql_select_limit = 1",
  "max_join_size = 1",
  "sql_mode = ''",
  "sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH'",
  "innodb_default_row_format = 'compact'",
  "init_connect = 'SET NAMES latin1'",
  "init_connect = 'SET autocommit = 0'",
  isMySql ? "max_execution_time = 1" : "max_statement_time = 0.001"
]

it.each(GLOBALS)("keeps its promises with the global %s", async (setting) => {
  const [name = ""] = setting.split(" ")
  await server.query(`SET GLOBAL ${setting}`)
  try {
    const database = `hostile${++databases}`
    await server.database(database)
    const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: server.overTcp(database) })
    const daemon = await startDaemon(box)
    expect(await box.ok("allocate", "--app", "cad", "--special", "s1", "--description", "café 🙂")).toBe(
      "cad-prod 17400\ncad-dev 17401\ns1 17500\n"
    )
    await box.ok("rename", "--key", "s1", "--to", "s2")
    expect(await box.ok("getPort", "--key", "s2")).toBe("17500\n")
    // Beside the daemon, and then through it: nobody answers what was.
    const beside = box.with({ AUTOMATELINUX_DAEMON: "never" })
    expect(await beside.ok("allocate", "--app", "shop")).toBe("shop-prod 17402\nshop-dev 17403\n")
    expect(await box.ok("getPort", "--key", "shop-dev")).toBe("17403\n")
    const listed = JSON.parse(await beside.ok("listPorts", "--json")) as ReadonlyArray<{
      key: string
      description: string
    }>
    expect(listed.map(({ key }) => key)).toEqual(["cad-prod", "cad-dev", "shop-prod", "shop-dev", "s2"])
    expect(listed[0]?.description).toBe("café 🙂")
    expect(await box.ok("release", "--app", "cad")).toBe("cad-prod 17400\ncad-dev 17401\n")
    expect(await beside.d("getPort", "--key", "cad-dev")).toMatchObject({ code: 1, stdout: "" })
    expect(await beside.ok("allocate", "--app", "next")).toBe("next-prod 17400\nnext-dev 17401\n")
    await daemon.stop()
  } finally {
    await server.query(`SET GLOBAL ${name} = DEFAULT`)
  }
})
