import { join } from "node:path"
import { beforeAll, expect, it } from "vitest"
import type { Explanation } from "../../src/domain/Explanation.ts"
import { type Machine, startDaemon } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { rangesFrom, serve, until, watched } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"

const RANGES = rangesFrom(19_200)

const explain = async (box: Machine, ...words: ReadonlyArray<string>): Promise<Explanation> =>
  JSON.parse(await box.ok("explain", ...words, "--json"))

it.each([sqlite, mariadb])("an assigned port: all there is to know, on $name", async (database) => {
  const box = watched(RANGES, await database.fresh())
  await box.ok("allocate", "--app", "cad", "--description", "CAD app")
  await box.ok("setPort", "--key", "pt", "--value", "19201", "--force")
  await box.ok("deletePort", "--key", "pt")
  await startDaemon(box)
  const { directory, pid } = await serve(19_201)
  const found = await until(
    () => explain(box, "--key", "cad-dev"),
    ({ keys: [key] }) => typeof key?.health.since === "string"
  )
  expect(found).toMatchObject({
    port: 19201,
    keys: [
      {
        key: "cad-dev",
        description: "CAD app",
        claimed: { at: expect.stringMatching(/^2\d{3}-/) },
        owner: { kind: "directory", name: directory },
        health: { state: "up" }
      }
    ],
    place: "odd port of a pair in 19200-19299, as expected for dev; its partner 19200 belongs to cad-prod",
    allocatable: false,
    listeners: [{ address: "127.0.0.1", pid, command: "node", directory, since: expect.stringMatching(/^2\d{3}-/) }],
    findings: []
  })
  expect(found.history.map(({ key, newPort, oldPort, what }) => [what, key, oldPort, newPort])).toEqual([
    ["delete", "pt", 19201, null],
    ["set", "pt", null, 19201],
    ["describe", "cad-dev", null, null],
    ["allocate", "cad-dev", null, 19201]
  ])
  expect(await explain(box, "--port", "19201")).toEqual(await explain(box, "--key", "cad-dev"))
  const text = await box.ok("explain", "--port", "19201")
  expect(text).toMatch(/^port {8}19201\nkey {9}cad-dev: CAD app\nclaimed {5}2\d{3}-\S+ by \S+ on \S+\nbelongs to {2}\//)
  expect(text).toMatch(/^listens {5}127\.0\.0\.1, node, pid \d+, of \S+, in \/\S+, since 2/m)
})

it("a directory whose server runs, without a daemon that has seen it", async () => {
  const box = inProcess(RANGES)
  const { directory, stop } = await serve(19_221)
  await box.ok("setPort", "--key", "x", "--value", "19221", "--dir", directory)
  const belongs = async () => /^belongs to +(.*)$/m.exec(await box.ok("explain", "--key", "x"))?.[1]
  expect(await belongs()).toBe(`${directory}, seen there now`)
  await box.ok("setPort", "--key", "x", "--value", "19221", "--dir", join(directory, "part"))
  expect(await belongs()).toBe(`${directory}/part, not seen there yet`)
  await box.ok("setPort", "--key", "x", "--value", "19221", "--dir", directory)
  await stop()
  expect(await belongs()).toBe(`${directory}, not seen there yet`)
})

let box: Machine

beforeAll(async () => {
  box = inProcess({ ...RANGES, AUTOMATELINUX_RESERVED_PORTS: "19210,19305,19255" })
  await box.ok("allocate", "--app", "cad")
  await box.ok("setPort", "--key", "loom-dev", "--value", "19205")
})

it.each([
  ["the next pair", 19_203, true, "free: the next app gets it"],
  ["a later pair", 19_221, true, "free: the next app gets 19202; to use 19221: d setPort --key KEY --value 19221"],
  [
    "half of a pair that is taken",
    19_204,
    false,
    "free, but will not be allocated: 19205, the other half of its pair, belongs to loom-dev"
  ],
  [
    "half of a pair that is reserved",
    19_211,
    false,
    "free, but will not be allocated: 19210, the other half of its pair, is reserved: listed in AUTOMATELINUX_RESERVED_PORTS"
  ],
  [
    "one that is reserved",
    19_305,
    false,
    "unassigned and not available: it is reserved: listed in AUTOMATELINUX_RESERVED_PORTS"
  ],
  [
    "a later special",
    19_310,
    true,
    "free: the next special gets 19300; to use 19310: d setPort --key KEY --value 19310"
  ],
  [
    "one outside of every range",
    9000,
    false,
    "free, but outside 19200-19299 and 19300-19399, so never allocated; to use it: d setPort --key KEY --value 9000"
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
  expect(await box.ok("allocate", "--app", "next", "--dry-run")).toBe("next-prod 19202\nnext-dev 19203\n")
})

it("a free port that something listens on", async () => {
  const { directory, pid } = await serve(19_240)
  const found = await explain(box, "--port", "19240")
  expect(found.place).toBe(`unassigned and not available: it is in use by node, pid ${pid}, in ${directory}`)
  expect(found.findings).toMatchObject([{ check: "port-squatted", ports: [19240] }])
})

it("an odd one: the findings that touch it, and no others", async () => {
  const found = await explain(box, "--key", "loom-dev")
  expect(found.findings.map(({ check }) => check)).toEqual(["port-unreachable", "pair-broken"])
})

it("what is held back nearby", async () => {
  expect((await explain(box, "--port", "19209")).reserved).toEqual([
    { port: 19210, reason: "listed in AUTOMATELINUX_RESERVED_PORTS" }
  ])
})

it("a key that had a port once", async () => {
  await box.ok("allocate", "--special", "gone")
  await box.ok("release", "--special", "gone")
  const found = await explain(box, "--key", "gone")
  expect(found).toMatchObject({ port: null, keys: [], place: "gone no longer has a port", allocatable: false })
  expect(found.history.map(({ what }) => what)).toEqual(["release", "allocate"])
  expect((await explain(box, "--port", "19300")).history.map(({ key }) => key)).toEqual(["gone", "gone"])
})

it.each([
  [["--key", "nobody"], 1, "error: Port not set for nobody\n"],
  [[], 2, "error: Missing required arg: port\n"],
  [["--key", "cad-dev", "--port", "19201"], 2, "error: --key does not go with --port: give one of them\n"],
  [["--port", "0"], 2, 'error: port "0" is not a port:']
])("d explain %j is refused", async (words, code, message) => {
  const run = await box.d("explain", ...words)
  expect(run).toMatchObject({ code, stdout: "" })
  expect(run.stderr).toContain(message)
})

it("an odd one: the partner that is free is called free, and no other", async () => {
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DAEMON: "never" })
  for (const [app, port] of [
    ["open", 19_240],
    ["held", 19_242],
    ["kept", 19_244],
    ["used", 19_246]
  ])
    await box.ok("setPort", "--key", `${app}-prod`, "--value", String(port))
  await box.ok("setPort", "--key", "thief", "--value", "19243")
  await box.ok("reserve", "--port", "19245", "--reason", "later")
  const { pid } = await serve(19_247)
  const beside = async (app: string) => (await explain(box, "--key", `${app}-prod`)).place.replace(/.*; /, "")
  expect(await beside("open")).toBe("its partner 19241 is free")
  expect(await beside("held")).toBe("its partner 19243 belongs to thief")
  expect(await beside("kept")).toBe("its partner 19245 is reserved: later")
  expect(await beside("used")).toContain(`its partner 19247 is in use by node, pid ${pid}`)
})
