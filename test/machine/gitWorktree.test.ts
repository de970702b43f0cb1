import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { inWorktreeOf, worktreeOf } from "../../src/machine/gitWorktree.ts"
import { git, repository } from "../support/git.ts"
import { temporary } from "../support/root.ts"

it("tells a repository, its linked worktrees, a submodule, a clone and a plain directory apart", () => {
  const main = repository()
  const inner = join(main, "packages/web")
  mkdirSync(inner, { recursive: true })
  expect(worktreeOf(inner)).toEqual({ root: main, linkedBy: null })
  // Beside it, and inside it, where agents put them.
  const beside = join(temporary(), "fix")
  const nested = join(main, ".worktrees/fix-2")
  for (const path of [beside, nested]) git(main, "worktree", "add", "-q", "--detach", path)
  expect(worktreeOf(beside)).toEqual({ root: beside, linkedBy: join(main, ".git/worktrees/fix") })
  expect(worktreeOf(nested)).toMatchObject({ root: nested })
  git(main, "submodule", "--quiet", "add", repository(), "vendor/lib")
  expect(worktreeOf(join(main, "vendor/lib"))).toEqual({ root: main, linkedBy: null })
  const clone = join(main, "clone")
  git(main, "clone", "-q", main, clone)
  expect(worktreeOf(clone)).toEqual({ root: clone, linkedBy: null })
  const plain = temporary()
  expect(worktreeOf(plain)).toBeUndefined()
  expect(inWorktreeOf(main, inner)).toBe(true)
  expect(inWorktreeOf(inner, join(main, "vendor/lib/src/gone"))).toBe(true)
  for (const path of [beside, nested, clone, plain, join(main, "..")]) {
    expect(inWorktreeOf(main, path), path).toBe(false)
    expect(inWorktreeOf(plain, path), path).toBe(true)
  }
  expect(inWorktreeOf(nested, main)).toBe(false)
})

it("takes what it cannot read for no worktree", () => {
  const directory = temporary()
  writeFileSync(join(directory, ".git"), "something else")
  expect(worktreeOf(join(directory, "gone/deeper"))).toEqual({ root: directory, linkedBy: null })
  expect(worktreeOf("/nonexistent/x")).toBeUndefined()
})
