import { join } from "node:path"
import { expect, it } from "vitest"
import { machine } from "../support/cli.ts"
import { ACTING } from "../support/controlCharacters.ts"
import { openSqlite } from "../support/sqlite.ts"

it("shows what another program wrote without obeying it", async () => {
  const box = machine({ AUTOMATELINUX_APP_RANGE: "30500-30599", AUTOMATELINUX_SPECIAL_RANGE: "31000-31099" })
  await box.ok("setPort", "--key", "mine", "--value", "31000")
  const db = openSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"))
  const write = db.prepare("INSERT INTO settings VALUES (?, ?)")
  write.run("port_evil\u001b[2J\nx", "30501")
  write.run("port_none\u009b\n", "no\u001b[2J")
  db.prepare("UPDATE port_keys SET description = ?").run("one\ntwo\u001b[2J")
  db.close()
  const shown = [
    await box.d("listPorts"),
    await box.d("setPort", "--key", "mine", "--value", "30501"),
    await box.d("setPort", "--key", "mine", "--value", "30501", "--force"),
    await box.d("reserve", "--port", "30501", "--reason", "why"),
    await box.d("setPort", "--key", "evil-prod", "--value", "30500"),
    await box.d("allocate", "--app", "evil")
  ]
  const text = shown.map(({ stderr, stdout }) => stdout + stderr).join("")
  expect(text).not.toMatch(ACTING)
  expect(text.split("\n").filter((line) => line.startsWith("x") || line.startsWith("two"))).toEqual([])
  expect(shown[0]?.stdout).toContain("\nevil\\u001b[2J\\u000ax  30501  special  unknown\n")
  expect(shown[1]?.stderr).toContain('error: 30501 belongs to "evil\\u001b[2J\\nx"; mine was not set\n')
  expect(shown[5]?.stderr).toContain('the other half of its pair, belongs to "evil\\u001b[2J\\nx"\n')
})
