import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, it } from "vitest"
import { SHELLS } from "../../src/commands/shell.ts"
import { inProcess } from "../support/inProcess.ts"

const FILES = {
  bash: ".local/share/bash-completion/completions/d",
  zsh: ".local/share/zsh/site-functions/_d",
  fish: ".config/fish/completions/d.fish"
} as const

const everythingIn = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()

it("installs one file for each shell, and leaves nothing when it removes them", async () => {
  const box = inProcess()
  const before = everythingIn(box.home)
  const dry = await box.d("completions", "install", "--dry-run")
  expect(dry.stdout).toContain(`zsh: would make ${join(box.home, FILES.zsh)}`)
  expect(everythingIn(box.home)).toEqual(before)
  const made = await box.d("completions", "install")
  expect(made.code).toBe(0)
  expect(made.stderr).toContain(`fpath=(${dirname(join(box.home, FILES.zsh))} $fpath)`)
  for (const shell of SHELLS) {
    const file = join(box.home, FILES[shell])
    expect(made.stdout).toContain(`${shell}: made ${file}`)
    expect(readFileSync(file, "utf8")).toBe(await box.ok("completions", shell))
    expect(statSync(file).mode & 0o777).toBe(0o644)
  }
  const times = () => SHELLS.map((shell) => statSync(join(box.home, FILES[shell])).mtimeMs)
  const first = times()
  expect(await box.ok("completions", "install")).toContain("bash: installed ")
  expect(times()).toEqual(first)
  expect(await box.ok("completions", "status")).toMatch(/^bash: installed .*\nzsh: installed .*\nfish: installed /)
  expect(await box.ok("completions", "uninstall", "--dry-run")).toContain("would remove")
  expect(times()).toEqual(first)
  expect(await box.ok("completions", "uninstall")).toContain("fish: removed ")
  expect(everythingIn(box.home).filter((name) => !/^\.(local|config)(\/share)?$/.test(name))).toEqual(before)
  expect(await box.ok("completions", "uninstall")).toContain("bash: not installed: ")
})

it("brings an older file up to date, and leaves one alone that it did not write", async () => {
  const box = inProcess()
  const [file, other] = [join(box.home, FILES.bash), join(box.home, FILES.fish)]
  for (const each of [file, other]) mkdirSync(dirname(each), { recursive: true })
  writeFileSync(file, "# Completions of an older d, made by: d completions bash\n")
  writeFileSync(other, "# mine\n")
  expect(await box.ok("completions", "status")).toMatch(
    /bash: outdated .*\n.*not installed: .*\nfish: not made by d, and left alone: /
  )
  const refused = await box.d("completions", "install")
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("was not made by d") })
  expect(readFileSync(file, "utf8")).toContain("an older d")
  expect(await box.ok("completions", "install", "--shell", "bash")).toContain("bash: changed ")
  await box.ok("completions", "uninstall")
  expect(readFileSync(other, "utf8")).toBe("# mine\n")
})

it("takes the directories that the shells are told of, and says what is wrong", async () => {
  const home = inProcess()
  const data = join(home.home, "data")
  const box = home.with({ XDG_DATA_HOME: data, XDG_CONFIG_HOME: join(home.home, "config") })
  const { shells } = JSON.parse(await box.ok("completions", "install", "--json"))
  expect(shells.map(({ change, file }: { change: string; file: string }) => [change, file])).toEqual([
    ["made", join(data, "bash-completion/completions/d")],
    ["made", join(data, "zsh/site-functions/_d")],
    ["made", join(home.home, "config/fish/completions/d.fish")]
  ])
  expect(await box.d("completions", "install", "--shell", "tcsh")).toMatchObject({ code: 2, stdout: "" })
  expect(await box.d("completions", "status", "--dry-run")).toMatchObject({ code: 2, stdout: "" })
  expect(await box.d("completions", "bash", "--json")).toMatchObject({ code: 2, stdout: "" })
  expect(await box.with({ PATH: "/nowhere" }).d("completions", "install")).toMatchObject({ code: 2, stdout: "" })
})

it("prints texts that the shells can read", async () => {
  const box = inProcess()
  for (const shell of SHELLS)
    for (const command of ["completions", "shell"]) {
      const text = await box.ok(command, shell)
      const file = join(box.home, command)
      writeFileSync(file, text)
      const check = spawnSync(shell, ["-n", file], { encoding: "utf8" })
      expect(check, `${command} ${shell}`).toMatchObject({ status: 0, stderr: "" })
    }
})
