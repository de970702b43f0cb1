import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { machine, startDaemon } from "../support/cli.ts"
import { rangesFrom } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { client, requestDaemon } from "../support/socketClient.ts"
import { withSqlite } from "../support/sqlite.ts"

/** What moves in from the deployed daemon: its clients, and the rows that it reads. */

const RANGES = rangesFrom(21_900)

it.each<[string, unknown]>([
  ["the text true", "true"],
  ["1", 1],
  ["the text 1", "1"],
  ["yes", "yes"],
  ["true itself", true]
])("shares a port for a client that says force with %s", async (_, force) => {
  const box = machine(RANGES)
  await box.ok("allocate", "--app", "cad")
  const { socket: path } = await startDaemon(box)
  const set = { command: "setPort", key: "b", value: 21_901 }
  expect(await requestDaemon(path, JSON.stringify(set))).toBe(
    'ERROR: 21901 belongs to cad-dev; b was not set; to insist, add "force":"true"\n'
  )
  for (const no of ["false", 0, "0", "no", "", false])
    expect(await requestDaemon(path, JSON.stringify({ ...set, force: no }))).toMatch(/^ERROR: 21901 belongs to/)
  expect(await requestDaemon(path, JSON.stringify({ ...set, force }))).toBe("Port set for b to 21901\n")
  // A client that speaks JSON says what it means.
  const strict = client(path)
  await strict.write(`${JSON.stringify({ ...set, key: "c", force: "true", format: "json" })}\n`)
  expect(JSON.parse(await strict.until(/\n$/))).toMatchObject({ ok: false, error: { code: "invalid" } })
})

describe("a row that another program reads as a port", () => {
  const stored = (home: string, rows: Readonly<Record<string, string>>) =>
    withSqlite(join(home, ".local/state/automatelinux/ports.sqlite"), (database) => {
      for (const [key, value] of Object.entries(rows))
        database.prepare("INSERT INTO settings VALUES (?, ?)").run(`port_${key}`, value)
    })

  it.each([" 21902", "021902", "21902abc", "+21902", "\t 0021902.5"])(
    "is passed over by allocate: %j",
    async (value) => {
      const box = inProcess(RANGES)
      await box.ok("allocate", "--app", "cad")
      stored(box.home, { other: value })
      expect(await box.d("allocate", "--app", "pt")).toEqual({
        code: 0,
        stdout: "pt-prod 21904\npt-dev 21905\n",
        stderr: `skipped 21902: the row of other contains ${JSON.stringify(value)}, which other programs may read as that port: d doctor --check value-invalid\n`
      })
      // What was told once and is not in the way is not told again.
      expect(await box.d("allocate", "--app", "pt")).toMatchObject({ code: 0, stderr: "" })
    }
  )

  it.each(["x21902", "-21902", "0", "70000", "", "99999999999999999999"])("is none: %j", async (value) => {
    const box = inProcess(RANGES)
    await box.ok("allocate", "--app", "cad")
    stored(box.home, { other: value })
    expect(await box.d("allocate", "--app", "pt")).toEqual({
      code: 0,
      stdout: "pt-prod 21902\npt-dev 21903\n",
      stderr: ""
    })
  })
})
