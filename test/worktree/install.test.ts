import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { Machine } from "../support/cli.ts"
import { git, repository } from "../support/git.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"

/** A machine with the program on its path. */
const box = (): Machine => {
  const bin = temporary()
  writeFileSync(join(bin, "automatelinux-ports"), "#!/bin/sh\n")
  chmodSync(join(bin, "automatelinux-ports"), 0o755)
  return inProcess({ PATH: `${bin}:${process.env["PATH"]}`, GIT_CONFIG_GLOBAL: "/dev/null" })
}

const hookOf = (root: string) => join(root, ".git/hooks/post-checkout")

/** Makes a hook, and its directory. */
const write = (file: string, text: string | Buffer, mode = 0o755): string => {
  mkdirSync(join(file, ".."), { recursive: true })
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

const DONE = (file: string, verb: string) => ({
  code: 0,
  stdout: `${verb} ${file}\n${verb === "unchanged:" ? "" : "a new worktree claims its ports from now on\n"}`,
  stderr: ""
})

describe("d worktree install", () => {
  it("makes a hook, and uninstall removes it", async () => {
    const me = box()
    const root = repository()
    const before = readdirSync(join(root, ".git/hooks"))
    expect(await me.d("worktree", "install", "--dir", root)).toEqual(DONE(hookOf(root), "made"))
    expect(statSync(hookOf(root)).mode & 0o777).toBe(0o755)
    const text = readFileSync(hookOf(root), "utf8")
    expect(await me.d("worktree", "install", "--dir", root)).toEqual(DONE(hookOf(root), "unchanged:"))
    expect(readFileSync(hookOf(root), "utf8")).toBe(text)
    expect(await me.ok("worktree", "uninstall", "--dir", root)).toBe(`removed ${hookOf(root)}\n`)
    expect(readdirSync(join(root, ".git/hooks"))).toEqual(before)
    expect(await me.ok("worktree", "uninstall", "--dir", root)).toBe("no hook of this repository has lines of d\n")
  })

  it("makes the directory of the hooks, from a linked worktree and from a bare repository, too", async () => {
    const me = box()
    const root = temporary()
    git(root, "init", "-q", "--bare", "--template=", "depot.git")
    const bare = join(root, "depot.git")
    const file = join(bare, "hooks/post-checkout")
    expect(await me.d("worktree", "install", "--dir", bare)).toEqual(DONE(file, "made"))
    const main = repository()
    git(main, "push", "-q", bare, "HEAD:refs/heads/one")
    git(bare, "worktree", "add", "-q", join(root, "one"), "one")
    expect(await me.d("worktree", "install", "--dir", join(root, "one"))).toEqual(DONE(file, "unchanged:"))
  })

  it.each([
    ["#!/bin/bash\necho mine\n", 0o755],
    ["#!/bin/sh\necho mine", 0o700],
    ["echo mine\n", 0o775],
    [Buffer.from("#!/bin/sh\n\xe4\n", "latin1"), 0o755]
  ])("keeps what is in a hook, %j, and its mode %o", async (before, mode) => {
    const me = box()
    const root = repository()
    const file = write(hookOf(root), before, mode)
    expect(await me.d("worktree", "install", "--dir", root)).toEqual(DONE(file, "changed"))
    expect(statSync(file).mode & 0o777).toBe(mode)
    expect(await me.d("worktree", "uninstall", "--dir", root)).toEqual({
      code: 0,
      stdout: `changed ${file}\n`,
      stderr: ""
    })
    expect(readFileSync(file)).toEqual(Buffer.from(before))
    expect(statSync(file).mode & 0o777).toBe(mode)
    expect(readdirSync(join(root, ".git/hooks")).filter((name) => name.includes("tmp"))).toEqual([])
  })

  it("follows a link to a script of the repository, and to no other", async () => {
    const me = box()
    const root = repository()
    const script = write(join(root, "scripts/hook"), "#!/bin/sh\n")
    symlinkSync("../../scripts/hook", hookOf(root))
    const run = await me.d("worktree", "install", "--dir", root)
    expect(run.stdout).toContain(`changed ${script}\n`)
    expect(run.stderr).toBe(`note: ${script} is a file of the worktree: commit it, so that the others have it\n`)
    await me.ok("worktree", "uninstall", "--dir", root)
    expect(readFileSync(script, "utf8")).toBe("#!/bin/sh\n")
    unlinkSync(script)
    expect(await me.d("worktree", "install", "--dir", root)).toMatchObject({ code: 3, stdout: "" })
    expect(readlinkSync(hookOf(root))).toBe("../../scripts/hook")
    unlinkSync(hookOf(root))
    const shared = write(join(temporary(), "hook"), "#!/bin/sh\n")
    symlinkSync(shared, hookOf(root))
    expect(await me.d("worktree", "install", "--dir", root)).toMatchObject({ code: 1, stdout: "" })
    expect(readFileSync(shared, "utf8")).toBe("#!/bin/sh\n")
  })

  it("refuses hooks that other repositories use", async () => {
    const me = box()
    const root = repository()
    const shared = temporary()
    git(root, "config", "core.hooksPath", shared)
    const run = await me.d("worktree", "install", "--dir", root)
    expect(run).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: the hooks are in ${shared}, outside of this repository, where other repositories may use them\nhint: git config core.hooksPath .githooks gives this one its own; or run d worktree setup in each new worktree\n`
    })
    expect(readdirSync(shared)).toEqual([])
    // The hint helps.
    git(root, "config", "core.hooksPath", ".githooks")
    expect((await me.d("worktree", "install", "--dir", root)).code).toBe(0)
    expect(existsSync(join(root, ".githooks/post-checkout"))).toBe(true)
  })

  it("uses Husky's file", async () => {
    const me = box()
    const root = repository()
    mkdirSync(join(root, ".husky/_"), { recursive: true })
    git(root, "config", "core.hooksPath", ".husky/_")
    const file = join(root, ".husky/post-checkout")
    const note = `note: ${file} is a file of the worktree: commit it, so that the others have it\n`
    const run = await me.d("worktree", "install", "--dir", root)
    expect(run.stderr).toBe(
      `warning: ${join(root, ".husky/_/post-checkout")} is missing, so that git does not run ${file}: npx husky makes it\n${note}`
    )
    expect(readdirSync(join(root, ".husky/_"))).toEqual([])
    // Husky runs it even if it may not be executed.
    await me.ok("worktree", "uninstall", "--dir", root)
    expect(existsSync(file)).toBe(false)
    write(file, "npm test\n", 0o644)
    write(join(root, ".husky/_/post-checkout"), "#!/bin/sh\n")
    expect(await me.d("worktree", "install", "--dir", root)).toMatchObject({ code: 0, stderr: note })
    // The lines go, wherever the hooks are by then.
    git(root, "config", "--unset", "core.hooksPath")
    await me.ok("worktree", "install", "--dir", root)
    expect(await me.ok("worktree", "uninstall", "--dir", root)).toBe(`removed ${hookOf(root)}\nchanged ${file}\n`)
    expect(readFileSync(file, "utf8")).toBe("npm test\n")
  })

  it.each([
    ["#!/usr/bin/env python3\n", "it is no shell script, but one of python3", "let it run d worktree setup if"],
    ["#!/bin/sh\n# >>> automatelinux-ports >>>\n", "the lines of d that begin at line 2 do not end", "delete these"]
  ])("refuses the hook %j", async (text, problem, hint) => {
    const me = box()
    const root = repository()
    const file = write(hookOf(root), text)
    const run = await me.d("worktree", "install", "--dir", root)
    expect(run).toMatchObject({ code: 1, stdout: "" })
    expect(run.stderr.startsWith(`error: ${file} is left as it is: ${problem}\nhint: ${hint}`), run.stderr).toBe(true)
    expect(readFileSync(file, "utf8")).toBe(text)
  })

  it("says what keeps the hook from running", async () => {
    const me = box()
    const root = repository()
    const file = write(hookOf(root), "#!/bin/sh\r\necho mine\r\n", 0o644)
    const { stderr } = await me.with({ PATH: "/usr/bin:/bin" }).d("worktree", "install", "--dir", root)
    expect(stderr).toBe(
      [
        `warning: ${file} is not executable, so that git does not run it: chmod +x ${file}`,
        `warning: the first line of ${file} ends in CRLF, with which only Windows runs it`,
        "warning: automatelinux-ports is not on PATH, so that the hook does nothing; npm link puts it there",
        ""
      ].join("\n")
    )
    await me.ok("worktree", "uninstall", "--dir", root)
    expect(readFileSync(file, "utf8")).toBe("#!/bin/sh\r\necho mine\r\n")
  })

  it("shows with --dry-run what it would change", async () => {
    const me = box()
    const root = repository()
    const would = await me.ok("worktree", "install", "--dir", root, "--dry-run")
    expect(existsSync(hookOf(root))).toBe(false)
    await me.ok("worktree", "install", "--dir", root)
    const lines = readFileSync(hookOf(root), "utf8").trimEnd().split("\n")
    expect(would).toBe(`would make ${hookOf(root)}\n${lines.map((line) => `+ ${line}\n`).join("")}`)
    expect(JSON.parse(await me.ok("worktree", "install", "--dir", root, "--dry-run", "--json"))).toEqual({
      dryRun: true,
      files: [{ file: hookOf(root), change: "none", removed: [], added: [] }]
    })
    appendFileSync(hookOf(root), "echo mine\n")
    const gone = await me.ok("worktree", "uninstall", "--dir", root, "--dry-run")
    expect(gone).toBe(
      `would change ${hookOf(root)}\n${lines
        .slice(1)
        .map((line) => `- ${line}\n`)
        .join("")}`
    )
  })
})

describe("d worktree", () => {
  it.each([
    [[], "error: Missing required arg: ACTION\nhint: d worktree list|install|uninstall|setup\n"],
    [["lst"], 'error: worktree has no action "lst"\nhint: did you mean d worktree list?\n'],
    [["frobnicate"], 'error: worktree has no action "frobnicate"\nhint: d worktree list|install|uninstall|setup\n'],
    [
      ["list", "--dry-run"],
      "error: --dry-run does not go with list\nhint: it goes with d worktree install and d worktree uninstall\n"
    ],
    [
      ["list", "--dir", "/nonexistent"],
      'error: dir "/nonexistent" is not a directory that can be read\nhint: name an existing directory\n'
    ]
  ])("%j is a wrong call", async (words, stderr) => {
    expect(await box().d("worktree", ...words)).toEqual({ code: 2, stdout: "", stderr })
  })

  it("says why git does not read a repository", async () => {
    const me = box()
    const root = repository()
    appendFileSync(join(root, ".git/config"), "[broken\n")
    const run = await me.d("worktree", "list", "--dir", root)
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).toMatch(
      /^error: git does not read the repository in .*: bad config .*\nhint: git -C .* status says what to do\n$/
    )
  })

  it("says that there is no repository, or no git", async () => {
    const me = box()
    const nowhere = temporary()
    for (const action of ["install", "uninstall", "list"]) {
      const run = await me.d("worktree", action, "--dir", nowhere)
      expect(run).toMatchObject({ code: 1, stdout: "" })
      expect(run.stderr.startsWith(`error: ${nowhere} is in no git repository\n`), run.stderr).toBe(true)
    }
    expect(await me.with({ PATH: nowhere }).d("worktree", "list", "--dir", repository())).toEqual({
      code: 3,
      stdout: "",
      stderr: "error: git was not found\nhint: install git, or put it on PATH\n"
    })
  })
})
