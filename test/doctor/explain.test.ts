import { beforeAll, expect, it } from "vitest"
import type { Explanation } from "../../src/domain/Explanation.ts"
import { type Machine, machine, startDaemon } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { RANGES, serve, until, watched } from "../support/doctor.ts"

const explain = async (box: Machine, ...words: ReadonlyArray<string>): Promise<Explanation> =>
  JSON.parse(await box.ok("explain", ...words, "--json"))

it.each([sqlite, mariadb])("an assigned port: all there is to know, on $name", async (database) => {
  const box = watched(await database.fresh())
  await box.ok("allocate", "--app", "cad", "--description", "CAD app")
  await box.ok("setPort", "--key", "pt", "--value", "25001", "--force")
  await box.ok("deletePort", "--key", "pt")
  await startDaemon(box)
  const { directory, pid } = await serve(25_001)
  const found = await until(
    () => explain(box, "--key", "cad-dev"),
    ({ keys: [key] }) => key?.health.state === "up"
  )
  expect(found).toMatchObject({
    port: 25001,
    keys: [
      {
        key: "cad-dev",
        description: "CAD app",
        claimed: { at: expect.stringMatching(/^2\d{3}-/) },
        owner: { kind: "directory", name: directory },
        health: { state: "up" }
      }
    ],
    place: "odd port of a pair in 25000-25099, as expected for dev; its partner 25000 belongs to cad-prod",
    allocatable: false,
    listeners: [{ address: "127.0.0.1", pid, command: "node", directory, since: expect.stringMatching(/^2\d{3}-/) }],
    findings: []
  })
  expect(found.history.map(({ key, newPort, oldPort, what }) => [what, key, oldPort, newPort])).toEqual([
    ["delete", "pt", 25001, null],
    ["set", "pt", null, 25001],
    ["describe", "cad-dev", null, null],
    ["allocate", "cad-dev", null, 25001]
  ])
  expect(await explain(box, "--port", "25001")).toEqual(await explain(box, "--key", "cad-dev"))
  const text = await box.ok("explain", "--port", "25001")
  expect(text).toMatch(
    /^port {8}25001\nkey {9}cad-dev: CAD app\nclaimed {5}2\d{3}-\S+ by \S+ on \S+\nnow belongs to {2}\//
  )
  expect(text).toMatch(/^listens {5}127\.0\.0\.1, node, pid \d+, of \S+, in \/\S+, since 2/m)
})

let box: Machine

beforeAll(async () => {
  box = machine({ ...RANGES, AUTOMATELINUX_RESERVED_PORTS: "25010,25105,25055" })
  await box.ok("allocate", "--app", "cad")
  await box.ok("setPort", "--key", "loom-dev", "--value", "25005")
})

it.each([
  ["the next pair", 25_003, true, "free: the next app gets it"],
  ["a later pair", 25_021, true, "free: the next app gets 25002; d setPort --key KEY --value 25021 takes it"],
  [
    "half of a pair that is taken",
    25_004,
    false,
    "free, but will not be allocated: 25005, the other half of its pair, belongs to loom-dev"
  ],
  [
    "half of a pair that is reserved",
    25_011,
    false,
    "free, but will not be allocated: 25010, the other half of its pair, is reserved: reserved by AUTOMATELINUX_RESERVED_PORTS"
  ],
  [
    "one that is reserved",
    25_105,
    false,
    "unassigned and not available: it is reserved: reserved by AUTOMATELINUX_RESERVED_PORTS"
  ],
  ["a later special", 25_110, true, "free: the next special gets 25100; d setPort --key KEY --value 25110 takes it"],
  [
    "one outside of every range",
    9000,
    false,
    "free, but outside 25000-25099 and 25100-25199, so never allocated; to use it: d setPort --key KEY --value 9000"
  ]
])("a free port: %s", async (_, port, allocatable, place) => {
  expect(await explain(box, "--port", String(port))).toMatchObject({
    port,
    keys: [],
    allocatable,
    place,
    listeners: []
  })
})

it("a free port: what allocation gives is what was told", async () => {
  expect(await box.ok("allocate", "--app", "next", "--dry-run")).toBe("next-prod 25002\nnext-dev 25003\n")
})

it("a free port that something listens on", async () => {
  const { directory, pid } = await serve(25_040)
  const found = await explain(box, "--port", "25040")
  expect(found.place).toBe(`unassigned and not available: it is in use by node, pid ${pid}, in ${directory}`)
  expect(found.findings).toMatchObject([{ check: "port-squatted", ports: [25040] }])
})

it("an odd one: the findings that touch it, and no others", async () => {
  const found = await explain(box, "--key", "loom-dev")
  expect(found.findings.map(({ check }) => check)).toEqual(["pair-broken", "port-unreachable"])
})

it("what is held back nearby", async () => {
  expect((await explain(box, "--port", "25009")).reserved).toEqual([
    { port: 25010, reason: "reserved by AUTOMATELINUX_RESERVED_PORTS" }
  ])
})

it("a key that had a port once", async () => {
  await box.ok("allocate", "--special", "gone")
  await box.ok("release", "--special", "gone")
  const found = await explain(box, "--key", "gone")
  expect(found).toMatchObject({ port: null, keys: [], place: "gone has no port any more", allocatable: false })
  expect(found.history.map(({ what }) => what)).toEqual(["release", "allocate"])
  expect((await explain(box, "--port", "25100")).history.map(({ key }) => key)).toEqual(["gone", "gone"])
})

it.each([
  [["--key", "nobody"], 1, "error: Port not set for nobody\n"],
  [[], 2, "error: Missing required arg: port\n"],
  [["--key", "cad-dev", "--port", "25001"], 2, "error: key does not go with port: give one of them\n"],
  [["--port", "0"], 2, 'error: port "0" is not a port:']
])("d explain %j is refused", async (words, code, message) => {
  const run = await box.d("explain", ...words)
  expect(run).toMatchObject({ code, stdout: "" })
  expect(run.stderr).toContain(message)
})
