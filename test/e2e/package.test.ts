import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs"
import { join, resolve } from "node:path"
import { beforeAll, expect, it } from "vitest"
import { bundle, httpApart, leftOut, quietLogger } from "../../src/build/bundle.mjs"
import { isRoot, NOBODY } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"

const RANGE = { AUTOMATELINUX_APP_RANGE: "24800-24899", AUTOMATELINUX_SPECIAL_RANGE: "24900-24999" }

/** An ordinary user with an empty home, whose npm installs for everyone below it. */
let home: string
let installed: string
const env = () => ({
  ...process.env,
  ...RANGE,
  HOME: home,
  PATH: `${home}/bin:${process.env["PATH"]}`,
  XDG_RUNTIME_DIR: home,
  npm_config_prefix: home,
  npm_config_cache: join(home, "npm"),
  npm_config_update_notifier: "false"
})

const asUser = (program: string, ...words: ReadonlyArray<string>) =>
  spawnSync(program, words, {
    cwd: join(home, "project"),
    env: env(),
    encoding: "utf8",
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {})
  })

beforeAll(() => {
  // A clone, whose dist may be made anew while other tests use this one's.
  const clone = temporary()
  const others = ["node_modules", "dist", ".git"].map((name) => resolve(name))
  cpSync(".", clone, { recursive: true, filter: (path) => !others.includes(resolve(path)) })
  symlinkSync(resolve("node_modules"), join(clone, "node_modules"))
  const [packed] = JSON.parse(execFileSync("npm", ["pack", "--json", "--silent"], { cwd: clone, encoding: "utf8" }))

  home = temporary()
  mkdirSync(join(home, "project"))
  if (isRoot) chownSync(home, NOBODY, NOBODY)
  chmodSync(clone, 0o755)
  const { status, stderr, stdout } = asUser("npm", "install", "--global", join(clone, packed.filename))
  expect([status, stdout + stderr]).toEqual([0, expect.not.stringMatching(/warn|script/i)])
  installed = join(home, "lib/node_modules/automatelinux-ports")
}, 600_000)

it("has the program, its documents and what it needs at run time, and nothing else", () => {
  expect(readdirSync(installed).sort()).toEqual([
    "LICENSE",
    "README.md",
    "dist",
    "docs",
    "node_modules",
    "package.json"
  ])
  const dist = readdirSync(join(installed, "dist"))
  expect(dist.sort()).toEqual([
    "d.cjs",
    "dashboard",
    "library",
    "licenses.txt",
    "man",
    expect.stringMatching(/^parts-/),
    expect.stringMatching(/^sqlite-/)
  ])
  const kilobytes = Number(execFileSync("du", ["-sk", installed], { encoding: "utf8" }).split("\t")[0])
  expect(kilobytes).toBeLessThan(25_000)
})

it("comes with the licences of the packages whose code it contains, once each", async () => {
  const text = readFileSync(join(installed, "dist/licenses.txt"), "utf8")
  const names = text.split(/^-{80}$/m).flatMap((block) => {
    const [head = "", ...terms] = block.trim().split("\n\n")
    expect(terms.join("\n"), head).toMatch(/\b(?:copyright|\(c\))[\s\S]*(?:Permission|Redistribution)/i)
    return head
      .split("\n")
      .map((line) => /^(\S+) \d+\.\S+ \((?:MIT|ISC|BSD-3-Clause)\)$/.exec(line)?.[1] ?? `not ${line}`)
  })
  expect(new Set(names).size).toBe(names.length)
  // Of the driver, the page, the client, the library and a part.
  for (const name of ["node-gyp-build", "@photostructure/sqlite", "preact", "leven", "smol-toml"])
    expect(names).toContain(name)
  const { files } = await bundle("src/run.ts", [httpApart, leftOut, quietLogger])
  const used = files.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
  expect(used).toContain("@effect/sql-mysql2")
  expect(names).toEqual(expect.arrayContaining(used))
  // A dependency, which brings its own.
  expect(names).not.toContain("mysql2")
})

it("brings no script that npm runs when it is installed", () => {
  const manifests = readdirSync(installed, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith("package.json")
  )
  expect(manifests.length).toBeGreaterThan(10)
  for (const path of manifests) {
    const { scripts = {} } = JSON.parse(readFileSync(join(installed, path), "utf8"))
    // Others' prepare runs for them alone.
    const run = Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name))
    expect(
      path === "package.json" ? [...run, ...Object.keys(scripts).filter((name) => name === "prepare")] : run,
      path
    ).toEqual([])
  }
})

it("puts d and automatelinux-ports on the path, and leaves the word daemon to others", () => {
  expect(readdirSync(join(home, "bin")).sort()).toEqual(["automatelinux-ports", "d"])
  expect(asUser("d", "allocate", "--app", "cad")).toMatchObject({
    status: 0,
    stdout: "cad-prod 24800\ncad-dev 24801\n",
    stderr: ""
  })
  expect(asUser("automatelinux-ports", "getPort", "--key", "cad-dev").stdout).toBe("24801\n")
})

it("is found by npx under the name of the package", () => {
  const run = asUser("npx", "automatelinux-ports", "allocate", "--app", "cad")
  expect([run.status, run.stdout]).toEqual([0, "cad-prod 24800\ncad-dev 24801\n"])
  expect(readdirSync(join(home, "project"))).toEqual([])
})
