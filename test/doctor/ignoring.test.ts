import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { mariadb, sqlite } from "../support/databases.ts"
import { examine, rangesFrom, serve } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { withSqlite } from "../support/sqlite.ts"

const RANGES = rangesFrom(18_200)

describe.each([sqlite, mariadb])("ignoring on $name", (database) => {
  it("keeps a finding quiet until it is no longer ignored", async () => {
    const box = inProcess({ ...RANGES, ...(await database.fresh()) })
    await box.ok("setPort", "--key", "a-prod", "--value", "18200", "--description", "it's a")
    await box.ok("setPort", "--key", "b-prod", "--value", "18200", "--force")
    expect((await box.d("doctor")).code).toBe(1)
    const only = ["--check", "port-shared"]
    const rule = ["--ignore", "port-shared", "--key", "b-prod", "--reason", "both are the same app"]
    const made = await box.d("doctor", ...only, ...rule)
    expect(made).toMatchObject({ code: 0 })
    expect(made.stderr).toBe(
      "note: port-shared of b-prod is ignored from now on; to undo it: d doctor --unignore port-shared --key b-prod\n"
    )
    expect(made.stdout).toMatch(/^all is well: .*\n1 finding ignored: d doctor --all\n$/)
    const { findings, healthy, ignored } = await examine(box, ...only)
    expect(healthy).toBe(true)
    expect(findings.map(({ check }) => check)).not.toContain("port-shared")
    expect(ignored).toEqual([
      {
        check: "port-shared",
        key: "b-prod",
        port: null,
        reason: "both are the same app",
        at: expect.stringMatching(/^2\d{3}-/),
        host: expect.any(String),
        by: expect.any(String),
        findings: [{ severity: "error", message: "18200 belongs to a-prod and b-prod" }]
      }
    ])
    const all = await box.ok("doctor", "--all")
    expect(all).toMatch(
      /\nignored\n {2}port-shared of b-prod: both are the same app\n {4}error: 18200 belongs to a-prod and b-prod\n {4}ignored by: .* on .*, 2\d{3}-.*\n {4}to undo it: d doctor --unignore port-shared --key b-prod\n/
    )
    expect(await box.ok("explain", "--port", "18200")).toMatch(
      /^ignored +port-shared: 18200 belongs to a-prod and b-prod; both are the same app$/m
    )
    // It goes with the key when that gets another name, and is forgotten with it.
    await box.ok("rename", "--key", "b-prod", "--to", "c-prod")
    expect((await examine(box)).ignored).toMatchObject([{ key: "c-prod", findings: [{}] }])
    const undone = await box.d("doctor", "--unignore", "port-shared", "--key", "c-prod")
    expect(undone).toMatchObject({ code: 1, stderr: "note: port-shared of c-prod is no longer ignored\n" })
    await box.ok("doctor", "--ignore", "port-shared", "--key", "c-prod", "--reason", "once more")
    await box.ok("deletePort", "--key", "c-prod")
    expect((await examine(box)).ignored).toEqual([])
  })

  it("ignores a whole check, and a port without a key", async () => {
    const box = inProcess({ ...RANGES, ...(await database.fresh()) })
    await box.ok("allocate", "--app", "cad")
    await serve(18_290)
    await box.ok("doctor", "--ignore", "port-squatted", "--port", "18290", "--reason", "a test of mine")
    await box.ok("doctor", "--ignore", "port-unreachable", "--reason", "nothing runs here")
    await box.ok("doctor", "--ignore", "port-unreachable", "--reason", "nothing ever runs here")
    const { findings, ignored } = await examine(box, "--strict")
    expect(findings.map(({ check }) => check)).not.toContain("port-unreachable")
    expect(findings.filter(({ ports }) => ports.includes(18_290))).toEqual([])
    expect(ignored.map(({ check, port, reason, findings: found }) => [check, port, reason, found.length])).toEqual([
      ["port-squatted", 18_290, "a test of mine", 1],
      ["port-unreachable", null, "nothing ever runs here", 2]
    ])
    await box.ok("doctor", "--unignore", "port-squatted", "--port", "18290")
    expect((await examine(box)).ignored.map(({ check }) => check)).toEqual(["port-unreachable"])
    const history = JSON.parse(await box.ok("explain", "--port", "18290", "--json")).history
    expect(history.map(({ detail, what }: { detail: string; what: string }) => [what, detail])).toEqual([
      ["unignore", "port-squatted on 18290"],
      ["ignore", "port-squatted on 18290: a test of mine"]
    ])
  })
})

it.each<[string, ReadonlyArray<string>, number, string]>([
  ["without a reason", ["--ignore", "port-shared"], 2, "error: Missing required arg: reason\n"],
  ["with an empty one", ["--ignore", "port-shared", "--reason", " "], 2, 'error: reason " " is empty: say why\n'],
  [
    "what is no check",
    ["--ignore", "nothing", "--reason", "x"],
    2,
    'error: ignore "nothing" is not a check: write one of '
  ],
  [
    "a key without a port",
    ["--ignore", "port-shared", "--key", "no", "--reason", "x"],
    1,
    "error: Port not set for no"
  ],
  ["and not", ["--ignore", "port-shared", "--unignore", "port-shared"], 2, "error: unignore does not go with ignore"],
  ["what is not ignored", ["--unignore", "port-shared"], 1, "error: port-shared is not ignored\n"],
  [
    "no longer, for a reason",
    ["--unignore", "port-shared", "--reason", "x"],
    2,
    "error: reason does not go with unignore"
  ],
  ["a key alone", ["--key", "cad-dev"], 2, "error: key goes with ignore or unignore; d explain --key cad-dev shows"],
  ["a port alone", ["--port", "18200"], 2, "error: port goes with ignore or unignore; d explain --port 18200 shows"],
  ["a reason alone", ["--reason", "x"], 2, "error: reason goes with ignore or unignore\n"]
])("refuses to ignore %s", async (_, words, code, said) => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  const run = await box.d("doctor", ...words)
  expect(run).toMatchObject({ code, stdout: "" })
  expect(run.stderr).toContain(said)
})

it("reports only what is as severe as was asked for, and counts the rest", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  await box.ok("setPort", "--key", "pt-prod", "--value", "18203")
  const errors = await box.d("doctor", "--severity", "error")
  expect(errors).toMatchObject({ code: 0, stderr: "" })
  expect(errors.stdout).toMatch(/^0 errors; .*\n\d less severe findings not shown: d doctor --all\n$/)
  const { findings, omitted } = await examine(box, "--severity", "warning")
  expect(findings.map(({ check }) => check)).toEqual(["pair-broken"])
  expect(omitted).toBeGreaterThan(0)
  expect(await box.d("doctor", "--severity", "warning")).toMatchObject({ code: 1 })
  expect((await box.d("doctor", "--severity", "info")).stdout).toContain("port-unreachable")
  expect((await box.d("doctor", "--severity", "fatal")).stderr).toBe(
    'error: severity "fatal" is not a severity: write error, warning or info\nhint: d doctor --help\n'
  )
})

it("leaves alone what a newer d has stored", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  await box.ok("doctor", "--ignore", "host-shared", "--reason", "one")
  withSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"), (file) => {
    const rule = JSON.stringify({ check: "port-future", key: null, port: null, reason: "of a newer d" })
    file.prepare("UPDATE port_registry SET value = ? WHERE name = 'ignored:1'").run(rule)
  })
  await box.ok("doctor", "--ignore", "host-shared", "--reason", "two")
  expect((await examine(box)).ignored).toMatchObject([{ check: "host-shared", reason: "two" }])
  withSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"), (file) => {
    const rows = file.prepare("SELECT name FROM port_registry WHERE name LIKE 'ignored:%' ORDER BY name").all()
    expect(rows).toMatchObject([{ name: "ignored:1" }, { name: "ignored:2" }])
  })
})
