import { describe, expect, it } from "vitest"
import { startDaemon } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { serve } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "19840-19859", AUTOMATELINUX_SPECIAL_RANGE: "19860-19879" }

const made = async (database: typeof sqlite) => inProcess({ ...RANGES, ...(await database.fresh()) })

/** Lines of a table without the times, and without who did it. */
const shortened = (table: string): string =>
  table
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\S+ on \S+ \(\w+\)/g, "WHO")
    .replaceAll(/ {2,}/g, "  ")

describe.each([sqlite, mariadb])("the history on $name", (database) => {
  it("shows operations, newest first, and one of them", async () => {
    const box = await made(database)
    expect(await box.ok("history")).toBe("NUMBER  WHEN  WHAT  BY  CHANGES\n")
    await box.ok("allocate", "--app", "cad", "--description", "CAD app")
    await box.ok("reserve", "19870-19872,19875", "--reason", "Build farm")
    await box.ok("rename", "cad", "studio")
    await box.ok("deletePort", "--key", "studio-dev")
    expect(
      shortened(await box.ok("history"))
        .split("\n")
        .map((line) => line.trim().replace(/^\d+/, "N"))
    ).toEqual([
      "NUMBER  WHEN  WHAT  BY  CHANGES",
      "N  TIME  delete  WHO  studio-dev: 19841 → none",
      "N  TIME  rename  WHO  cad-prod → studio-prod, cad-dev → studio-dev",
      "N  TIME  reserve  WHO  19870-19872,19875: Build farm",
      "N  TIME  allocate  WHO  cad-prod: none → 19840, cad-dev: none → 19841, cad-prod: CAD app, and 1 more",
      ""
    ])
    const listed = async (...words: ReadonlyArray<string>) =>
      (JSON.parse(await box.ok("history", ...words, "--json")).operations as ReadonlyArray<{ what: string }>).map(
        ({ what }) => what
      )
    expect(await listed("studio-dev")).toEqual(["delete", "rename"])
    expect(await listed("--app", "cad")).toEqual(["allocate"])
    expect(await listed("cad")).toEqual(["allocate"])
    expect(await listed("--port", "19871")).toEqual(["reserve"])
    expect(await listed("--limit", "2")).toEqual(["delete", "rename"])
    for (const span of ["1 hour", "5m", "2h", "3d"]) expect(await listed("--since", span)).toHaveLength(4)
    expect(await listed("--since", "2999-01-01")).toEqual([])
    expect(await listed("--host", "elsewhere")).toEqual([])
    const { operations } = JSON.parse(await box.ok("history", "--json", "--port", "19840"))
    const [{ number }] = operations.slice(-1)
    expect(shortened(await box.ok("history", String(number)))).toBe(
      `number  ${number}\nwhat  allocate\nwhen  TIME\nby  WHO\nchanges  cad-prod: none → 19840\n  cad-prod: CAD app\n  cad-dev: none → 19841\n  cad-dev: CAD app\n`
    )
    expect(await box.ok("history", "--trim")).toBe("deleted 0 events\n")
  })

  it("says what a description and a directory were, and are", async () => {
    const box = await made(database)
    await box.ok("allocate", "--app", "cad", "--description", "CAD app")
    await box.ok("describe", "--key", "cad-dev", "--description", "CAD studio")
    await box.ok("setPort", "--key", "cad-dev", "--dir", "/opt")
    await box.ok("setPort", "--key", "cad-dev", "--dir", "/tmp")
    await box.ok("describe", "--key", "cad-dev", "--description", "")
    await box.ok("setPort", "--key", "cad-dev", "--value", "19850", "--description", "CAD")
    const changesIn = (list: string) =>
      shortened(list)
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => line.replace(/^.*WHO {2}/, ""))
    expect(changesIn(await box.ok("history", "--limit", "5"))).toEqual([
      "cad-dev: 19841 → 19850, cad-dev: CAD",
      "cad-dev: CAD studio → no description",
      "cad-dev: in /opt → /tmp",
      "cad-dev: in /opt",
      "cad-dev: CAD app → CAD studio"
    ])
    const after = async (...words: ReadonlyArray<string>) => (await box.ok(...words)).split("\n").slice(1, -1)
    expect(await after("undo", "--dry-run")).toEqual(["cad-dev: 19850 → 19841", "cad-dev: CAD → no description"])
    await box.ok("undo")
    expect(await after("undo", "--dry-run")).toEqual(["cad-dev: CAD studio"])
    await box.ok("undo")
    expect(await after("undo")).toEqual(["cad-dev: in /tmp → /opt"])
    expect(changesIn(await box.ok("history", "--limit", "1"))).toEqual(["cad-dev: in /tmp → /opt"])
    expect(await after("redo", "--dry-run")).toEqual(["cad-dev: in /opt → /tmp"])
    const documents = async (...words: ReadonlyArray<string>) => JSON.parse(await box.ok(...words, "--json"))
    expect((await documents("history", "--limit", "1")).operations[0].changes).toEqual([
      {
        what: "undo",
        key: "cad-dev",
        oldPort: null,
        newPort: null,
        detail: expect.any(String),
        owner: { before: "/tmp", after: "/opt" }
      }
    ])
    expect((await documents("redo", "--dry-run")).changes).toEqual([
      { key: "cad-dev", oldPort: null, newPort: null, owner: { before: "/opt", after: "/tmp" } }
    ])
    const { number } = (await documents("history", "--limit", "10")).operations.at(-2)
    expect(await box.ok("history", String(number))).toMatch(/^changes {3}cad-dev: CAD app → CAD studio$/m)
  })

  it("takes back nothing that is up, but by force", async () => {
    const box = await made(database)
    await box.ok("setPort", "--key", "x", "--value", "19878")
    const { pid, stop } = await serve(19_878)
    const refused = await box.d("undo")
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toMatch(
      new RegExp(
        `^error: \\d+ was not taken back: x is up: 19878 is served by node, pid ${pid}, in .*\nhint: stop it first, or repeat with --force\n$`
      )
    )
    expect(await box.ok("undo", "--force")).toMatch(/^took back \d+: set by /)
    await stop()
  })

  it("takes back across hosts and a restart of the daemon", async () => {
    const here = await made(database)
    const one = here.with({ AUTOMATELINUX_HOST: "one" })
    const two = here.with({ AUTOMATELINUX_HOST: "two", AUTOMATELINUX_DAEMON: "never" })
    const daemon = await startDaemon(one)
    await one.ok("allocate", "--app", "cad", "--dir", "/")
    await two.ok("setPort", "--key", "cad-dev", "--dir", "/tmp")
    await two.ok("release", "cad")
    expect((await one.d("undo")).stderr).toMatch(
      /^error: \d+ was not taken back: cad-prod was changed since by \d+, release by \S+ on two at \S+\nhint: d undo \d+ first\n$/
    )
    await daemon.stop()
    const again = await startDaemon(one)
    expect((await one.d("undo", "--number", "99999")).stderr).toBe(
      "error: there is no operation 99999 in the history\nhint: d history lists the operations with their numbers\n"
    )
    const { operations } = JSON.parse(await one.ok("history", "cad-dev", "--json"))
    const number = String(operations[0].number)
    const dry = await one.ok("undo", number, "--dry-run")
    expect(dry).toMatch(
      /^would take back \d+: release by \S+ on two \(d\), \S+\ncad-prod: none → 19840\ncad-dev: none → 19841\n$/
    )
    expect(await two.d("getPort", "--key", "cad-dev")).toMatchObject({ code: 1 })
    expect(await one.ok("undo", number)).toBe(dry.replace("would take", "took"))
    expect(await two.ok("getPort", "--key", "cad-dev")).toBe("19841\n")
    const ownerOn = async (box: typeof one) =>
      JSON.parse(await box.ok("explain", "cad-dev", "--json")).keys[0].owner.name
    expect([await ownerOn(one), await ownerOn(two)]).toEqual(["/", "/tmp"])
    // What `two` said of the key is in the way of undoing its allocation.
    expect((await one.d("undo")).stderr).toMatch(/cad-dev was changed since by \d+, bind by \S+ on two|by \d+, undo/)
    await again.stop()
  })

  it("refuses what makes no sense, and says what does", async () => {
    const box = await made(database)
    const wrong = async (...words: ReadonlyArray<string>) => {
      const { code, stderr, stdout } = await box.d(...words)
      expect(stdout).toBe("")
      return [code, stderr.split("\n")[0]]
    }
    expect(await wrong("undo")).toEqual([
      1,
      expect.stringMatching(/^error: nothing to undo: no change by \S+ on \S+ is in effect$/)
    ])
    expect(await wrong("redo")).toEqual([1, expect.stringMatching(/^error: nothing to redo: /)])
    expect(await wrong("undo", "abc")).toEqual([
      2,
      'error: number "abc" is not a number: write a whole number from 1 on, digits alone'
    ])
    expect(await wrong("history", "7")).toEqual([1, "error: there is no operation 7 in the history"])
    expect(await wrong("history", "--number", "7", "--key", "a")).toEqual([
      2,
      "error: key does not go with number: give one of them"
    ])
    expect(await wrong("history", "--key", "a", "--port", "7")).toEqual([
      2,
      "error: port does not go with key: give one of them"
    ])
    expect(await wrong("history", "--limit", "1001")).toEqual([2, "error: limit 1001 is too large: at most 1000"])
    expect(await wrong("history", "--since", "yesterday")).toEqual([
      2,
      `error: since "yesterday" is not a time: write 2026-11-26, 2026-11-26T14:00, or a time span such as 5m, 3d or '2 days'`
    ])
  })
})
