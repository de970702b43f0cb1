import { mkdirSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { describe, expect, it } from "vitest"
import { projectOf } from "../../src/project/project.ts"
import { git, repository } from "../support/git.ts"
import { temporary } from "../support/root.ts"

const directory = (root: string, ...parts: ReadonlyArray<string>): string => {
  const path = join(root, ...parts)
  mkdirSync(path, { recursive: true })
  return path
}

const manifest = (root: string, text: string) => writeFileSync(join(root, "package.json"), text)

describe("the root of a project", () => {
  it("is the nearest manifest in the worktree, the worktree, or the directory itself", () => {
    const main = repository()
    expect(projectOf(directory(main, "src")).root).toBe(main)
    const web = directory(main, "packages/web")
    manifest(web, "{}")
    expect(projectOf(directory(web, "src/deep")).root).toBe(web)
    const python = directory(main, "services/api")
    writeFileSync(join(python, "pyproject.toml"), "")
    expect(projectOf(directory(python, "app")).root).toBe(python)
    const plain = temporary()
    expect(projectOf(plain).root).toBe(plain)
    // A manifest above a worktree is not its own.
    manifest(plain, "{}")
    const nested = directory(plain, "nested")
    git(nested, "init", "-q")
    expect(projectOf(nested).root).toBe(nested)
    expect(projectOf(directory(plain, "other")).root).toBe(plain)
  })

  it("is no directory that does not exist", () => {
    expect(() => projectOf("/nonexistent/x")).toThrow()
  })
})

describe("the name of an app", () => {
  it.each([
    ["cad", "cad"],
    ["@acme/cad", "acme-cad"],
    ["@acme/cad-dev", "acme-cad"],
    ["Café Ünïted", "Cafe-United"],
    ["-x-", "x"],
    ["a".repeat(300), undefined],
    ["漢字", undefined],
    ["", undefined]
  ])("of package.json %j is %j", (name, app) => {
    const root = directory(temporary(), "folder")
    manifest(root, JSON.stringify({ name }))
    expect(projectOf(root).names[0]).toBe(app ?? "folder")
  })

  it.each(["[]", '{"name":5}', "{", '\uFEFF{"name":"folder"}'])("survives the package.json %s", (text) => {
    const root = directory(temporary(), "folder")
    manifest(root, text)
    expect(projectOf(root).names[0]).toBe("folder")
  })

  it("is followed by names that another directory of the same project may have", () => {
    const root = directory(temporary(), "cad2")
    manifest(root, '{"name":"cad"}')
    expect(projectOf(root).names).toEqual(["cad", "cad-cad2", expect.stringMatching(/^cad-[0-9a-z]{6}$/)])
    const same = directory(temporary(), "cad")
    expect(projectOf(same).names).toEqual(["cad", expect.stringMatching(/^cad-[0-9a-z]{6}$/)])
  })

  it("of a folder without a usable name is some name", () => {
    expect(projectOf(directory(temporary(), "漢字")).names[0]).toBe("app")
  })

  it.each([
    ["fix-ui", "fix-ui"],
    ["feature/Fix_UI", "feature-fix-ui"],
    ["größe", "gro-e"],
    ["übung", "ubung"],
    ["🙂", /^[0-9a-z]{6}$/],
    [`x/${"long-".repeat(30)}`, /^x-long-.{26}-[0-9a-z]{6}$/]
  ])("of a linked worktree on branch %s ends in %s", (branch, word) => {
    const main = repository()
    manifest(main, '{"name":"cad"}')
    git(main, "add", ".")
    git(main, "commit", "-q", "-m", "second")
    const path = join(temporary(), "tree")
    git(main, "worktree", "add", "-q", "-b", branch, path)
    const [name = ""] = projectOf(path).names
    expect(name.startsWith("cad.")).toBe(true)
    expect(name.slice("cad.".length)).toMatch(word)
  })

  it("of a linked worktree without a branch, or without a manifest, begins with the main one", () => {
    const main = directory(temporary(), "shop")
    git(main, "init", "-q")
    git(main, "commit", "-q", "--allow-empty", "-m", "first")
    const path = join(temporary(), "detached")
    git(main, "worktree", "add", "-q", "--detach", path)
    expect(projectOf(path).names[0]).toBe("shop.detached")
    const bare = join(temporary(), "depot.git")
    git(main, "clone", "-q", "--bare", main, bare)
    const other = join(temporary(), "wt")
    git(bare, "worktree", "add", "-q", "-b", "next", other)
    expect(projectOf(other).names[0]).toBe("depot.next")
    expect(basename(projectOf(other).root)).toBe("wt")
  })
})
