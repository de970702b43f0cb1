import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { Machine } from "../support/cli.ts"
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
