import type { ChildProcess } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { type Machine, machine, PROGRAM } from "../support/cli.ts"
import { asNobody, asUser, isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"
import { holdSqlite, openSqlite, withSqlite } from "../support/sqlite.ts"

const RANGE = { AUTOMATELINUX_APP_RANGE: "24000-24099", AUTOMATELINUX_SPECIAL_RANGE: "24100-24199" }

const at = (path: string) => machine({ ...RANGE, AUTOMATELINUX_DATABASE_URL: `sqlite:${path}` })

/** Another process that holds the file locked, until the test is over. */
const lock = (path: string): Promise<ChildProcess> =>
  holdSqlite(path, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")

const expectTrouble = (run: { code: number | null; stdout: string; stderr: string }, reason: RegExp) => {
  expect([run.code, run.stdout]).toEqual([3, ""])
  expect(run.stderr).toMatch(reason)
  expect(run.stderr).toMatch(/^error: cannot use the registry's file \/.*\nhint: .*\n$/)
}

/** Runs `d` on a disk that says of what it was told to keep that it cannot, for as many calls as `when` says. */
const onBadDisk = (box: Machine, when: string, words: string) =>
  box.sh(
    `strace -f -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:error=EIO${when} ${process.execPath} ${PROGRAM} ${words}`
  )

describe("a disk that does not say that it has what was written", () => {
  const used = async () => {
    const path = join(temporary(), "ports.sqlite")
    const box = at(path)
    await box.ok("allocate", "--app", "a")
    return { box, path }
  }

  it("and then says so: the change is made once", async () => {
    const { box, path } = await used()
    const run = await onBadDisk(box, ":when=1..20", "allocate --app b")
    expect(run).toEqual({ code: 0, stdout: "b-prod 24002\nb-dev 24003\n", stderr: "" })
    const rows = withSqlite(path, (database) =>
      database.prepare("SELECT key FROM port_history WHERE what = 'allocate' ORDER BY key").all()
    )
    expect(rows.map((row) => (row as { key: string }).key)).toEqual(["a-dev", "a-prod", "b-dev", "b-prod"])
  })

  it("and never does: nobody is told that nothing was done", async () => {
    const { box } = await used()
    const run = await onBadDisk(box.with({ AUTOMATELINUX_DATABASE_TIMEOUT: "1 second" }), "", "allocate --app b")
    expect(run).toMatchObject({
      code: 3,
      stdout: "",
      stderr: expect.stringContaining("cannot tell whether the change was made")
    })
    expect(await box.ok("allocate", "--app", "b")).toBe("b-prod 24002\nb-dev 24003\n")
  })
})

describe("trouble with the file", () => {
  it("cannot be made in a directory that cannot be written", async () => {
    const directory = temporary()
    chmodSync(directory, 0o555)
    expectTrouble(
      await asNobody(
        { ...RANGE, AUTOMATELINUX_DATABASE_URL: `sqlite:${join(directory, "ports.sqlite")}` },
        "allocate",
        "--app",
        "a"
      ),
      /permission denied for/
    )
  })

  it("belongs to a user whom the system does not know", async () => {
    const directory = temporary()
    chmodSync(directory, 0o555)
    const env = { ...RANGE, AUTOMATELINUX_DATABASE_URL: `sqlite:${join(directory, "ports.sqlite")}` }
    expectTrouble(
      await asUser(54_321, env, "allocate", "--app", "a"),
      isRoot ? /permission denied for uid 54321/ : /permission denied/
    )
    const free = temporary()
    chmodSync(free, 0o777)
    const run = await asUser(54_321, { ...RANGE, HOME: free }, "allocate", "--app", "a")
    expect(run).toEqual({ code: 0, stdout: "a-prod 24000\na-dev 24001\n", stderr: "" })
  })

  it("cannot be made below a file", async () => {
    const file = join(temporary(), "file")
    writeFileSync(file, "")
    expectTrouble(await at(join(file, "ports.sqlite")).d("listPorts"), /part of its path is a file/)
  })

  it("cannot be made where the system has no such directories", async () => {
    expectTrouble(await at("/proc/made/ports.sqlite").d("allocate", "--app", "a"), /its directory does not exist/)
  })

  it("is no SQLite database, and stays as it is", async () => {
    const file = join(temporary(), "notes.txt")
    writeFileSync(file, "these are my notes, and they are longer than a header of SQLite would be\n".repeat(20))
    const before = readFileSync(file)
    expectTrouble(await at(file).d("allocate", "--app", "a"), /it is not an SQLite database/)
    expect(readFileSync(file)).toEqual(before)
  })

  it("is a link to a disk that is not mounted: it may have the registry", async () => {
    const directory = temporary()
    symlinkSync(join(directory, "disk"), join(directory, "link"))
    for (const words of [["getPort", "--key", "a"], ["listPorts"], ["allocate", "--app", "a"]])
      for (const file of [join(directory, "link"), join(directory, "link/ports.sqlite")])
        expectTrouble(await at(file).d(...words), /link is a link to something that does not exist\n/)
  })

  it("is a directory", async () => {
    expectTrouble(await at(temporary()).d("getPort", "--key", "a"), /it is a directory/)
  })

  it("belongs to another user", async () => {
    const directory = temporary()
    chmodSync(directory, 0o755)
    const file = join(directory, "ports.sqlite")
    await at(file).ok("allocate", "--app", "a")
    chmodSync(file, isRoot ? 0o600 : 0o000)
    expectTrouble(
      await asNobody({ ...RANGE, AUTOMATELINUX_DATABASE_URL: `sqlite:${file}` }, "getPort", "--key", "a-dev"),
      /permission denied for/
    )
  })

  it("is locked by another process: given up within a few seconds", async () => {
    const file = join(temporary(), "ports.sqlite")
    await at(file).ok("allocate", "--app", "a")
    await lock(file)
    const started = Date.now()
    expectTrouble(await at(file).d("allocate", "--app", "b"), /it is locked by another program/)
    expect(Date.now() - started).toBeLessThan(9_000)
  })

  it("is locked for a moment: waited for", async () => {
    const file = join(temporary(), "ports.sqlite")
    await at(file).ok("allocate", "--app", "a")
    const holder = await lock(file)
    setTimeout(() => holder.kill("SIGKILL"), 1500)
    expect(await at(file).ok("allocate", "--app", "b")).toContain("b-prod 24002")
  })

  it("has a table of that name with another shape", async () => {
    const file = join(temporary(), "ports.sqlite")
    const db = openSqlite(file)
    db.exec("CREATE TABLE settings (name TEXT, number INTEGER)")
    db.close()
    expectTrouble(await at(file).d("allocate", "--app", "a"), /one of its tables has no column setting_key/)
    const tables = withSqlite(file, (each) => each.prepare("SELECT name FROM sqlite_master").all())
    expect(tables).toEqual([{ name: "settings" }])
  })

  it("has values that are not equal to their own text: said at once, and nothing is changed", async () => {
    const file = join(temporary(), "ports.sqlite")
    const db = openSqlite(file)
    db.exec("CREATE TABLE settings (setting_key TEXT PRIMARY KEY, setting_value)")
    db.exec("INSERT INTO settings VALUES ('port_odd', 24050)")
    expect(await at(file).ok("getPort", "--key", "odd")).toBe("24050\n")
    const started = Date.now()
    expectTrouble(
      await at(file).d("setPort", "--key", "odd", "--value", "24060"),
      /the row of odd \("24050"\) keeps changing, or is not stored as text/
    )
    expect(Date.now() - started).toBeLessThan(4000)
    expect(await at(file).ok("setPort", "--key", "even", "--value", "24060")).toContain("24060")
    const values = db.prepare("SELECT setting_value AS value FROM settings ORDER BY setting_key").all()
    expect(values).toEqual([{ value: "24060" }, { value: 24_050 }])
    db.close()
  })

  it("loses a table under a program, and does not begin anew what it held", async () => {
    const file = join(temporary(), "ports.sqlite")
    await at(file).ok("allocate", "--app", "a")
    const db = openSqlite(file)
    db.exec("DROP TABLE port_claims")
    db.close()
    const run = await at(file).d("allocate", "--app", "b")
    expectTrouble(run, /port_claims is missing from it/)
    expect(run.stderr).toContain("d doctor --fix creates empty tables")
    expect(await at(file).ok("getPort", "--key", "a-dev")).toBe("24001\n")
    await at(file).d("doctor", "--fix")
    expect(await at(file).ok("allocate", "--app", "b")).toContain("b-prod 24002")
  })
})

describe("the file", () => {
  it.each(["000", "077"])("is its owner's alone under umask %s, and so is all beside it", async (umask) => {
    const box = machine(RANGE)
    const { code } = await box.sh(`umask ${umask}; d allocate --app a`)
    expect(code).toBe(0)
    const directory = join(box.home, ".local/state/automatelinux")
    const mode = (path: string) => statSync(path).mode & 0o777
    expect(mode(directory)).toBe(0o700)
    // While somebody has it open, SQLite keeps two more files beside it.
    const db = openSqlite(join(directory, "ports.sqlite"))
    onTestFinished(() => void db.close())
    db.prepare("SELECT * FROM settings").all()
    expect(await box.ok("getPort", "--key", "a-dev")).toBe("24001\n")
    expect(existsSync(join(directory, "ports.sqlite-wal"))).toBe(true)
    for (const suffix of ["", "-wal", "-shm"]) expect(mode(join(directory, `ports.sqlite${suffix}`))).toBe(0o600)
  })

  it("is where XDG_STATE_HOME says, unless that is relative", async () => {
    const state = temporary()
    await machine({ ...RANGE, XDG_STATE_HOME: state }).ok("allocate", "--app", "a")
    expect(existsSync(join(state, "automatelinux/ports.sqlite"))).toBe(true)
    const box = machine({ ...RANGE, XDG_STATE_HOME: "here" })
    await box.ok("allocate", "--app", "a")
    expect(existsSync(join(box.home, ".local/state/automatelinux/ports.sqlite"))).toBe(true)
  })

  it("may lie in a directory that is there already, whose mode is its owner's business", async () => {
    const directory = join(temporary(), "shared")
    mkdirSync(directory, { mode: 0o755 })
    if (isRoot) chownSync(directory, 0, 0)
    await at(join(directory, "ports.sqlite")).ok("allocate", "--app", "a")
    expect(statSync(directory).mode & 0o777).toBe(0o755)
  })
})
