import { spawnSync } from "node:child_process"
import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { withLines, withoutLines } from "../../src/worktree/hookText.ts"
import { temporary } from "../support/root.ts"

const textOf = (text: ReturnType<typeof withLines>): string => {
  if (typeof text === "object") throw new Error(text.problem)
  return text
}

const HOOKS = [
  "#!/bin/sh\necho mine\n",
  "#!/bin/sh\necho mine",
  "#!/bin/sh",
  "#!/bin/sh\n",
  "",
  "\n",
  "echo mine\n",
  "# only a remark",
  "#!/usr/bin/env bash\r\necho mine\r\nexit 3\r\n",
  "#!/usr/bin/env -S zsh -f\necho $1",
  "#! /bin/dash -eu\nexit 0\n",
  "#!/bin/busybox sh\n",
  "#!/bin/sh\n\xe4\xf6\xfc\xff\n"
]

describe("a hook", () => {
  it.each(HOOKS)("%j gets the lines and loses them again, to the byte", (before) => {
    const after = textOf(withLines(before))
    expect(after.includes("worktree setup")).toBe(true)
    expect(after.startsWith("#!")).toBe(before.startsWith("#!"))
    expect(withLines(after)).toBe(after)
    expect(withoutLines(after)).toBe(before)
    expect(withoutLines(before)).toBe(before)
  })

  it("of any text comes back as it was", () => {
    const line = fc.constantFrom("echo a", "", "exit 1", "# x", "\r", "\t", "#!/bin/sh", "é")
    const hook = fc.tuple(
      fc.constantFrom("", "#!/bin/sh\n", "#!/bin/bash -e\n", "#!/bin/sh\r\n"),
      fc.array(line),
      fc.constantFrom("", "\n")
    )
    fc.assert(
      fc.property(hook, ([first, lines, end]) => {
        const before = first + lines.join("\n") + end
        const after = textOf(withLines(before))
        expect(withLines(after)).toBe(after)
        expect(withoutLines(after)).toBe(before)
      })
    )
  })

  it("that is not there is made, and goes again unless something else was added", () => {
    const made = textOf(withLines(undefined))
    expect(made.startsWith("#!/bin/sh\n")).toBe(true)
    expect(withLines(made)).toBe(made)
    expect(withoutLines(made)).toBeUndefined()
    expect(withoutLines(`${made}echo mine\n`)).toBe("#!/bin/sh\necho mine\n")
  })

  it("gets the lines of this version in place of older ones", () => {
    const after = textOf(withLines("#!/bin/sh\necho mine\n"))
    const older = after.replace(/^case.*?^esac$/ms, "true")
    expect(older).not.toBe(after)
    expect(withLines(older)).toBe(after)
    expect(withoutLines(older)).toBe("#!/bin/sh\necho mine\n")
    // An editor on Windows may have ended the lines its way.
    expect(withLines(after.replaceAll("\n", "\r\n"))).toBe(
      `#!/bin/sh\r\n${after.slice("#!/bin/sh\n".length, -"echo mine\n".length)}echo mine\r\n`
    )
  })

  it.each([
    ["#!/usr/bin/env python3\nprint(1)\n", "it is no shell script, but one of python3"],
    ["#!/usr/bin/perl\n", "it is no shell script, but one of perl"],
    ["#!/usr/bin/env -S FOO=1 node --x\n", "it is no shell script, but one of node"],
    ["#!/usr/bin/fish\n", "it is no shell script, but one of fish"],
    ["\x7fELF\0\0", "it is no script"],
    ["#!\n", "it is no script"],
    ["#!/bin/sh\n# >>> automatelinux-ports >>>\n", "the lines of d that begin at line 2 do not end"],
    ["#!/bin/sh\n\n# <<< automatelinux-ports <<<", "line 3 ends lines of d that do not begin"],
    [
      "# >>> automatelinux-ports >>>\n# <<< automatelinux-ports <<<\n# >>> automatelinux-ports >>>",
      "line 3 is a mark of d for the second time"
    ]
  ])("%j is refused", (text, problem) => {
    expect(withLines(text)).toMatchObject({ problem })
    // What is no script of a shell has no lines to lose.
    if (text.includes("automatelinux")) expect(withoutLines(text)).toMatchObject({ problem })
    else expect(withoutLines(text)).toBe(text)
  })
})

/** What the lines do in a shell: on the path is a program of that name, with that text. */
describe.each(["sh -e", "dash -eu", "bash -eu", "zsh -eu"])("the lines, in %s", (shell) => {
  const NEW = ["0".repeat(40), "1".repeat(40), "1"]
  const run = (programs: Readonly<Record<string, string>>, words: ReadonlyArray<string>, linked = true, after = "") => {
    const directory = temporary()
    if (linked) writeFileSync(join(directory, ".git"), "gitdir: x")
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(directory, name), text)
      chmodSync(join(directory, name), 0o755)
    }
    const hook = join(directory, "hook")
    writeFileSync(hook, textOf(withLines(`#!/bin/sh\n${after}`)))
    const [program = "", ...flags] = shell.split(" ")
    const path = `${directory}:${process.env["PATH"]}`
    const { status, stderr, stdout } = spawnSync(program, [...flags, hook, ...words], {
      cwd: directory,
      env: { PATH: path, HOME: directory },
      encoding: "utf8",
      input: "for the hook"
    })
    return { status, stderr, stdout }
  }
  const says = (what: string) => `#!/bin/sh\n# automatelinux-ports\necho ${what} "$@"\n`
  const quiet = { status: 0, stderr: "", stdout: "" }

  it("run the program in a new worktree alone", () => {
    const ours = { "automatelinux-ports": says("ours"), d: says("other") }
    expect(run(ours, NEW)).toEqual({ ...quiet, stdout: "ours worktree setup\n" })
    expect(run(ours, ["0".repeat(64), "1".repeat(64), "1"])).toEqual({ ...quiet, stdout: "ours worktree setup\n" })
    expect(run(ours, ["1".repeat(40), "1".repeat(40), "1"])).toEqual(quiet)
    expect(run(ours, NEW, false)).toEqual(quiet)
    expect(run(ours, [])).toEqual(quiet)
  })

  it("run d only if it is ours", () => {
    expect(run({ d: says("d") }, NEW)).toEqual({ ...quiet, stdout: "d worktree setup\n" })
    expect(run({ d: "#!/bin/sh\necho another program\n" }, NEW)).toEqual(quiet)
    expect(run({}, NEW)).toEqual(quiet)
  })

  it("succeed whatever happens, and leave the rest of the hook as it is", () => {
    const broken = { "automatelinux-ports": "#!/bin/sh\necho error >&2\nexit 3\n" }
    expect(run(broken, NEW)).toEqual(quiet)
    expect(run({ "automatelinux-ports": "#!/nonexistent\n" }, NEW)).toEqual(quiet)
    const rest = 'cat; echo " $# $1"; exit 4\n'
    expect(run(broken, NEW, true, rest)).toEqual({ ...quiet, status: 4, stdout: `for the hook 3 ${NEW[0]}\n` })
  })
})
