import { spawn } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseEnv } from "node:util"
import { describe, expect, it } from "vitest"
import type { WorktreeEntry } from "../../src/domain/Worktrees.ts"
import { collect, type Machine, machine, PROGRAM, type Run, startDaemon } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { rangesFrom } from "../support/doctor.ts"
import { git, repository } from "../support/git.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"

const RANGES = rangesFrom(20_800)

/** A repository of the app `cad`. */
const cad = (): string => {
  const main = repository()
  writeFileSync(join(main, "package.json"), JSON.stringify({ name: "cad" }))
  git(main, "add", ".")
  git(main, "commit", "-q", "-m", "second")
  return main
}

/** A worktree of `main` on `branch`, or on none. */
const linked = (main: string, branch: string | undefined, path = join(temporary(), "tree")): string => {
  git(main, "worktree", "add", "-q", ...(branch === undefined ? ["--detach"] : ["-b", branch]), path)
  return path
}

const claim = async (box: Machine, directory: string): Promise<{ readonly app: string; readonly port: number }> => {
  const { app, port } = JSON.parse(await box.ok("claim", "--dir", directory, "--json"))
  return { app, port }
}

const ownerOf = async (box: Machine, key: string): Promise<string> =>
  JSON.parse(await box.ok("explain", "--key", key, "--json")).keys[0].owner.name

describe.each([sqlite, mariadb])("the pair of a worktree, on $name", (database) => {
  const fresh = async () => inProcess({ ...RANGES, ...(await database.fresh()) })

  it.each([
    ["the same branch", () => {}],
    ["a branch that was renamed", (path: string) => git(path, "branch", "-m", "another")],
    ["another branch", (path: string) => git(path, "switch", "-q", "-c", "another")],
    ["no branch", (path: string) => git(path, "switch", "-q", "--detach")]
  ])("follows it when git moves it, on %s", async (_, change) => {
    const box = await fresh()
    const main = cad()
    const path = linked(main, "fix/one")
    const before = await claim(box, path)
    expect(before.app).toBe("cad.fix-one")
    change(path)
    expect(await claim(box, path)).toEqual(before)
    const moved = join(temporary(), "elsewhere")
    git(main, "worktree", "move", path, moved)
    // A question finds it, and changes nothing.
    expect(await box.ok("url", "--dir", moved)).toBe(`http://localhost:${before.port}\n`)
    expect(await ownerOf(box, "cad.fix-one-dev")).toBe(path)
    const run = await box.d("claim", "--dir", moved)
    expect(run).toEqual({ code: 0, stdout: `${before.port}\n`, stderr: "" })
    expect(await ownerOf(box, "cad.fix-one-dev")).toBe(moved)
    expect(await ownerOf(box, "cad.fix-one-prod")).toBe(moved)
    // Again, and without git.
    const again = join(temporary(), "again")
    renameSync(moved, again)
    expect(await claim(box, again)).toEqual(before)
    expect((await claim(box, main)).app).toBe("cad")
  })

  it("follows it if its name was taken, so that its app has a longer one", async () => {
    const box = await fresh()
    const [main, other] = [cad(), cad()]
    await claim(box, linked(main, "fix"))
    const path = linked(other, "fix")
    const before = await claim(box, path)
    expect(before.app).toMatch(/^cad\.fix-[0-9a-z]{6}$/)
    const moved = join(temporary(), "elsewhere")
    git(other, "worktree", "move", path, moved)
    expect(await claim(box, moved)).toEqual(before)
  })

  it("is not taken by another one, as long as its directory may come back", async () => {
    const box = await fresh()
    const main = cad()
    const away = linked(main, "fix")
    const before = await claim(box, away)
    // As if its disk were not mounted.
    const parked = join(temporary(), "parked")
    renameSync(away, parked)
    const other = join(temporary(), "other")
    git(main, "worktree", "add", "-q", "--force", other, "fix")
    expect((await claim(box, other)).app).toMatch(/^cad\.fix-[0-9a-z]{6}$/)
    renameSync(parked, away)
    expect(await claim(box, away)).toEqual(before)
  })

  it("passes to the next worktree of its branch, if it was deleted and git no longer lists it", async () => {
    const box = await fresh()
    const main = cad()
    const path = linked(main, "fix")
    const before = await claim(box, path)
    rmSync(path, { recursive: true })
    git(main, "worktree", "prune")
    const next = join(temporary(), "next")
    git(main, "worktree", "add", "-q", next, "fix")
    expect(await claim(box, next)).toEqual(before)
  })

  it("does not pass to a worktree that was made after it, and only left its branch", async () => {
    const box = await fresh()
    const main = cad()
    const path = linked(main, "fix")
    const before = await claim(box, path)
    rmSync(path, { recursive: true })
    git(main, "worktree", "prune")
    const next = join(temporary(), "next")
    git(main, "worktree", "add", "-q", next, "fix")
    git(next, "switch", "-q", "-c", "new")
    expect(await claim(box, next)).toEqual({ app: "cad.new", port: before.port + 2 })
  })
})

it("says of no other directory that it has a name that is free", async () => {
  const box = inProcess(RANGES)
  const path = linked(cad(), "fix")
  const { port } = await claim(box, path)
  git(path, "switch", "-q", "-c", "another")
  await box.ok("deletePort", "--key", "cad.fix-dev")
  expect(await box.d("claim", "--dir", path)).toEqual({ code: 0, stdout: `${port}\n`, stderr: "" })
})

it("gives every worktree a pair of its own, whatever its branch is called, and a clone its own name", async () => {
  const box = inProcess(RANGES)
  const main = cad()
  const branches = ["fix/ui", "größe/übung", "🙂", `x/${"long-".repeat(39)}end`, "release-dev", "fix-ui"]
  const paths = [main, ...branches.map((branch) => linked(main, branch)), linked(main, undefined)]
  const clone = join(temporary(), "cad-2")
  git(main, "clone", "-q", main, clone)
  paths.push(clone, linked(clone, "fix/ui"))
  const claims = []
  for (const path of paths) claims.push(await claim(box, path))
  expect(new Set(claims.map(({ port }) => port)).size).toBe(paths.length)
  const apps = claims.map(({ app }) => app)
  expect(apps).toEqual([
    "cad",
    "cad.fix-ui",
    "cad.gro-e-ubung",
    expect.stringMatching(/^cad\.[0-9a-z]{6}$/),
    expect.stringMatching(/^cad\.x-long-.{26}-[0-9a-z]{6}$/),
    expect.stringMatching(/^cad\.release-dev-[0-9a-z]{6}$/),
    expect.stringMatching(/^cad\.fix-ui-[0-9a-z]{6}$/),
    "cad.tree6",
    "cad-cad-2",
    expect.stringMatching(/^cad\.fix-ui-[0-9a-z]{6}$/)
  ])
  // A submodule belongs to the worktree around it.
  git(main, "submodule", "--quiet", "add", repository(), "vendor/lib")
  expect(await claim(box, join(main, "vendor/lib"))).toEqual(claims[0])
  mkdirSync(join(main, "src"))
  expect(await claim(box, join(main, "src"))).toEqual(claims[0])
})

/** A machine with the program on its path, on which git runs hooks. */
const withProgram = (env: Readonly<Record<string, string>> = {}, name = "automatelinux-ports") => {
  const bin = temporary()
  symlinkSync(PROGRAM, join(bin, name))
  const box = machine({ ...RANGES, PATH: `${bin}:${process.env["PATH"]}`, GIT_CONFIG_GLOBAL: "/dev/null", ...env })
  const runGit = (cwd: string, ...words: ReadonlyArray<string>) =>
    collect(spawn("git", words, { cwd, env: box.env, stdio: ["ignore", "pipe", "pipe"] }))
  return { box, runGit }
}

const list = async (box: Machine, directory: string): Promise<ReadonlyArray<WorktreeEntry>> =>
  JSON.parse(await box.ok("worktree", "list", "--dir", directory, "--json"))

describe("the hook", () => {
  it("claims a pair for a new worktree, and for nothing else", async () => {
    const { box, runGit } = withProgram()
    const main = cad()
    await box.ok("worktree", "install", "--dir", main)
    const path = join(temporary(), "one")
    expect(await runGit(main, "worktree", "add", "-q", "-b", "fix/one", path)).toEqual({
      code: 0,
      stdout: "",
      stderr: "cad.fix-one has 20800 (prod) and 20801 (dev)\n"
    })
    const quiet = { code: 0, stdout: "", stderr: "" }
    expect(await runGit(path, "switch", "-q", "-c", "other")).toEqual(quiet)
    expect(await runGit(main, "switch", "-q", "-c", "third")).toEqual(quiet)
    expect(await claim(box, path)).toEqual({ app: "cad.fix-one", port: 20_801 })
    // Deleted and made again in its place, it has its pair already.
    await runGit(main, "worktree", "remove", path)
    expect(await runGit(main, "worktree", "add", "-q", path, "fix/one")).toEqual(quiet)
    // A clone has no hooks of its own, nor has a submodule.
    expect(await runGit(main, "clone", "-q", main, join(temporary(), "clone"))).toEqual(quiet)
    expect((await list(box, main)).map(({ apps }) => apps.map(({ app }) => app))).toEqual([[], ["cad.fix-one"]])
  })

  it("knows the program by its other name", async () => {
    const { box, runGit } = withProgram({}, "d")
    const main = cad()
    expect((await box.d("worktree", "install", "--dir", main)).stderr).toBe("")
    const { stderr } = await runGit(main, "worktree", "add", "-q", "-b", "one", join(temporary(), "one"))
    expect(stderr).toBe("cad.one has 20800 (prod) and 20801 (dev)\n")
  })

  it("lets a worktree be made if nothing can be claimed", async () => {
    const { box, runGit } = withProgram()
    const main = cad()
    await box.ok("worktree", "install", "--dir", main)
    writeFileSync(
      join(main, ".git/hooks/post-checkout"),
      `${readFileSync(join(main, ".git/hooks/post-checkout"))}exit 0\n`
    )
    const broken = withProgram({ AUTOMATELINUX_DATABASE_URL: "sqlite:/proc/nowhere" })
    const [one, two] = [join(temporary(), "one"), join(temporary(), "two")]
    expect(await broken.runGit(main, "worktree", "add", "-q", "-b", "one", one)).toMatchObject({ code: 0, stderr: "" })
    // A git that is started by a program with another path.
    const elsewhere = withProgram({ PATH: "/usr/bin:/bin" })
    expect(await elsewhere.runGit(main, "worktree", "add", "-q", "-b", "two", two)).toMatchObject({
      code: 0,
      stderr: ""
    })
    expect(await runGit(two, "status", "--short")).toMatchObject({ code: 0 })
    // The first use makes up for it.
    expect((await claim(box, two)).app).toBe("cad.two")
  })

  it("runs where Husky runs hooks", async () => {
    const { box, runGit } = withProgram()
    const main = cad()
    git(main, "config", "core.hooksPath", ".husky/_")
    mkdirSync(join(main, ".husky/_"), { recursive: true })
    // As Husky starts a hook.
    const runner = join(main, ".husky/_/post-checkout")
    writeFileSync(runner, '#!/usr/bin/env sh\nsh -e "$(dirname "$(dirname "$0")")/post-checkout" "$@"\n')
    chmodSync(runner, 0o755)
    await box.ok("worktree", "install", "--dir", main)
    const { stderr } = await runGit(main, "worktree", "add", "-q", "-b", "one", join(temporary(), "one"))
    expect(stderr).toBe("cad.one has 20800 (prod) and 20801 (dev)\n")
  })

  it.each(["without a daemon", "with a daemon"])(
    "gives twenty worktrees that are made at once a pair each, %s",
    {
      timeout: 60_000
    },
    async (how) => {
      const { box, runGit } = withProgram()
      if (how === "with a daemon") await startDaemon(box)
      const main = cad()
      await box.ok("worktree", "install", "--dir", main)
      const root = temporary()
      /** git reads the files of all worktrees, and fails if another git is just writing one of them. */
      const add = async (at: number, left = 10): Promise<Run> => {
        const run = await runGit(main, "worktree", "add", "-q", "-B", `task/${at}`, join(root, `${at}`))
        return left > 0 && /failed to read .*\/commondir/.test(run.stderr) ? add(at, left - 1) : run
      }
      const made = await Promise.all(Array.from({ length: 20 }, (_, at) => add(at)))
      expect(made.filter(({ code }) => code !== 0)).toEqual([])
      const [first, ...worktrees] = await list(box, main)
      expect(first).toMatchObject({ directory: main, main: true, apps: [] })
      const pairs = worktrees.flatMap(({ apps }) => apps.map(({ dev, prod }) => [prod?.port ?? 0, dev?.port ?? 0]))
      expect(pairs).toHaveLength(20)
      expect(new Set(pairs.flat()).size).toBe(40)
      for (const [prod = 0, dev] of pairs) {
        expect(prod % 2).toBe(0)
        expect(dev).toBe(prod + 1)
      }
      expect(new Set(worktrees.flatMap(({ apps }) => apps.map(({ app }) => app)))).toEqual(
        new Set(Array.from({ length: 20 }, (_, at) => `cad.task-${at}`))
      )
    }
  )
})

describe("d worktree list", () => {
  it("shows each worktree with what belongs to it, moved, missing and detached ones as well", async () => {
    const box = inProcess(RANGES)
    const main = cad()
    const inner = join(main, "packages/web")
    mkdirSync(inner, { recursive: true })
    writeFileSync(join(inner, "package.json"), '{"name":"web"}')
    // Inside the main one, where agents put them. Git lists them by their paths.
    const inside = (name: string) => join(main, ".worktrees", name)
    const gone = linked(main, "größe/🙂", inside("1"))
    const moved = linked(main, "fix/ui")
    const nested = linked(main, undefined, inside("3-nested"))
    const unused = linked(main, "unused", inside("4"))
    for (const path of [main, inner, gone, moved, nested]) await claim(box, path)
    rmSync(gone, { recursive: true })
    git(moved, "branch", "-m", "renamed")
    const to = inside("2")
    git(main, "worktree", "move", moved, to)
    git(main, "worktree", "lock", nested)
    const head = git(main, "rev-parse", "HEAD").toString().trim()
    const pair = (app: string, prod: number) => ({
      app,
      prod: { key: `${app}-prod`, port: prod, health: "unknown" },
      dev: { key: `${app}-dev`, port: prod + 1, health: "unknown" }
    })
    const entry = { main: false, bare: false, head, locked: false, missing: false }
    const entries = await list(box, nested)
    expect(entries).toEqual([
      {
        ...entry,
        directory: main,
        main: true,
        branch: "master",
        apps: [
          { ...pair("cad", 20_800), directory: main },
          { ...pair("web", 20_802), directory: inner }
        ]
      },
      {
        ...entry,
        directory: gone,
        branch: "größe/🙂",
        missing: true,
        apps: [{ ...pair("cad.gro-e", 20_804), directory: gone }]
      },
      { ...entry, directory: to, branch: "renamed", apps: [{ ...pair("cad.fix-ui", 20_806), directory: to }] },
      {
        ...entry,
        directory: nested,
        branch: null,
        locked: true,
        apps: [{ ...pair("cad.3-nested", 20_808), directory: nested }]
      },
      { ...entry, directory: unused, branch: "unused", apps: [] }
    ])
    const table = await box.ok("worktree", "list", "--dir", to)
    expect(table.split("\n").map((line) => line.replace(/ {2,}/g, "|"))).toEqual([
      "BRANCH|APP|PROD|DEV|STATE|DIRECTORY",
      `master|cad|20800|20801|unknown|${main}`,
      `master|web|20802|20803|unknown|${inner}`,
      `größe/🙂|cad.gro-e|20804|20805|missing|${gone}`,
      `renamed|cad.fix-ui|20806|20807|unknown|${to}`,
      `(detached ${head.slice(0, 7)})|cad.3-nested|20808|20809|unknown|${nested}`,
      `unused|-|-|-|no ports|${unused}`,
      ""
    ])
  })

  it("shows a repository without a directory of its own", async () => {
    const box = inProcess(RANGES)
    const bare = join(temporary(), "depot.git")
    git(cad(), "clone", "-q", "--bare", ".", bare)
    const path = linked(bare, "one")
    await claim(box, path)
    expect(
      (await list(box, bare)).map(({ apps, bare: is, branch }) => [is, branch, apps.map(({ app }) => app)])
    ).toEqual([
      [true, null, []],
      [false, "one", ["cad.one"]]
    ])
    expect(await box.ok("worktree", "list", "--dir", bare)).toContain("(bare)")
  })
})

it("sets up a worktree for a tool that has made it", async () => {
  const box = inProcess(RANGES)
  const path = linked(cad(), "one")
  expect(await box.d("worktree", "setup", "--dir", path)).toEqual({
    code: 0,
    stdout: "cad.one has 20800 (prod) and 20801 (dev)\n",
    stderr: ""
  })
  expect(await box.d("worktree", "setup", "--dir", path)).toEqual({ code: 0, stdout: "", stderr: "" })
  expect(JSON.parse(await box.ok("worktree", "setup", "--dir", path, "--json"))).toEqual({
    app: "cad.one",
    directory: path,
    created: false,
    prod: 20_800,
    dev: 20_801,
    written: []
  })
})

it("brings the environment files of a new worktree up to date, if they have a block", async () => {
  const box = inProcess(RANGES)
  const root = cad()
  await claim(box, root)
  await box.ok("env", "--dir", root, "--write", join(root, ".env"), "--env", "SITE=url:{app}-prod")
  const path = linked(root, "one")
  cpSync(join(root, ".env"), join(path, ".env"))
  writeFileSync(join(path, ".env.local"), "PORT=1\n")
  writeFileSync(join(path, ".env.test"), "# >>> d env >>>\n")
  const run = await box.d("worktree", "setup", "--dir", path)
  expect(run).toMatchObject({
    code: 0,
    stdout: `cad.one has 20802 (prod) and 20803 (dev)\nwrote ${path}/.env\n`
  })
  expect(run.stderr).toMatch(/^note: ".*\.env\.test", line 1: /)
  expect(parseEnv(readFileSync(join(path, ".env"), "utf8"))).toMatchObject({
    PORT: "20803",
    D_KEY: "cad.one-dev",
    SITE: "http://localhost:20802"
  })
  expect(readFileSync(join(path, ".env.local"), "utf8")).toBe("PORT=1\n")
  rmSync(join(path, ".env.test"))
  expect(await box.d("worktree", "setup", "--dir", path)).toEqual({ code: 0, stdout: "", stderr: "" })
})
