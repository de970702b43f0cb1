import { join } from "node:path"
import { expect, it } from "vitest"
import { machine } from "../support/cli.ts"
import { ACTING } from "../support/controlCharacters.ts"
import { openSqlite } from "../support/sqlite.ts"

it("shows what another program wrote without obeying it", async () => {
  const box = machine({ AUTOMATELINUX_APP_RANGE: "17000-17099", AUTOMATELINUX_SPECIAL_RANGE: "17100-17199" })
  await box.ok("setPort", "--key", "mine", "--value", "17100")
  const db = openSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"))
  const write = db.prepare("INSERT INTO settings VALUES (?, ?)")
  write.run("port_evil\u001b[2J\nx", "17001")
  write.run("port_none\u009b\n", "no\u001b[2J")
  db.prepare("UPDATE port_keys SET description = ?").run("one\ntwo\u001b[2J")
  db.close()
  const shown = [
    await box.d("listPorts"),
    await box.d("setPort", "--key", "mine", "--value", "17001"),
    await box.d("setPort", "--key", "mine", "--value", "17001", "--force"),
    await box.d("reserve", "--port", "17001", "--reason", "why"),
    await box.d("setPort", "--key", "evil-prod", "--value", "17000"),
    await box.d("allocate", "--app", "evil")
  ]
  const text = shown.map(({ stderr, stdout }) => stdout + stderr).join("")
  expect(text).not.toMatch(ACTING)
  expect(text.split("\n").filter((line) => line.startsWith("x") || line.startsWith("two"))).toEqual([])
  expect(shown[0]?.stdout).toContain("\nevil\\u001b[2J\\u000ax  17001  special  unknown\n")
  expect(shown[1]?.stderr).toContain('error: 17001 belongs to "evil\\u001b[2J\\nx"; mine was not set\n')
  expect(shown[5]?.stderr).toContain('the other half of its pair, belongs to "evil\\u001b[2J\\nx"\n')
})
