import { describe, expect, it } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import { startDaemon } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { findingsOf, until, watched } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "30300-30319", AUTOMATELINUX_SPECIAL_RANGE: "30320-30339" }

const made = async (database: typeof sqlite) => inProcess({ ...RANGES, ...(await database.fresh()) })

const pinnedIn = async (box: Awaited<ReturnType<typeof made>>): Promise<ReadonlyArray<string>> =>
  (JSON.parse(await box.ok("listPorts", "--json")) as Results["listPorts"]).flatMap(({ key, pinned }) =>
    pinned ? key : []
  )

describe.each([sqlite, mariadb])("a pin on $name", (database) => {
  it("keeps its key from being forgotten by an undo, and is named as what is in the way", async () => {
    const box = await made(database)
    await box.ok("allocate", "--special", "bridge")
    await box.ok("pin", "bridge")
    const { operations } = JSON.parse(await box.ok("history", "--json")) as Results["history"]
    const [pin, allocate] = operations.map(({ number }) => number)
    const refused = await box.d("undo", String(allocate))
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toMatch(
      new RegExp(
        `^error: ${allocate} was not taken back: bridge was changed since by ${pin}, pin by .*\\nhint: d undo ${pin} first\\n$`
      )
    )
    expect(await pinnedIn(box)).toEqual(["bridge"])
    await box.ok("undo", String(pin))
    await box.ok("undo", String(allocate))
    await box.ok("allocate", "--special", "bridge")
    expect(await pinnedIn(box)).toEqual([])
  })

  it("is shown, moves with its key, goes with it, and comes back with it", async () => {
    const box = await made(database)
    await box.ok("allocate", "--app", "cad", "--special", "bridge")
    expect(await box.ok("listPorts")).not.toContain("PINNED")
    expect(await box.ok("pin", "cad", "bridge")).toBe("Pinned cad-prod\nPinned cad-dev\nPinned bridge\n")
    expect(await pinnedIn(box)).toEqual(["cad-prod", "cad-dev", "bridge"])
    expect(await box.ok("listPorts")).toMatch(/^KEY .* HEALTH +PINNED +DESCRIPTION\ncad-prod .* unknown +pinned\n/)
    expect(await box.ok("explain", "bridge")).toMatch(/^pinned {6}kept even if it is not used$/m)
    expect(JSON.parse(await box.ok("explain", "bridge", "--json"))).toMatchObject({ keys: [{ pinned: true }] })

    await box.ok("rename", "cad", "studio")
    expect(await pinnedIn(box)).toEqual(["studio-prod", "studio-dev", "bridge"])
    await box.ok("undo")
    expect(await pinnedIn(box)).toEqual(["cad-prod", "cad-dev", "bridge"])
    await box.ok("release", "cad")
    await box.ok("allocate", "cad")
    expect(await pinnedIn(box)).toEqual(["bridge"])
    await box.ok("undo")
    await box.ok("undo")
    expect(await pinnedIn(box)).toEqual(["cad-prod", "cad-dev", "bridge"])
    expect(await box.ok("unpin", "--app", "cad")).toBe("No longer pinned: cad-prod\nNo longer pinned: cad-dev\n")
    expect(await box.ok("history", "cad-dev")).toMatch(/ unpin .* cad-prod: no longer pinned, cad-dev: no longer/)
    expect(await box.ok("history", "cad-dev")).toMatch(/ pin .* cad-prod: pinned, cad-dev: pinned, bridge: pinned/)
    await box.ok("undo")
    expect(await pinnedIn(box)).toEqual(["cad-prod", "cad-dev", "bridge"])
    expect(await box.ok("undo", "--dry-run")).toContain("cad-prod: what is known of it")
  })

  it("is made once, and taken away once", async () => {
    const box = await made(database)
    await box.ok("allocate", "--special", "bridge")
    expect(JSON.parse(await box.ok("pin", "--key", "bridge", "--json"))).toEqual({
      pinned: [{ key: "bridge", port: 30_320 }]
    })
    await box.ok("pin", "bridge")
    expect((await box.ok("history")).match(/ pin /g)).toHaveLength(1)
    expect(JSON.parse(await box.ok("unpin", "bridge", "--json"))).toEqual({
      unpinned: [{ key: "bridge", port: 30_320 }]
    })
    expect(await box.d("unpin", "bridge")).toEqual({ code: 0, stdout: "", stderr: "note: bridge is not pinned\n" })
  })

  it("is for what there is", async () => {
    const box = await made(database)
    await box.ok("allocate", "--app", "cad", "--special", "cad")
    expect(await box.d("pin", "cad")).toMatchObject({
      code: 1,
      stderr:
        "error: cad is both a key and an app, which has cad-prod and cad-dev\nhint: d pin --key cad for the key, d pin --app cad for the app\n"
    })
    expect(await box.d("pin", "nobody")).toMatchObject({
      code: 1,
      stderr: "error: Port not set for nobody, nobody-prod or nobody-dev\nhint: d listPorts lists what is set\n"
    })
    expect(await box.d("pin")).toMatchObject({ code: 2, stderr: expect.stringContaining("hint: d pin [--key KEY]") })
    expect(await pinnedIn(box)).toEqual([])
  })
})

it("keeps the doctor from calling a key stale", async () => {
  const box = watched(RANGES, { AUTOMATELINUX_STALE_AFTER: "1 second" })
  await box.ok("allocate", "--special", "bridge", "--special", "other")
  await box.ok("pin", "bridge")
  await startDaemon(box)
  await until(
    () => box.ok("listPorts", "--health", "stale"),
    (table) => /bridge[\s\S]*other/.test(table)
  )
  expect((await findingsOf(box, "port-stale")).map(({ keys }) => keys)).toEqual([["other"]])
  await box.ok("unpin", "bridge")
  expect((await findingsOf(box, "port-stale")).map(({ keys }) => keys)).toEqual([["bridge"], ["other"]])
})
