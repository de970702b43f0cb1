import { describe, expect, it } from "vitest"
import { mariadb, sqlite } from "../support/databases.ts"
import { inProcess } from "../support/inProcess.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "18700-18749", AUTOMATELINUX_SPECIAL_RANGE: "18750-18799" }

/** What a user expects of a name: a key, or an app with both of its keys, in one operation. */
describe.each([sqlite, mariadb])("names on $name", (database) => {
  const registry = async () => inProcess({ ...RANGES, AUTOMATELINUX_HOST: "box", ...(await database.fresh()) })

  it("renames an app with all that belongs to it, in one operation", async () => {
    const box = await registry()
    await box.ok("allocate", "--app", "cad", "--description", "CAD app", "--dir", "/opt/cad")
    expect(await box.d("rename", "cad", "kad")).toEqual({
      code: 0,
      stdout: "kad-prod 18700\nkad-dev 18701\n",
      stderr: ""
    })
    for (const [key, port, was] of [
      ["kad-prod", 18_700, "cad-prod"],
      ["kad-dev", 18_701, "cad-dev"]
    ]) {
      const found = JSON.parse(await box.ok("explain", "--key", String(key), "--json"))
      expect(found).toMatchObject({
        port,
        keys: [
          { key, description: "CAD app", claimed: { host: "box" }, owner: { kind: "directory", name: "/opt/cad" } }
        ]
      })
      expect(found.history[0]).toMatchObject({ what: "rename", key, detail: was, newPort: port })
    }
    expect(await box.ok("listPorts", "--app", "cad", "--json")).toBe("[]\n")
    expect(await box.ok("allocate", "--app", "kad")).toBe("kad-prod 18700\nkad-dev 18701\n")
    const all = await box.d("doctor", "--check", "claim-drift")
    expect(all.stdout).toMatch(/^all is well/)
  })

  it("answers one document for a key and for an app", async () => {
    const box = await registry()
    await box.ok("allocate", "--app", "cad", "--special", "proxy")
    const renamed = async (...words: ReadonlyArray<string>) => JSON.parse(await box.ok("rename", ...words, "--json"))
    expect(await renamed("--key", "proxy", "--to", "way")).toEqual({
      key: "way",
      port: 18_750,
      renamed: [{ from: "proxy", key: "way", port: 18_750 }]
    })
    expect(await renamed("--app", "cad", "--to", "kad")).toEqual({
      key: null,
      port: null,
      renamed: [
        { from: "cad-prod", key: "kad-prod", port: 18_700 },
        { from: "cad-dev", key: "kad-dev", port: 18_701 }
      ]
    })
    expect(await renamed("kad", "kad")).toMatchObject({ renamed: [{ key: "kad-prod" }, { key: "kad-dev" }] })
  })

  it("renames an app of one mode, and never into another app", async () => {
    const box = await registry()
    await box.ok("setPort", "--key", "half-dev", "--value", "18705")
    await box.ok("setPort", "--key", "other-prod", "--value", "18708")
    expect(await box.d("rename", "half", "other")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "error: other-prod already has port 18708; half was not renamed\n" +
        "hint: d rename --app other --to NEW first, or choose another name\n"
    })
    expect(await box.ok("rename", "half", "third")).toBe("third-dev 18705\n")
  })

  it("changes nothing if one of the new keys is taken", async () => {
    const box = await registry()
    await box.ok("allocate", "--app", "cad", "--app", "kad")
    await box.ok("deletePort", "--key", "kad-prod")
    const before = await box.ok("listPorts")
    const run = await box.d("rename", "--app", "cad", "--to", "kad", "--json")
    expect(run).toMatchObject({ code: 1, stdout: "" })
    expect(JSON.parse(run.stderr).error).toMatchObject({
      code: "conflict",
      message: "kad-dev already has port 18703; cad was not renamed"
    })
    expect(await box.ok("listPorts")).toBe(before)
  })

  it("asks which one is meant if a key and an app have one name", async () => {
    const box = await registry()
    await box.ok("allocate", "--app", "cad", "--special", "cad")
    expect(await box.d("rename", "cad", "kad")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "error: cad is both a key and an app, which has cad-prod and cad-dev\n" +
        "hint: d rename --key cad --to NEW for the key, d rename --app cad --to NEW for the app\n"
    })
    expect(await box.d("describe", "cad", "text")).toMatchObject({ code: 1, stdout: "" })
    expect(await box.ok("rename", "--key", "cad", "--to", "kad")).toBe("kad 18750\n")
    expect(await box.ok("rename", "cad", "cat")).toBe("cat-prod 18700\ncat-dev 18701\n")
  })

  it.each([
    [["--key", "cad", "--to", "x"], 1, "Port not set for cad", "cad is an app: d rename --app cad --to NEW"],
    [["--app", "s", "--to", "x"], 1, "Port not set for s-prod and s-dev", "s is a key: d rename --key s --to NEW"],
    [["none", "x"], 1, "Port not set for none, none-prod or none-dev", "d listPorts lists what is set"],
    [["none-dev", "x"], 1, "Port not set for none-dev", "d listPorts lists what is set"],
    [
      ["cad", "x-dev"],
      2,
      'to "x-dev" ends in -dev, which belongs to its keys: write only the app\'s name, "x"',
      "d rename --app cad --to NEW"
    ],
    [
      ["--app", "cad-dev", "--to", "x"],
      2,
      'app "cad-dev" ends in -dev, which belongs to its keys: write only the app\'s name, "cad"',
      "d rename --key cad-dev --to NEW"
    ],
    [
      ["--app", "cad", "--key", "s", "--to", "x"],
      2,
      "--app does not go with --key: give one of them",
      "d rename --help"
    ]
  ])("d rename %j is told what to type", async (words, code, message, hint) => {
    const box = await registry()
    await box.ok("allocate", "--app", "cad", "--special", "s")
    expect(await box.d("rename", ...words)).toEqual({ code, stdout: "", stderr: `error: ${message}\nhint: ${hint}\n` })
  })

  it("describes a key, or both keys of an app", async () => {
    const box = await registry()
    await box.ok("allocate", "--app", "cad", "--special", "proxy")
    const descriptions = async () =>
      (JSON.parse(await box.ok("listPorts", "--json")) as Array<{ description: string }>).map(
        (each) => each.description
      )
    expect(await box.ok("describe", "cad", "CAD app")).toBe(
      "Description set for cad-prod\nDescription set for cad-dev\n"
    )
    expect(await box.ok("describe", "proxy", "Way in")).toBe("Description set for proxy\n")
    expect(await descriptions()).toEqual(["CAD app", "CAD app", "Way in"])
    expect(JSON.parse(await box.ok("describe", "--key", "cad-dev", "--description", "", "--json"))).toEqual({
      described: [{ key: "cad-dev", port: 18_701, description: null }]
    })
    expect(await box.ok("describe", "--app", "cad", "--description=-")).toMatch(/^Description set for cad-prod\n/)
    expect(await box.ok("describe", "proxy", "")).toBe("Description removed from proxy\n")
    expect(await descriptions()).toEqual(["-", "-", null])
    expect(await box.d("describe", "nobody", "x")).toMatchObject({ code: 1, stdout: "" })
    expect((await box.d("describe", "cad", "two", "words")).stderr).toBe(
      "error: unexpected argument \"words\"\nhint: put the text between quotes: d describe NAME 'TEXT'\n"
    )
  })
})
