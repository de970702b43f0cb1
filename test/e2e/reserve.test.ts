import { describe, expect, it } from "vitest"
import { reservedTable } from "../../src/text/reservedTable.ts"
import type { Machine } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { inProcess } from "../support/inProcess.ts"

const RANGES = {
  AUTOMATELINUX_APP_RANGE: "18800-18849",
  AUTOMATELINUX_SPECIAL_RANGE: "18850-18899",
  AUTOMATELINUX_RESERVED_PORTS: "18898-18899",
  AUTOMATELINUX_HOST: "box"
}

/** What `listReserved` prints, with the day and the user that the tests run on and by. */
const listed = async (box: Machine, ...words: ReadonlyArray<string>) =>
  (await box.ok("listReserved", ...words))
    .replace(/\d{4}-\d\d-\d\d/g, "DAY")
    .replace(/\S+@box/g, "me@box")
    .replace(/ {2,}/g, "  ")

describe.each([sqlite, mariadb])("reservations on $name", (database) => {
  const registry = async () => inProcess({ ...RANGES, ...(await database.fresh()) })

  it("reserves ranges and lists in one operation, each port with a row of its own", async () => {
    const box = await registry()
    expect(await box.d("reserve", "18800-18803,18820", "--reason", "Build farm")).toEqual({
      code: 0,
      stdout: "18800-18803,18820 reserved: Build farm\n",
      stderr: ""
    })
    expect(await box.ok("allocate", "cad")).toBe("cad-prod 18804\ncad-dev 18805\n")
    const explained = JSON.parse(await box.ok("explain", "18802", "--json"))
    expect(explained).toMatchObject({ place: expect.stringContaining("it is reserved: Build farm") })
    expect(explained.history).toMatchObject([{ what: "reserve", newPort: 18_802, detail: "Build farm" }])
    expect(JSON.parse(await box.ok("unreserve", "18801", "18803", "--json"))).toEqual({
      port: null,
      ports: [18_801, 18_803]
    })
    expect(JSON.parse(await box.ok("reserve", "--port", "18801", "--reason", "again", "--json"))).toEqual({
      port: 18_801,
      reason: "again",
      ports: [18_801]
    })
    expect(await listed(box)).toBe(
      [
        "PORT  SOURCE  SINCE  BY  REASON",
        "18800  reserve  DAY  me@box  Build farm",
        "18801  reserve  DAY  me@box  again",
        "18802  reserve  DAY  me@box  Build farm",
        "18820  reserve  DAY  me@box  Build farm",
        "18898-18899  configuration  -  -  listed in AUTOMATELINUX_RESERVED_PORTS",
        ""
      ].join("\n")
    )
  })

  it("says what ports were reserved for so far", async () => {
    const box = inProcess(RANGES)
    await box.ok("reserve", "18805-18806", "--reason", "Build farm")
    expect(await box.d("reserve", "18805-18807", "--reason", "Lab")).toMatchObject({
      code: 0,
      stderr: "note: 18805-18806 were reserved so far: Build farm\n"
    })
    expect(await box.d("reserve", "18805", "--reason", "Lab")).toMatchObject({ stderr: "" })
  })

  it("says once which keys keep their ports, and which were not reserved", async () => {
    const box = await registry()
    await box.ok("allocate", "cad", "shop")
    expect((await box.d("reserve", "18800-18810", "--reason", "x")).stderr).toBe(
      "warning: cad-prod, cad-dev, shop-prod and shop-dev still have 18800-18803; a reservation only affects future allocations\n"
    )
    await box.ok("reserve", "18898", "--reason", "x")
    expect(await box.d("unreserve", "18805-18813", "18898-18899")).toEqual({
      code: 0,
      stdout: "18805-18810,18898 no longer reserved\n",
      stderr:
        "note: 18811-18813,18899 were not reserved with d reserve\n" +
        "note: 18898 is still reserved: listed in AUTOMATELINUX_RESERVED_PORTS\n"
    })
    expect(await box.d("unreserve", "18811")).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: 18811 is not reserved\nhint: d explain 18811 shows who has it, d listReserved what is reserved\n"
    })
    expect(await box.d("unreserve", "18811-18813")).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: none of 18811-18813 was reserved with d reserve\nhint: d listReserved lists what is reserved\n"
    })
  })

  it("lists the built-in ones in the ranges, and all on request", async () => {
    const box = await registry()
    const empty = box.with({ AUTOMATELINUX_RESERVED_PORTS: "-18898" })
    expect(await listed(empty)).toBe("PORT  SOURCE  SINCE  BY  REASON\n")
    expect(await empty.ok("reserved", "--json")).toBe("[]\n")
    const low = box.with({ AUTOMATELINUX_APP_RANGE: "3000-3399", AUTOMATELINUX_SPECIAL_RANGE: "3500-3699" })
    expect(await listed(low)).toContain("\n3306  built-in  -  -  MySQL, this registry's own database\n3389  built-in")
    expect(await listed(low)).not.toContain("6000")
    const all = JSON.parse(await box.ok("listReserved", "--all", "--json"))
    expect(all).toContainEqual({
      port: 6000,
      source: "built-in",
      reason: "blocked by browsers (x11)",
      at: null,
      by: null,
      host: null
    })
  })

  it("takes as many ports as a range has, and refuses what is probably a mistake", async () => {
    const box = await registry()
    const run = await box.d("reserve", "42000-46095", "--reason", "r".repeat(500))
    expect(run).toMatchObject({ code: 0, stderr: "" })
    expect(JSON.parse(await box.ok("listReserved", "--json"))).toHaveLength(4096 + 2)
    expect(JSON.parse(await box.ok("unreserve", "42000-46095", "--json")).ports).toHaveLength(4096)
    for (const [words, message] of [
      [["1-65535"], "port names 65535 ports: at most 4096 at once"],
      [["1-4096", "5000"], "port names 4097 ports: at most 4096 at once"],
      [["3210-3200"], 'port "3210-3200" has a range that ends before it begins: write its lower port first'],
      [
        ["3128", "x"],
        'port "x" is neither a port from 1 to 65535 nor a range: write 3128, 3200-3210, or both with a comma between'
      ]
    ] as const) {
      expect(await box.d("reserve", ...words, "--reason", "x")).toEqual({
        code: 2,
        stdout: "",
        stderr: `error: ${message}\nhint: d reserve --help\n`
      })
    }
    expect(JSON.parse(await box.ok("listReserved", "--json"))).toHaveLength(2)
  })
})

it("cuts reasons to the terminal, and nothing else", () => {
  const reserved = [3200, 3201].map((port) => ({
    port,
    source: "reserve" as const,
    reason: `a long reason \u202e ${"why ".repeat(20)}`,
    at: "2026-11-26T10:00:00.000Z",
    by: "me",
    host: "box"
  }))
  const lines = reservedTable(reserved, 80).split("\n")
  expect(lines).toHaveLength(2)
  expect(lines[1]).toMatch(/^3200-3201 {2}reserve {2}2026-11-26 {2}me@box {2}a long reason \\u202e .*…$/)
  expect(lines[1]).toHaveLength(80)
  expect(reservedTable(reserved, undefined)).toContain("why why why")
})
