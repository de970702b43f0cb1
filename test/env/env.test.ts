import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { parse } from "dotenv"
import { describe, expect, it } from "vitest"
import { FRAMEWORKS } from "../../src/env/frameworks.ts"
import type { Machine } from "../support/cli.ts"
import { git, repository } from "../support/git.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "20600-20649", AUTOMATELINUX_SPECIAL_RANGE: "20650-20699" }

/** A project of that name, in a directory of its own. */
const project = (name = "cad", root = temporary(), more: object = {}): string => {
  writeFileSync(join(root, "package.json"), JSON.stringify({ name, ...more }))
  return root
}

/** Runs `d env` for a directory, with the file in it. */
const envIn = (box: Machine, root: string, ...words: ReadonlyArray<string>) =>
  box.d("env", "--dir", root, "--write", join(root, ".env"), ...words)

const fileIn = (root: string): string => readFileSync(join(root, ".env"), "utf8")

describe("d env", () => {
  it("prints the variables of the directory's app, and claims a pair", async () => {
    const box = inProcess(RANGES)
    const root = project("cad.fix-ui")
    const lines = [
      "PORT=20601",
      "CAD_FIX_UI_PROD_PORT=20600",
      "CAD_FIX_UI_DEV_PORT=20601",
      "D_KEY=cad.fix-ui-dev",
      `D_DIR=${root}`,
      "D_PORT=20601",
      "D_URL=http://localhost:20601",
      ""
    ]
    expect(await box.d("env", "--dir", root)).toEqual({ code: 0, stdout: lines.join("\n"), stderr: "" })
    expect(parse(await box.ok("env", "--dir", root, "--mode", "prod"))).toMatchObject({
      PORT: "20600",
      CAD_FIX_UI_DEV_PORT: "20601"
    })
    expect(await box.ok("env", "--dir", root, "--format", "shell")).toContain("export PORT='20601'\n")
    expect(JSON.parse(await box.ok("env", "--dir", root, "--format", "json"))).toEqual(parse(lines.join("\n")))
    expect(JSON.parse(await box.ok("env", "--dir", root, "--json"))).toEqual({
      key: "cad.fix-ui-dev",
      port: 20_601,
      app: "cad.fix-ui",
      variables: parse(lines.join("\n"))
    })
    expect(JSON.parse(await box.ok("explain", "--key", "cad.fix-ui-dev", "--json")).keys[0].owner.name).toBe(root)
  })

  it("adds the addresses of other keys, and leaves out a half that has no port", async () => {
    const box = inProcess(RANGES)
    const root = project()
    await box.ok("setPort", "--key", "cad-dev", "--value", "20611")
    await box.ok("allocate", "--app", "api", "--special", "redis")
    const words = ["--env", "API_URL=url:api-dev", "--env", "REDIS=port:redis", "--env", "WEB_PORT=port:{app}-dev"]
    const found = parse(await box.ok("env", "--dir", root, ...words))
    expect(found).toMatchObject({ API_URL: "http://localhost:20601", REDIS: "20650", WEB_PORT: "20611" })
    expect(found).not.toHaveProperty("CAD_PROD_PORT")
    expect(parse(await box.ok("env", "--dir", root, "--key", "redis"))).toMatchObject({
      PORT: "20650",
      REDIS_PORT: "20650",
      D_KEY: "redis"
    })
  })

  it("names the directory only if it may", async () => {
    const box = inProcess(RANGES)
    const root = project()
    await box.ok("env", "--dir", root, "--no-dir")
    await envIn(box, root, "--no-dir")
    await envIn(box, root)
    expect(fileIn(root)).toMatch(/^# >>> d env --no-dir >>>\n/)
    expect(JSON.parse(await box.ok("explain", "--key", "cad-dev", "--json")).keys[0].owner).toBeNull()
  })

  it("leaves out a directory that no quotes can hold, and says so", async () => {
    const box = inProcess(RANGES)
    const root = join(temporary(), 'it\'s "mine"')
    mkdirSync(root)
    project("cad", root)
    const run = await box.d("env", "--dir", root)
    expect(run.stdout).not.toContain("D_DIR")
    expect(run.stderr).toMatch(/^note: D_DIR is left out: dotenv has no quotes for ".*mine/)
    expect(JSON.parse(await box.ok("env", "--dir", root, "--json")).variables.D_DIR).toBe(root)
  })

  it.each<[ReadonlyArray<string>, number, string]>([
    [["--format", "yaml"], 2, 'error: format "yaml" is none: write one of dotenv, shell, json, compose, github\n'],
    [["--check"], 2, "error: Missing required arg: write\nhint: d env --write .env --check\n"],
    [["--remove"], 2, "error: Missing required arg: write\nhint: d env --write .env --remove\n"],
    [["--if-present"], 2, "error: Missing required arg: write\nhint: d env --write .env --if-present\n"],
    [["--write", ""], 2, 'error: write "" is empty: name a file\n'],
    [["--write", "x", "--format", "github"], 2, "error: format github is not kept in a file\n"],
    [["--write", "x", "--remove", "--check"], 2, "error: remove goes with no option but write\n"],
    [["--write", "no/x"], 2, 'error: cannot read "'],
    [["--write", "/dev/null"], 2, 'error: "/dev/null" is not a regular file\n'],
    [
      ["--key", "x", "--app", "y"],
      2,
      "error: app does not go with key: give key, or app and mode\nhint: d env --help\n"
    ],
    [["--env", "A"], 2, 'error: env "A" is not NAME=WHAT\n'],
    [["--env", "CAD_PROD_PORT=port:x"], 2, 'error: env "CAD_PROD_PORT=port:x" sets CAD_PROD_PORT, which d env sets'],
    [["--env", "A=port:nobody"], 1, "error: Port not set for nobody\n"],
    [["--dir", "/nonexistent"], 2, 'error: dir "/nonexistent" is not a directory that can be read\n']
  ])("refuses %j", async (words, code, said) => {
    const box = inProcess(RANGES)
    project("cad", box.home)
    const run = await box.d("env", ...words)
    expect(run).toMatchObject({ code, stdout: "" })
    expect(run.stderr).toContain(said)
    if (words.includes("A")) expect(await box.ok("listPorts", "--json")).toBe("[]\n")
  })
})

describe("d env --write", () => {
  it("keeps a block in a file, changes nothing if it is current, and takes it away", async () => {
    const box = inProcess(RANGES)
    const root = project()
    const text = '# mine\r\nPORT=3000\r\nA="x\r\nPORT=1"'
    writeFileSync(join(root, ".env"), text, { mode: 0o640 })
    expect(await envIn(box, root)).toEqual({ code: 0, stdout: `wrote ${root}/.env\n`, stderr: "" })
    expect(fileIn(root)).toMatch(/^# >>> d env >>>\r\n.*\r\nPORT=20601\r\n/)
    expect(fileIn(root)).toContain('\r\n# mine\r\n# replaced by d env: PORT=3000\r\nA="x\r\nPORT=1"')
    expect(statSync(join(root, ".env")).mode & 0o7777).toBe(0o640)
    utimesSync(join(root, ".env"), 1, 1)
    const { ino } = statSync(join(root, ".env"))
    expect(await envIn(box, root)).toMatchObject({ code: 0, stdout: `${root}/.env is up to date\n` })
    expect(await envIn(box, root, "--check")).toMatchObject({ code: 0, stdout: `${root}/.env is up to date\n` })
    expect(statSync(join(root, ".env"))).toMatchObject({ mtimeMs: 1000, ino })
    expect(await envIn(box, root, "--remove")).toMatchObject({
      code: 0,
      stdout: `removed the block from ${root}/.env\n`
    })
    expect(fileIn(root)).toBe(text)
    expect(await envIn(box, root, "--remove")).toMatchObject({
      code: 0,
      stdout: `${root}/.env has no block of d env\n`
    })
  })

  it("makes a file, and removes it again unless something was added", async () => {
    const box = inProcess(RANGES)
    const root = project()
    await envIn(box, root)
    expect(await envIn(box, root, "--remove")).toMatchObject({ code: 0, stdout: `removed ${root}/.env\n` })
    expect(existsSync(join(root, ".env"))).toBe(false)
    await envIn(box, root)
    writeFileSync(join(root, ".env"), `${fileIn(root)}A=1\n`)
    await envIn(box, root, "--remove")
    expect(fileIn(root)).toBe("A=1\n")
    writeFileSync(join(root, ".env"), "")
    await envIn(box, root)
    await envIn(box, root, "--remove")
    expect(fileIn(root)).toBe("")
  })

  it("remembers its options, which others replace", async () => {
    const box = inProcess(RANGES)
    const root = project()
    await box.ok("allocate", "--app", "api")
    await envIn(box, root, "--mode", "prod", "--env", "API=url:api-dev")
    expect(parse(fileIn(root))).toMatchObject({ PORT: "20602", API: "http://localhost:20601" })
    await box.ok("setPort", "--key", "api-dev", "--value", "20620")
    expect(await envIn(box, root, "--check", "--json")).toMatchObject({
      code: 1,
      stdout: `{"file":"${root}/.env","state":"outdated"}\n`
    })
    expect((await envIn(box, root)).code).toBe(0)
    expect(parse(fileIn(root))).toMatchObject({ PORT: "20602", API: "http://localhost:20620" })
    await envIn(box, root, "--format", "dotenv")
    expect(parse(fileIn(root))).toMatchObject({ PORT: "20603" })
    expect(fileIn(root)).not.toContain("API")
    writeFileSync(join(root, ".env"), fileIn(root).replace("--format=dotenv", "--remove"))
    expect(await envIn(box, root)).toMatchObject({ code: 2, stdout: "" })
  })

  it("checks without a claim, and without a change", async () => {
    const box = inProcess(RANGES)
    const root = project()
    expect(await envIn(box, root, "--check")).toEqual({
      code: 1,
      stdout: `${root}/.env is out of date\n`,
      stderr: "note: Port not set for cad-dev\n"
    })
    expect(await box.ok("listPorts", "--json")).toBe("[]\n")
    expect(existsSync(join(root, ".env"))).toBe(false)
    await box.ok("claim", "--dir", root)
    expect(await envIn(box, root, "--check")).toMatchObject({ code: 1, stderr: "" })
    await envIn(box, root)
    writeFileSync(join(root, ".env"), `${fileIn(root)}PORT=1\n`)
    expect(await envIn(box, root, "--check")).toMatchObject({ code: 1 })
  })

  it("does nothing at all without a block, if that is asked for", async () => {
    const box = inProcess(RANGES)
    const root = project()
    expect(await envIn(box, root, "--if-present")).toEqual({ code: 0, stdout: "", stderr: "" })
    writeFileSync(join(root, ".env"), "PORT=1\n")
    expect(await envIn(box, root, "--if-present", "--check")).toEqual({ code: 0, stdout: "", stderr: "" })
    expect(await box.ok("listPorts", "--json")).toBe("[]\n")
    expect(fileIn(root)).toBe("PORT=1\n")
    await envIn(box, root)
    expect(await envIn(box, root, "--if-present")).toMatchObject({ stdout: `${root}/.env is up to date\n` })
  })

  it("names the line of a damaged mark, before anything is claimed", async () => {
    const box = inProcess(RANGES)
    const root = project()
    writeFileSync(join(root, ".env"), "A=1\n# <<< d env <<<\n")
    for (const words of [[], ["--check"], ["--remove"], ["--if-present"]]) {
      const run = await envIn(box, root, ...words)
      expect(run).toMatchObject({ code: 2, stdout: "" })
      expect(run.stderr).toContain(`error: "${root}/.env", line 2: a block ends that does not begin\nhint: `)
    }
    expect(await box.ok("listPorts", "--json")).toBe("[]\n")
    writeFileSync(join(root, ".env"), Buffer.from("\ufeffA=1\n", "utf16le"))
    expect((await envIn(box, root)).stderr).toContain("is not a text file, or is UTF-16\n")
  })

  it("keeps the bytes of a file that is not UTF-8", async () => {
    const box = inProcess(RANGES)
    const root = join(temporary(), "é dir")
    mkdirSync(root)
    project("cad", root)
    const bytes = Buffer.from("A=\xe9\xff\nPORT=1\n", "latin1")
    writeFileSync(join(root, ".env"), bytes)
    expect((await envIn(box, root)).stderr).toBe("")
    expect(readFileSync(join(root, ".env")).includes(Buffer.from(`D_DIR='${root}'`))).toBe(true)
    await envIn(box, root, "--remove")
    expect(readFileSync(join(root, ".env"))).toEqual(bytes)
  })

  it("follows links inside of the project, and refuses others and hard links", async () => {
    const box = inProcess(RANGES)
    const [root, other] = [project(), project("other")]
    mkdirSync(join(root, "config"))
    writeFileSync(join(root, "config/env"), "A=1\n")
    symlinkSync("config/env", join(root, ".env"))
    expect((await envIn(box, root)).code).toBe(0)
    expect(readlinkSync(join(root, ".env"))).toBe("config/env")
    expect(lstatSync(join(root, "config/env")).isFile()).toBe(true)
    expect(parse(fileIn(root))).toMatchObject({ A: "1", PORT: "20601" })
    writeFileSync(join(other, ".env"), "A=2\n")
    symlinkSync(join(other, ".env"), join(root, ".env.other"))
    symlinkSync(other, join(root, "theirs"))
    for (const name of [".env.other", "theirs/.env"]) {
      const run = await box.d("env", "--dir", root, "--write", join(root, name))
      expect(run).toMatchObject({ code: 2, stdout: "" })
      expect(run.stderr).toContain(`is a link to "${other}/.env", which belongs to another directory: ${other}\n`)
    }
    symlinkSync("missing", join(root, ".env.new"))
    await box.ok("env", "--dir", root, "--write", join(root, ".env.new"))
    expect(lstatSync(join(root, "missing")).isFile()).toBe(true)
    linkSync(join(other, ".env"), join(root, "hard"))
    expect((await box.d("env", "--dir", root, "--write", join(root, "hard"))).stderr).toContain(
      "has 2 names (hard links)"
    )
    expect(readFileSync(join(other, ".env"), "utf8")).toBe("A=2\n")
  })

  it("gives a worktree its own ports, refuses its link to the main one's file, and refreshes a copy", async () => {
    const box = inProcess(RANGES)
    const main = repository()
    project("cad", main)
    const tree = join(temporary(), "fix")
    git(main, "worktree", "add", "-q", "-b", "fix", tree)
    project("cad", tree)
    await envIn(box, main, "--env", "WEB_PORT=port:{app}-prod")
    symlinkSync(join(main, ".env"), join(tree, ".env"))
    expect((await envIn(box, tree)).stderr).toContain(`which belongs to another directory: ${main}\n`)
    writeFileSync(join(tree, ".env.local"), fileIn(main))
    await box.ok("env", "--dir", tree, "--write", join(tree, ".env.local"), "--if-present")
    expect(parse(readFileSync(join(tree, ".env.local")))).toMatchObject({
      PORT: "20603",
      CAD_FIX_DEV_PORT: "20603",
      WEB_PORT: "20602",
      D_DIR: tree
    })
    expect(parse(fileIn(main))).toMatchObject({ PORT: "20601", WEB_PORT: "20600" })
  })

  it("changes nothing but the block of a script, and says what comes after it", async () => {
    const box = inProcess(RANGES)
    const root = project()
    const text = "if true; then\n  PORT=1\nfi\n"
    writeFileSync(join(root, ".env"), text)
    const run = await envIn(box, root, "--format", "shell")
    expect(run.stderr).toBe(`warning: ${root}/.env also sets PORT outside of the block; the last line counts\n`)
    expect(fileIn(root).endsWith(`\n${text}`)).toBe(true)
    expect(fileIn(root)).toContain("\nexport PORT='20601'\n")
  })

  it("says if Node and dotenv read the file differently", async () => {
    const box = inProcess(RANGES)
    const root = project()
    writeFileSync(join(root, ".env"), 'A="x\\"\nPORT=3\n"\n')
    expect((await envIn(box, root)).stderr).toMatch(/^warning: some readers take another value of PORT from /)
  })

  it.each([
    [
      { devDependencies: { vite: "1" } },
      "note: Vite itself takes its port from no file; to start it on its port: d run vite\n"
    ],
    [
      { dependencies: { next: "1", vite: "1" } },
      "note: Next.js itself takes its port from no file; to start it on its port: d run next dev\n"
    ],
    [
      { dependencies: { astro: "1" } },
      "note: Astro itself takes its port from no file; to start it on its port: d run astro dev\n"
    ],
    [{ dependencies: { "react-scripts": "1" } }, ""],
    [{}, ""]
  ])("says which files count for %j", async (dependencies, said) => {
    const box = inProcess(RANGES)
    const root = project("cad", temporary(), dependencies)
    expect((await envIn(box, root)).stderr).toBe(said)
    expect((await envIn(box, root)).stderr).toBe("")
    const other = await box.d("env", "--dir", root, "--write", join(root, "ports.env"))
    if ("dependencies" in dependencies && "react-scripts" in dependencies.dependencies)
      expect(other.stderr).toMatch(/^note: Create React App reads .*, and not ports.env\n$/)
  })
})

it("has every framework in its page", () => {
  const page = readFileSync("docs/env.md", "utf8")
  for (const { files, name, start } of FRAMEWORKS) {
    const row = page.split("\n").find((line) => line.startsWith(`| ${name} |`)) ?? ""
    for (const each of [...files, start]) expect(row, name).toContain(`\`${each}\``)
  }
})

describe("d env --format compose", () => {
  it("names the project as docker compose does, unless it has a name", async () => {
    const box = inProcess(RANGES)
    const root = join(temporary(), "My.App")
    mkdirSync(root)
    project("cad", root)
    writeFileSync(join(root, "compose.yaml"), "services: {}\n")
    expect((await envIn(box, root, "--format", "compose")).stderr).toBe("")
    expect(parse(fileIn(root))).toMatchObject({ COMPOSE_PROJECT_NAME: "myapp", PORT: "20601" })
    writeFileSync(join(root, "compose.yaml"), "name: shop\nservices: {}\n")
    await envIn(box, root)
    expect(parse(fileIn(root))).not.toHaveProperty("COMPOSE_PROJECT_NAME")
    writeFileSync(join(root, "compose.yaml"), "services: {}\n")
    writeFileSync(join(root, ".env"), `${fileIn(root)}COMPOSE_PROJECT_NAME=mine\n`)
    await envIn(box, root)
    expect(parse(fileIn(root))).toMatchObject({ COMPOSE_PROJECT_NAME: "mine" })
  })

  it("keeps worktrees apart", async () => {
    const box = inProcess(RANGES)
    const main = join(temporary(), "cad")
    mkdirSync(main)
    git(main, "init", "-q")
    git(main, "commit", "-q", "--allow-empty", "-m", "first")
    const [beside, same] = [join(temporary(), "cad-two"), join(temporary(), "cad")]
    git(main, "worktree", "add", "-q", "-b", "two", beside)
    git(main, "worktree", "add", "-q", "-b", "fix/ui", same)
    const nameIn = async (root: string) =>
      parse(await box.ok("env", "--dir", root, "--format", "compose"))["COMPOSE_PROJECT_NAME"]
    expect(await nameIn(main)).toBe("cad")
    expect(await nameIn(beside)).toBe("cad-two")
    expect(await nameIn(same)).toBe("cadfix-ui")
    writeFileSync(join(same, "compose.yaml"), "name: cad\n")
    const run = await box.d("env", "--dir", same, "--format", "compose")
    expect(run.stderr).toMatch(/^note: the compose file names its project, so that all worktrees share its containers;/)
  })
})
