import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { flavour, isMySql } from "../../support/flavour.ts"
import { inProcess } from "../../support/inProcess.ts"
import { sharedServer } from "../../support/mariadb.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "31840-31859", AUTOMATELINUX_SPECIAL_RANGE: "31860-31879" }

/** The command that `d backup` prints, and the same one for MySQL's own client, as docs/backup.md says. */
const PROGRAMS = {
  "mariadb-dump": (line: string) => line.replace("mariadb-dump", "mariadb-dump --no-defaults"),
  mysqldump: (line: string) =>
    line.replace("mariadb-dump", `${flavour.client("mysqldump")} --no-defaults --no-tablespaces --set-gtid-purged=OFF`)
}

describe.runIf(isMySql)("a registry on MySQL", () => {
  it.each(Object.keys(PROGRAMS) as ReadonlyArray<keyof typeof PROGRAMS>)(
    "is dumped by %s with the rights that docs/database.md lists, and restored",
    async (program) => {
      const server = await sharedServer()
      const name = `dump_${program.replace("-", "_")}`
      const url = await server.database(name)
      const user = `${name}_user`
      await server.query(
        `CREATE USER ${user}@'%' IDENTIFIED BY 'secret'; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON ${name}.* TO ${user}@'%'`
      )
      const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url.replace("//ports:", `//${user}:`) })
      await box.ok("allocate", "--app", "cad", "--description", "Größe ☕")
      const before = await box.ok("listPorts", "--json")
      const file = join(box.home, "dump.sql")
      const { stderr } = await box.d("backup", file)
      const [, line = ""] = /^hint: (.*)$/m.exec(stderr) ?? []
      expect(await box.sh(PROGRAMS[program](line.replace(" --password ", " --password=secret ")))).toMatchObject({
        code: 0
      })
      await box.ok("release", "--app", "cad")
      const client = `${flavour.client("mysql")} --no-defaults --user=root --socket=${server.socket} ${name}`
      expect(await box.sh(`${client} < "${file}"`)).toMatchObject({ code: 0, stderr: "" })
      expect(await box.ok("listPorts", "--json")).toBe(before)
    }
  )
})
