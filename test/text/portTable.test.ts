import { stripVTControlCharacters } from "node:util"
import { describe, expect, it } from "vitest"
import type { Assignment } from "../../src/domain/Assignment.ts"
import type { Container } from "../../src/domain/Container.ts"
import { unwatched } from "../../src/domain/Health.ts"
import { plainTable } from "../../src/text/portTable.ts"
import { terminalTable } from "../../src/text/portTableTerminal.ts"
import { widthOf } from "../../src/text/width.ts"
import { someContainer } from "../support/listener.ts"

const row = (key: string, port: number, description: string | null, more: Partial<Assignment> = {}): Assignment => ({
  key,
  port,
  kind: "special",
  app: null,
  description,
  host: "box",
  owner: null,
  pinned: false,
  health: unwatched,
  listener: null,
  ...more
})

const listener = (more: Partial<NonNullable<Assignment["listener"]>> = {}): Assignment["listener"] => ({
  address: "127.0.0.1",
  pid: 4711,
  command: "node",
  directory: "/opt/dev/cad",
  unit: null,
  container: null,
  user: "me",
  ...more
})

/** A container that its engine names, behind a proxy in the unit of the engine. */
const named = (more: Partial<Container>) =>
  listener({ unit: "docker.service", container: "172.17.0.2:80", containerDetails: someContainer(more) })

const ROWS = [
  row("bridge", 80, "A bridge that has a description which is far too long for a narrow terminal"),
  row("a-rather-long-key", 65535, null),
  row("wide", 3502, "日本語の説明はとても幅が広いので切られる")
]

const plain = { colour: false, host: () => "box" }
const table = (rows: ReadonlyArray<Assignment>, width: number) => terminalTable(rows, width, plain).split("\n")

describe("in a pipe", () => {
  it("is whole and plain", () => {
    expect(plainTable(ROWS)).toBe(
      [
        "KEY                 PORT  KIND     HEALTH   DESCRIPTION",
        "bridge                80  special  unknown  A bridge that has a description which is far too long for a narrow terminal",
        "a-rather-long-key  65535  special  unknown",
        "wide                3502  special  unknown  日本語の説明はとても幅が広いので切られる"
      ].join("\n")
    )
  })

  it("is its header if there is nothing", () => {
    expect(plainTable([])).toBe("KEY  PORT  KIND  HEALTH  DESCRIPTION")
  })

  it("shows what others have written without obeying it", () => {
    expect(plainTable([row("k\u001b[2J", 80, "one\ntwo")]).split("\n")).toHaveLength(2)
    expect(table([row("k\u001b[2J", 80, "one\ntwo", { listener: listener({ command: "\u001b[2J" }) })], 80)[1]).toBe(
      "k\\u001b[2J    80  special  unknown  \\u001b[2J 4711  one\\u000atwo"
    )
  })
})

describe("on a terminal", () => {
  const SERVED = [
    row("cad-prod", 3000, "CAD app", { kind: "prod" }),
    row("cad-development-dev", 3001, "CAD app, under development", { kind: "dev", listener: listener(), host: "build" })
  ]

  it("loses its columns one after the other as it gets narrower, and a key or a port never", () => {
    const headers = Array.from({ length: 94 }, (_, at) => table([...SERVED, ...ROWS], 100 - at)[0])
    expect([...new Set(headers)]).toEqual([
      "KEY                   PORT  KIND     HEALTH   PROCESS    HOST   DESCRIPTION",
      "KEY                   PORT  KIND     HEALTH   PROCESS    HOST",
      "KEY                   PORT  KIND     HEALTH   PROCESS",
      "KEY                   PORT  HEALTH   PROCESS",
      "KEY                   PORT  HEALTH",
      "KEY"
    ])
  })

  it("has no line that is wider than it", () => {
    for (let width = 7; width < 150; width++) {
      const lines = table([...SERVED, ...ROWS], width)
      for (const line of lines) expect(widthOf(line), `${width}: ${line}`).toBeLessThanOrEqual(width)
      for (const { key, port } of ROWS) {
        if (key.length <= width) expect(lines.join("\n")).toMatch(new RegExp(`^${key}\\s+${port}\\b`, "m"))
      }
    }
  })

  it("cuts descriptions first, at a whole character", () => {
    expect(table(ROWS, 60)).toEqual([
      "KEY                 PORT  KIND     HEALTH   DESCRIPTION",
      "bridge                80  special  unknown  A bridge that h…",
      "a-rather-long-key  65535  special  unknown",
      "wide                3502  special  unknown  日本語の説明は…"
    ])
  })

  it("gives keys that are too long a line of their own", () => {
    expect(
      table([row("a".repeat(30), 3000, "text"), row("b".repeat(50), 80, null, { listener: listener() })], 40)
    ).toEqual([
      "KEY",
      "  PORT  KIND     HEALTH   PROCESS",
      "a".repeat(30),
      "  3000  special  unknown",
      `${"b".repeat(39)}…`,
      "    80  special  unknown  node 4711"
    ])
  })

  it("names what serves a port: its container, its unit, or its process, whose pid is never cut", () => {
    const listeners = [
      listener(),
      listener({ command: "a-program-with-a-very-long-name", pid: 1234567 }),
      listener({ unit: "shop.service" }),
      listener({ unit: "containerd.service", container: "0123456789ab" }),
      named({}),
      named({ image: `ghcr.io/me/${"long".repeat(9)}@sha256:${"0".repeat(64)}`, name: "\u001b[2J" }),
      named({ image: `sha256:${"0".repeat(64)}` }),
      named({ image: null, name: null }),
      listener({ pid: null, command: null, user: "postgres" })
    ]
    const lines = table(
      listeners.map((each, at) => row("key", at + 1, null, { listener: each })),
      100
    )
    expect(lines.slice(1).map((line) => line.split("unknown  ")[1])).toEqual([
      "node 4711",
      "a-program-with-a-very-l… 1234567",
      "shop.service",
      "container 0123456789ab",
      "postgres:16 (shop-db-1)",
      "longlonglonglonglonglon… (\\u001b[2J)",
      "container shop-db-1",
      "container 0123456789ab",
      "of postgres"
    ])
  })

  it("names hosts only if they differ, or if it is another one", () => {
    const [mine, theirs, unclaimed] = ["box", "build", null].map((host) => row("key", 80, null, { host }))
    const headOf = (...rows: ReadonlyArray<Assignment | undefined>) =>
      table(
        rows.flatMap((each) => each ?? []),
        100
      )[0]
    expect(headOf(mine, mine, unclaimed)).not.toContain("HOST")
    expect(headOf(unclaimed)).not.toContain("HOST")
    expect(headOf(mine, theirs)).toContain("HOST")
    expect(headOf(theirs)).toContain("HOST")
  })

  it("measures characters as a terminal shows them", () => {
    const texts = ["日本", "🚀", "🫠", "e\u0301t\u0301", "👩🏽", "🇩🇪", "한글"]
    expect(texts.map(widthOf)).toEqual([4, 2, 2, 2, 2, 2, 4])
    const lines = table(
      texts.map((text) => row("key", 80, null, { listener: listener({ command: text }) })),
      100
    )
    expect(new Set(lines.slice(1).map((line) => widthOf(line.split(" 4711")[0] ?? "") - 29))).toEqual(new Set([2, 4]))
  })

  it("is coloured on request, and otherwise the same", () => {
    const coloured = terminalTable(ROWS, 60, { ...plain, colour: true })
    expect(coloured).not.toBe(stripVTControlCharacters(coloured))
    expect(stripVTControlCharacters(coloured)).toBe(terminalTable(ROWS, 60, plain))
  })

  it.each([
    ["up", "dev", null, 32],
    ["stale", "prod", null, 33],
    ["unknown", "prod", null, 2],
    ["down", "dev", "2026-11-20T12:00:00.000Z", 2],
    ["down", "prod", null, 2],
    ["down", "prod", "2026-11-20T12:00:00.000Z", 31],
    ["down", "special", "2026-11-20T12:00:00.000Z", 31]
  ] as const)("is red only for what is wrong: %s, %s, last up %s", (state, kind, lastUp, code) => {
    const rows = [row("key", 80, null, { kind, health: { ...unwatched, state, lastUp } })]
    expect(terminalTable(rows, 100, { ...plain, colour: true })).toContain(`\u001b[${code}m${state}\u001b[`)
  })
})
