import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { expect, it } from "vitest"

interface Module {
  /** What is loaded with it: imports of values, by path from src. */
  readonly loads: ReadonlyArray<string>
  /** Every import of the checkout, also of types and on demand. */
  readonly names: ReadonlyArray<string>
  readonly packages: ReadonlyArray<string>
}

const IMPORT = /^(?:import|export) (type )?[^"']*?from ["']([^"']+)["']/gm

const modules = new Map<string, Module>(
  readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path): [string, Module] => {
      const text = readFileSync(join("src", path), "utf8")
      const imports = [...text.matchAll(IMPORT)].map(([, type, from = ""]) => ({ type: type !== undefined, from }))
      const local = (from: string) => relative("src", join("src", dirname(path), from))
      const ours = imports.filter(({ from }) => from.endsWith(".ts"))
      return [
        path,
        {
          loads: ours.filter(({ type }) => !type).map(({ from }) => local(from)),
          names: ours.map(({ from }) => local(from)),
          packages: imports.filter(({ from, type }) => !type && !from.startsWith(".")).map(({ from }) => from)
        }
      ]
    })
)

/** Everything that is loaded with `path`. */
const reached = (path: string, seen = new Set<string>()): Set<string> => {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const next of modules.get(path)?.loads ?? []) reached(next, seen)
  return seen
}

it("reads the source at all", () => {
  expect(modules.size).toBeGreaterThan(20)
  expect(reached("main.ts")).toContain("argv.ts")
})

it("has no cycles", () => {
  const cycles = [...modules].filter(([path, { loads }]) => loads.some((next) => reached(next).has(path)))
  expect(cycles.map(([path]) => path)).toEqual([])
})

it("loads no database driver before it is needed", () => {
  const packages = [...reached("main.ts")].flatMap((path) => modules.get(path)?.packages ?? [])
  expect(packages.filter((name) => /sql|get-port/.test(name))).toEqual([])
})

it("lets the domain know nobody", () => {
  for (const [path, { names }] of modules) {
    if (path.startsWith("domain/"))
      expect(
        names.filter((name) => !name.startsWith("domain/")),
        path
      ).toEqual([])
  }
})

const PARTS = ["store", "registry", "monitor", "listeners", "doctor", "commands"]

it("keeps the parts of a service to that service", () => {
  for (const [path, { names }] of modules) {
    for (const name of names.filter((each) => PARTS.includes(dirname(each)))) {
      const owner = dirname(name)
      const insider = dirname(path).split("/")[0] === owner || path.toLowerCase() === `${owner}.ts`
      // The composition roots pick the database.
      expect(
        insider || (["inProcess.ts", "daemon.ts"].includes(path) && name === "store/database.ts"),
        `${path} imports ${name}`
      ).toBe(true)
    }
  }
})

it("keeps what must start fast free of Effect", () => {
  for (const path of ["main.ts"]) {
    const packages = [...reached(path)].flatMap((each) => modules.get(each)?.packages ?? [])
    expect(
      packages.filter((name) => name.includes("effect")),
      path
    ).toEqual([])
  }
})

it("names SQL in the store alone", () => {
  for (const [path, { packages }] of modules) {
    if (packages.some((name) => name.startsWith("@effect/sql"))) expect(path).toMatch(/^Store\.ts$|^store\//)
  }
})
