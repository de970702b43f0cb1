import { copyFileSync, cpSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { copyOfProgram, type Machine, machine, startDaemon } from "../support/cli.ts"
import { temporary } from "../support/root.ts"
import { withSqlite } from "../support/sqlite.ts"

const RANGE = { AUTOMATELINUX_APP_RANGE: "24400-24499", AUTOMATELINUX_SPECIAL_RANGE: "24500-24599" }

/** The same machine with a Node that has no SQLite of its own. */
const withoutBuiltIn = (box: Machine): Machine => {
  const script = join(temporary(), "hide.cjs")
  writeFileSync(
    script,
    `const get = process.getBuiltinModule
     process.getBuiltinModule = (name) => (name === "node:sqlite" ? undefined : get?.(name))`
  )
  return box.with({ NODE_OPTIONS: `--require=${script}` })
}

it("reads and writes one registry with the driver of this Node and with the prebuilt one", async () => {
  const box = machine(RANGE)
  const other = withoutBuiltIn(box)
  const runs = await Promise.all(
    Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? box : other).d("allocate", "--app", `a${index}`))
  )
  expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(runs.map(() => [0, ""]))
  const ports = runs.map(({ stdout }) => Number(/prod (\d+)/.exec(stdout)?.[1]))
  expect(ports.sort()).toEqual(Array.from({ length: 10 }, (_, index) => 24_400 + 2 * index))
  expect(await box.ok("listPorts")).toBe(await other.ok("listPorts"))
})

it("tells a driver that cannot be loaded from a file that cannot be opened, and proposes no other registry", async () => {
  const program = copyOfProgram()
  rmSync(join(dirname(program), "sqlite-1.2.1/prebuilds"), { recursive: true })
  const run = await withoutBuiltIn(machine(RANGE)).sh(`${process.execPath} ${program} allocate --app a`)
  expect([run.code, run.stdout]).toEqual([3, ""])
  expect(run.stderr).toMatch(
    /^error: cannot use the registry's file \/\S+: Node v\S+ has no SQLite, and the driver that comes with d cannot be loaded: .*\nhint: run d with Node 22.13 or newer, or install d again\n$/
  )
})

describe.each([
  ["the driver of this Node", (box: Machine) => box],
  ["the prebuilt driver", withoutBuiltIn]
])("with %s", (_, on) => {
  const served = async () => {
    const box = on(machine({ ...RANGE, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" }))
    const file = join(box.home, ".local/state/automatelinux/ports.sqlite")
    return { box, daemon: await startDaemon(box), file }
  }
  const wal = (file: string) => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0

  it("a daemon that is stopped, and a command that fails, leave everything in the database itself", async () => {
    const { box, daemon, file } = await served()
    for (const app of ["a", "b", "c"]) await box.ok("allocate", "--app", app)
    expect(await daemon.stop()).toBe(0)
    expect(wal(file)).toBe(0)
    expect(await box.d("getPort", "--key", "none")).toMatchObject({ code: 1 })
    expect(wal(file)).toBe(0)
    copyFileSync(file, `${file}.copy`)
    const copy = box.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${file}.copy` })
    expect(await copy.ok("getPort", "--key", "c-dev")).toBe("24405\n")
  })

  it("a daemon whose tables are removed begins anew only if all of them are", async () => {
    const { box, file } = await served()
    await box.ok("allocate", "--app", "a")
    expect(await box.ok("getPort", "--key", "a-dev")).toBe("24401\n")
    const drop = (condition: string) =>
      withSqlite(file, (database) => {
        const tables = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND ${condition}`).all()
        for (const { name } of tables as ReadonlyArray<{ name: string }>) database.exec(`DROP TABLE ${name}`)
      })
    drop("name = 'settings'")
    for (const words of [
      ["getPort", "--key", "a-dev"],
      ["allocate", "--app", "b"]
    ]) {
      const run = await box.d(...words)
      expect([run.code, run.stdout]).toEqual([3, ""])
      expect(run.stderr).toContain(": settings is missing from it")
    }
    drop("name NOT LIKE 'sqlite%'")
    expect(await box.d("getPort", "--key", "a-dev")).toMatchObject({ code: 1, stdout: "" })
    expect(await box.ok("allocate", "--app", "b")).toContain("b-prod 24400")
  })
})

it("needs no driver where a server is the registry", async () => {
  const program = copyOfProgram()
  rmSync(join(dirname(program), "sqlite-1.2.1"), { recursive: true })
  const box = withoutBuiltIn(machine({ ...RANGE, AUTOMATELINUX_DATABASE_URL: "mysql://nobody@127.0.0.1:1/none" }))
  const run = await box.sh(`${process.execPath} ${program} listPorts`)
  expect(run.stderr).toContain("nothing listens there")
})

it("prints no warning of Node's about its SQLite", async () => {
  const run = await machine({ ...RANGE, NODE_OPTIONS: "--trace-warnings" }).d("listPorts")
  expect(run).toEqual({ code: 0, stdout: expect.stringMatching(/^KEY/), stderr: "" })
})

it("refuses a Node that is too old in one sentence, before it reads the rest", async () => {
  const directory = temporary()
  cpSync("dist/d.cjs", join(directory, "d.cjs"))
  const script = join(directory, "old.cjs")
  writeFileSync(
    script,
    `Object.defineProperty(process, "version", { value: "v18.20.8" })
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.8" } })`
  )
  const run = await machine().sh(`${process.execPath} --require=${script} ${directory}/d.cjs getPort --key a`)
  expect(run).toEqual({
    code: 3,
    stdout: "",
    stderr:
      "error: d needs Node 20.19 or newer, and this is v18.20.8\nhint: node --version shows which Node your PATH has\n"
  })
})
