import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { machine, startDaemon } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { rangesFrom } from "../support/doctor.ts"
import { git, repository } from "../support/git.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"
import { Talker } from "../support/socketClient.ts"

const RANGES = rangesFrom(29_100)

/** A project of that name, in a directory of its own. */
const project = (name: string, root = temporary()): string => {
  writeFileSync(join(root, "package.json"), JSON.stringify({ name }))
  return root
}

describe.each([sqlite, mariadb])("claim on $name", (database) => {
  it("gives a directory its app's port, again and again", async () => {
    const box = inProcess({ ...RANGES, ...(await database.fresh()) })
    const cad = project("cad")
    const first = await box.d("claim", "--dir", cad)
    expect(first).toEqual({ code: 0, stdout: "29101\n", stderr: "" })
    mkdirSync(join(cad, "src"))
    expect(await box.ok("claim", "--dir", join(cad, "src"), "--mode", "prod")).toBe("29100\n")
    expect(JSON.parse(await box.ok("claim", "--dir", cad, "--json"))).toEqual({
      key: "cad-dev",
      port: 29_101,
      app: "cad",
      created: false,
      inUse: false
    })
    expect(await box.ok("url", "--dir", cad)).toBe("http://localhost:29101\n")
    // It is found by its directory, whatever it is called.
    project("cad-two", cad)
    expect(await box.ok("claim", "--dir", cad)).toBe("29101\n")
    expect(await box.ok("getPort", "--key", "cad-dev")).toBe("29101\n")
    expect(JSON.parse(await box.ok("explain", "--key", "cad-dev", "--json")).keys[0].owner).toMatchObject({
      kind: "directory",
      name: cad,
      said: true
    })
  })

  it("gives another directory of the same name an app of its own, and says so", async () => {
    const box = inProcess({ ...RANGES, ...(await database.fresh()) })
    const [one, two] = [project("cad"), project("cad")]
    await box.ok("claim", "--dir", one)
    const other = await box.d("claim", "--dir", two)
    const name = `cad-${basename(two)}`
    expect(other).toMatchObject({ code: 0, stdout: "29103\n" })
    expect(other.stderr).toBe(`note: cad is the app of another directory, so this one's is ${name}\n`)
    expect(await box.d("claim", "--dir", two)).toMatchObject({ stdout: "29103\n", stderr: "" })
    expect(await box.ok("claim", "--dir", one)).toBe("29101\n")
    const refused = await box.d("claim", "--app", "cad", "--dir", two)
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toBe(
      `error: cad belongs to ${one}, not to ${two}\nhint: without --app and --key, this directory has an app of its own; if cad has moved here: d allocate --app cad --dir ${two}\n`
    )
    expect(await box.d("claim", "--key", "cad-dev", "--dir", two)).toMatchObject({ code: 1, stdout: "" })
    // A special may be run anywhere, and stays its own.
    await box.ok("claim", "--key", "socket", "--dir", one)
    await box.ok("claim", "--key", "socket", "--dir", two)
    expect(JSON.parse(await box.ok("explain", "--key", "socket", "--json")).keys[0].owner.name).toBe(one)
    // A directory that is gone holds nothing back.
    rmSync(one, { recursive: true })
    expect(await box.ok("claim", "--app", "cad", "--dir", two)).toBe("29101\n")
  })

  it("claims a special by its key, and half a pair that is there", async () => {
    const box = inProcess({ ...RANGES, ...(await database.fresh()) })
    const cad = project("cad")
    expect(await box.ok("claim", "--key", "cad-socket", "--dir", cad)).toBe("29200\n")
    expect(await box.ok("claim", "cad-socket", "--dir", cad)).toBe("29200\n")
    await box.ok("setPort", "--key", "cad-prod", "--value", "29110")
    expect(await box.ok("claim", "--dir", cad)).toBe("29111\n")
    await box.ok("setPort", "--key", "pt-dev", "--value", "8080")
    expect(await box.ok("claim", "--app", "pt", "--no-dir", "--dir", cad)).toBe("8080\n")
    expect(JSON.parse(await box.ok("explain", "--key", "pt-dev", "--json")).keys[0].owner).toBeNull()
    const blocked = await box.d("claim", "--app", "pt", "--mode", "prod", "--dir", cad)
    expect(blocked).toMatchObject({ code: 1, stdout: "" })
  })
})

it("gives twenty directories that ask at once a port each", async () => {
  const box = inProcess(RANGES)
  await startDaemon(box)
  const directories = Array.from({ length: 20 }, () => project("app"))
  const ports = await Promise.all(directories.map((directory) => box.ok("claim", "--dir", directory)))
  expect(new Set(ports).size).toBe(20)
  expect(await Promise.all(directories.map((directory) => box.ok("claim", "--dir", directory)))).toEqual(ports)
})

it("tells a client without a handshake what stands, and changes nothing for it", async () => {
  const box = machine(RANGES)
  await startDaemon(box)
  const talker = new Talker(box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "")
  onTestFinished(() => talker.close())
  const cad = project("cad")
  const claim = { command: "claim", format: "json", directory: cad, suggested: ["cad"], standing: true }
  const ask = async () => JSON.parse(await talker.say(Buffer.from(JSON.stringify(claim))))
  const before = await box.ok("listPorts")
  expect(await ask()).toMatchObject({ ok: false })
  expect(await box.ok("listPorts")).toBe(before)
  // It has a port, and still it is to become this directory's.
  await box.ok("allocate", "--app", "cad", "--no-dir")
  expect(await ask()).toMatchObject({ ok: false })
  await box.ok("claim", "--dir", cad)
  expect(await ask()).toMatchObject({
    ok: true,
    result: { key: "cad-dev", port: 29_101, inUse: false }
  })
})

it("gives each worktree a pair of its own", async () => {
  const box = inProcess(RANGES)
  const main = repository()
  project("cad", main)
  git(main, "add", ".")
  git(main, "commit", "-q", "-m", "second")
  const nested = join(main, ".worktrees/one")
  git(main, "worktree", "add", "-q", "-b", "fix/one", nested)
  expect(await box.ok("claim", "--dir", main)).toBe("29101\n")
  expect(await box.ok("claim", "--dir", nested)).toBe("29103\n")
  expect(await box.ok("getPort", "--key", "cad.fix-one-dev")).toBe("29103\n")
  git(nested, "branch", "-m", "another")
  expect(await box.ok("claim", "--dir", nested)).toBe("29103\n")
})

it.each<[ReadonlyArray<string>, number, string]>([
  [["claim", "--dir", "/nonexistent"], 2, 'error: dir "/nonexistent" is not a directory that can be read\n'],
  [["claim", "--key", "x", "--app", "y"], 2, "error: app does not go with key: give key, or app and mode\n"],
  [["claim", "--key", "x", "--mode", "dev"], 2, "error: mode does not go with key: give key, or app and mode\n"],
  [["claim", "--mode", "test"], 2, 'error: mode "test" is not a mode: write prod or dev\n'],
  [["url"], 1, "error: Port not set for "],
  [["url", "--key", "nobody"], 1, "error: Port not set for nobody\n"],
  [["check", "--key", "nobody"], 1, "error: Port not set for nobody\n"]
])("d %j", async (words, code, said) => {
  const box = inProcess(RANGES)
  const run = await box.d(...words)
  expect(run).toMatchObject({ code, stdout: "" })
  expect(run.stderr.startsWith(said), run.stderr).toBe(true)
})

it.each([
  [[], "http://localhost:29101\n"],
  [["--https"], "https://localhost:29101\n"],
  [["--path", "/a?b=c"], "http://localhost:29101/a?b=c\n"],
  [["--path", "a"], "http://localhost:29101/a\n"]
])("prints a URL with %j", async (words, url) => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  expect(await box.ok("url", "--key", "cad-dev", ...words)).toBe(url)
})
