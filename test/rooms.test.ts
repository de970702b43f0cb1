import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { describe, expect, it } from "vitest"
import { bundleClient, bundleEntry } from "../src/build/bundle.mjs"
import { bundlePage } from "../src/build/dashboard.mjs"

/**
 * The rooms of src, and the rooms that each may import from, types and imports on demand included. What is not listed is
 * not allowed, so there is no circle: each room comes after those that it stands on.
 */
const ARROWS = {
  domain: [],
  commands: ["domain"],
  machine: ["domain"],
  project: ["domain", "machine"],
  text: ["commands", "domain"],
  files: ["domain", "machine", "text"],
  config: ["domain", "machine", "text"],
  socket: ["commands", "config", "domain", "machine", "text"],
  run: ["commands", "config", "domain", "machine", "project", "text"],
  env: ["commands", "domain", "machine", "project", "run", "text"],
  mcp: ["commands", "domain", "machine", "text"],
  shell: ["commands", "config", "domain", "files", "machine", "socket", "text"],
  worktree: ["commands", "domain", "machine", "project", "text"],
  agents: ["domain", "files", "machine", "text"],
  proxy: ["commands", "domain", "files", "machine", "text"],
  service: ["config", "domain", "files", "machine", "text"],
  control: ["commands", "config", "domain", "files", "machine", "service", "socket", "text"],
  prompt: ["text"],
  exchange: ["commands", "domain", "env", "machine", "text"],
  wizard: ["commands", "domain", "prompt", "text"],
  store: ["config", "domain", "machine", "text"],
  registry: ["config", "domain", "machine", "project", "store"],
  monitor: ["config", "domain", "machine", "store", "text"],
  doctor: ["commands", "config", "domain", "machine", "registry", "service", "socket", "store", "text"],
  app: ["commands", "config", "doctor", "domain", "exchange", "machine", "registry", "store", "text"],
  http: ["commands", "domain", "text"],
  daemon: [
    "app",
    "commands",
    "config",
    "domain",
    "http",
    "machine",
    "monitor",
    "registry",
    "shell",
    "socket",
    "store",
    "text"
  ],
  watch: ["commands", "doctor", "domain", "machine", "run", "text"],
  cli: [
    "agents",
    "commands",
    "config",
    "control",
    "domain",
    "env",
    "exchange",
    "machine",
    "mcp",
    "project",
    "prompt",
    "proxy",
    "run",
    "service",
    "shell",
    "socket",
    "text",
    "watch",
    "wizard",
    "worktree"
  ],
  // What the browser runs: no other room knows of it.
  dashboard: ["commands", "domain", "text", "wizard"],
  // The two entries, main.ts and run.ts.
  ".": ["app", "cli", "commands", "daemon", "domain"],
  library: [".", "cli", "commands", "config", "domain", "project", "socket", "text"]
} satisfies Readonly<Record<string, ReadonlyArray<string>>>

/** Rooms that a question to a running daemon goes through. */
const WITHOUT_EFFECT: ReadonlyArray<keyof typeof ARROWS> = [
  "agents",
  "cli",
  "commands",
  "control",
  "env",
  "exchange",
  "files",
  "mcp",
  "proxy",
  "run",
  "service",
  "shell",
  "text",
  "socket",
  "watch",
  "wizard",
  "worktree",
  "library"
]

/** The entry of the library for programs that use Effect, and load it themselves. */
const FOR_EFFECT = "library/effect.ts"

interface Import {
  readonly type: boolean
  /** A path from src, or the name of a package. */
  readonly from: string
}

const IMPORT = /^(?:import|export) (type )?[^"']*?from ["']([^"']+)["']|\bimport\(["']([^"']+)["']\)/gm

const files = new Map(
  readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path): [string, ReadonlyArray<Import>] => [
      path,
      [...readFileSync(join("src", path), "utf8").matchAll(IMPORT)].map(([, type, from = "", onDemand = from]) => ({
        type: type !== undefined,
        from: onDemand.startsWith(".") ? relative("src", join("src", dirname(path), onDemand)) : onDemand
      }))
    ])
)

const roomOf = (path: string): string => path.split("/").slice(0, -1)[0] ?? "."

/** The other rooms that the files of `room` import from. */
const importedBy = (room: string): ReadonlyArray<string> => {
  const found = [...files]
    .filter(([path]) => roomOf(path) === room)
    .flatMap(([, imports]) => imports.filter(({ from }) => /\.tsx?$/.test(from)).map(({ from }) => roomOf(from)))
  return [...new Set(found)].filter((each) => each !== room).sort()
}

/** Everything that is loaded with `path`. */
const loadedWith = (path: string, seen = new Set<string>()): Set<string> => {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const { from, type } of files.get(path) ?? []) if (!type && /\.tsx?$/.test(from)) loadedWith(from, seen)
  return seen
}

/** The packages that the bundler put into a program. */
const packagesIn = (inputs: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))
]

describe("the rooms", () => {
  it("are these, and main.ts and run.ts stand above them", () => {
    expect([...new Set([...files.keys()].map(roomOf))].sort()).toEqual(Object.keys(ARROWS).sort())
    expect([...files.keys()].filter((path) => roomOf(path) === ".").sort()).toEqual(["main.ts", "run.ts"])
  })

  it.each(Object.entries(ARROWS))("%s imports from %j alone, and from each of them", (room, allowed) => {
    expect(importedBy(room)).toEqual([...allowed].sort())
  })

  it("are in an order in which each stands on earlier ones", () => {
    const order = Object.keys(ARROWS)
    for (const [room, allowed] of Object.entries(ARROWS))
      for (const each of allowed) expect(order.indexOf(each), `${room} -> ${each}`).toBeLessThan(order.indexOf(room))
  })

  it("have no files that import each other", () => {
    const circles = [...files].filter(([path, imports]) =>
      imports.some(({ from, type }) => !type && loadedWith(from).has(path))
    )
    expect(circles.map(([path]) => path)).toEqual([])
  })

  it("name SQL in the store alone", () => {
    const names = [...files].filter(([, imports]) => imports.some(({ from }) => from.startsWith("@effect/sql")))
    expect([...new Set(names.map(([path]) => roomOf(path)))]).toEqual(["store"])
  })
})

describe("a question to a running daemon", () => {
  it.each(WITHOUT_EFFECT)("goes through %s, where nothing of Effect is imported", (room) => {
    for (const [path, imports] of files) {
      if (roomOf(path) !== room || path === FOR_EFFECT) continue
      expect(
        imports.filter(({ from, type }) => !type && /^@?effect\b/.test(from)),
        path
      ).toEqual([])
    }
  })

  it("loads no package but leven, by what the bundler put into the client", async () => {
    const { files: contained } = await bundleClient()
    expect(packagesIn(contained)).toEqual(["leven"])
    expect(contained).toContain("src/socket/daemonClient.ts")
  })

  it("loads no package at all from a program that uses the library", async () => {
    const { files: contained } = await bundleEntry("index")
    expect(contained.filter((path) => path.includes("node_modules"))).toEqual([])
    expect(contained).toContain("src/socket/daemonClient.ts")
  })
})

describe("the page", () => {
  it("contains no package but preact", async () => {
    const { files: contained } = await bundlePage("main.tsx")
    expect(packagesIn(contained)).toEqual(["preact"])
  })
})
