import { execFileSync, spawn } from "node:child_process"
import { chmodSync, chownSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { type Machine, machine, PROGRAM, type Run, startDaemon } from "../support/cli.ts"
import { until } from "../support/doctor.ts"
import { asNobody, isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"
import { inSandbox, readOnly, refusing } from "../support/sandbox.ts"
import { holdSqlite } from "../support/sqlite.ts"
import { ALICE, directoryOf, user } from "../support/users.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "29600-29699", AUTOMATELINUX_SPECIAL_RANGE: "29700-29799" }
const ALONE = { ...RANGES, AUTOMATELINUX_DAEMON: "never" }

const fileOf = (box: Machine): string => join(box.home, ".local/state/automatelinux/ports.sqlite")

const used = async (env: Readonly<Record<string, string>> = ALONE): Promise<Machine> => {
  const box = machine(env)
  await box.ok("allocate", "--app", "cad")
  return box
}

/** Everything in a directory, with its content. */
const contentOf = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) => {
    const path = join(directory, name)
    return [name, statSync(path).isFile() ? readFileSync(path, "latin1") : ""]
  })

const QUESTIONS: ReadonlyArray<readonly [string, RegExp]> = [
  ["getPort --key cad-dev", /^29601\n$/],
  ["listPorts", /^KEY .*\ncad-prod +29600 .*\ncad-dev +29601 /],
  ["explain cad-dev", /^port +29601\n/],
  ["allocate --app new --dry-run", /^new-prod 29602\nnew-dev 29603\n$/],
  // What is there already is claimed by nothing being written.
  ["allocate --app cad", /^cad-prod 29600\ncad-dev 29601\n$/]
]

const expectReadOnly = (run: Run, file: string, reason: string) => {
  expect([run.code, run.stdout]).toEqual([3, ""])
  expect(run.stderr).toMatch(/^error: .*\nhint: .*\n$/)
  expect(run.stderr).toContain(`error: the registry's file ${file} can only be read: ${reason}`)
}

describe.skipIf(!isRoot)("a home that cannot be written", () => {
  it.each(QUESTIONS)("answers %s, and stays as it is", async (words, answer) => {
    const box = await used()
    const state = dirname(fileOf(box))
    const before = contentOf(state)
    const run = await readOnly(box, box.home, `d ${words}`)
    expect(run).toEqual({ code: 0, stdout: expect.stringMatching(answer), stderr: "" })
    expect(contentOf(state)).toEqual(before)
  })

  it("can be backed up from", async () => {
    const box = await used()
    const copy = join(temporary(), "copy.sqlite")
    expect(await readOnly(box, box.home, `d backup ${copy}`)).toMatchObject({ code: 0, stderr: "" })
    expect(await box.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${copy}` }).ok("getPort", "--key", "cad-dev")).toBe(
      "29601\n"
    )
  })

  it("refuses a change in one sentence, which names what helps, and that does", async () => {
    const box = await used(RANGES)
    // In a sandbox, the directory of sockets is another one.
    const outside = box.with({ AUTOMATELINUX_PORTS_SOCKET: join(temporary(), "run/d.sock") })
    const inside = (line: string) => readOnly(outside, box.home, line)
    const run = await inside("d allocate --app new")
    expectReadOnly(run, fileOf(box), "its file system is read-only")
    expect(run.stderr).toContain(
      "hint: if this is a sandbox, run d daemon start outside of it, and let its socket in; otherwise "
    )
    await startDaemon(outside)
    expect(await inside("d allocate --app new")).toEqual({
      code: 0,
      stdout: "new-prod 29602\nnew-dev 29603\n",
      stderr: ""
    })
  })

  it("is found by doctor, which runs all other checks", async () => {
    const box = await used()
    const run = await readOnly(box, box.home, "d doctor --json")
    const { failed, findings } = JSON.parse(run.stdout)
    expect(failed).toEqual([])
    expect(findings[0]).toMatchObject({
      check: "store-reachable",
      severity: "error",
      message: `the registry's file ${fileOf(box)} cannot be written`,
      evidence: "its file system is read-only",
      fix: null
    })
  })

  it("reads as an empty registry if there is none", async () => {
    const box = machine(ALONE)
    const run = await readOnly(box, box.home, "d getPort --key a; d listPorts; d allocate --app a --dry-run")
    expect(run.stderr).toMatch(/^error: Port not set for a\nhint: .*\n$/)
    expect(run.stdout).toBe("KEY  PORT  KIND  HEALTH  DESCRIPTION\na-prod 29600\na-dev 29601\n")
    const change = await readOnly(box, box.home, "d allocate --app a")
    expect(change).toMatchObject({ code: 3, stdout: "" })
    expect(change.stderr).toMatch(/^error: cannot use .*: it cannot be created: its file system is read-only\nhint: /)
    const doctor = await readOnly(box, box.home, "d doctor --json --check store-reachable")
    expect(JSON.parse(doctor.stdout).findings).toMatchObject([
      { severity: "error", evidence: "it cannot be created: its file system is read-only" }
    ])
    expect(readdirSync(box.home)).toEqual([])
  })

  it("shows each change that is made outside, by commands and by a daemon, as soon as it is acknowledged", async () => {
    const box = await used()
    const socket = join(temporary(), "run/d.sock")
    // One process that stays, and reads again and again.
    const inside = box.with({ AUTOMATELINUX_PORTS_SOCKET: socket, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
    const script = `mount --bind '${box.home}' '${box.home}' && mount -o remount,ro,bind '${box.home}' && exec ${process.execPath} ${PROGRAM} daemon`
    const reader = spawn("unshare", ["--mount", "bash", "-c", script], {
      env: inside.env,
      stdio: ["ignore", "ignore", "pipe"]
    })
    onTestFinished(() => void reader.kill("SIGKILL"))
    await new Promise<void>((done) => reader.stderr.on("data", (chunk) => String(chunk).includes("serving") && done()))
    const asked = inside.with({ AUTOMATELINUX_DAEMON: "auto" })
    const expectAll = async (count: number) => {
      const listed: ReadonlyArray<{ key: string }> = JSON.parse(await asked.ok("listPorts", "--json"))
      expect(listed).toHaveLength(2 * count)
    }
    const outside = box.with({ AUTOMATELINUX_DAEMON: "auto" })
    let count = 1
    for (const serving of [false, true, false]) {
      const daemon = serving ? await startDaemon(outside) : undefined
      for (let round = 0; round < 5; round++) {
        await outside.ok("allocate", "--app", `a${count}`)
        count++
        await expectAll(count)
        const own = await readOnly(box, box.home, `d getPort --key a${count - 1}-dev`)
        expect(own).toEqual({ code: 0, stdout: `${29_599 + 2 * count}\n`, stderr: "" })
      }
      await daemon?.stop()
      await expectAll(count)
    }
    expect(await asked.d("allocate", "--app", "inside")).toMatchObject({ code: 3, stdout: "" })
  })

  it("never shows half of a change, while many are made", async () => {
    const box = await used()
    let writing = true
    const write = async () => {
      for (let index = 0; index < 12; index++) await box.ok("allocate", "--app", `a${index}`)
      writing = false
    }
    const read = async () => {
      while (writing) {
        const run = await readOnly(box, box.home, "d listPorts --json")
        expect([run.code, run.stderr]).toEqual([0, ""])
        const keys = (JSON.parse(run.stdout) as ReadonlyArray<{ key: string }>).map(({ key }) => key)
        expect(keys.filter((key) => key.endsWith("-dev"))).toHaveLength(keys.length / 2)
      }
    }
    await Promise.all([write(), read(), read()])
  })

  it("shows what a daemon that was killed has left in the -wal", async () => {
    const box = await used(RANGES)
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "last")
    await daemon.stop("SIGKILL")
    const file = fileOf(box)
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
    const alone = box.with(ALONE)
    expect(await readOnly(alone, box.home, "d getPort --key last-dev")).toMatchObject({ code: 0, stdout: "29603\n" })
    // Without the -shm the -wal cannot be read, and the file alone has not everything.
    rmSync(`${file}-shm`)
    expect(await readOnly(alone, box.home, "d getPort --key last-dev")).toMatchObject({
      code: 3,
      stdout: "",
      stderr: expect.stringMatching(
        /^error: cannot use .*: its last changes are in its -wal, .*\nhint: run d listPorts where /
      )
    })
    await alone.ok("listPorts")
    expect(await readOnly(alone, box.home, "d getPort --key last-dev")).toMatchObject({ code: 0, stdout: "29603\n" })
  })
})

describe("a registry that this user may only read", () => {
  const shared = async (mode: number) => {
    const directory = temporary()
    chmodSync(directory, 0o755)
    const file = join(directory, "ports.sqlite")
    const url = { AUTOMATELINUX_DATABASE_URL: `sqlite:${file}` }
    const box = machine({ ...ALONE, ...url })
    await box.ok("allocate", "--app", "cad")
    for (const name of readdirSync(directory)) chmodSync(join(directory, name), mode)
    const nobody = (words: string) => asNobody({ ...ALONE, ...url }, ...words.split(" "))
    return { box, directory, file, nobody }
  }

  it.skipIf(!isRoot)("is asked, as another user's file of mode 644", async () => {
    const { file, nobody } = await shared(0o644)
    for (const [words, answer] of QUESTIONS)
      expect(await nobody(words)).toMatchObject({ code: 0, stdout: expect.stringMatching(answer) })
    const run = await nobody("allocate --app new")
    expectReadOnly(run, file, `permission denied for nobody: ${file} belongs to root\n`)
    expect(run.stderr).toContain("hint: ask root for access, or name another file with AUTOMATELINUX_DATABASE_URL=")
  })

  it.skipIf(!isRoot)("is asked while its owner has it open", async () => {
    const { file, nobody } = await shared(0o644)
    await holdSqlite(
      file,
      "PRAGMA wal_autocheckpoint = 0; UPDATE settings SET setting_value = '29699' WHERE setting_key = 'port_cad-dev'"
    )
    expect(await nobody("getPort --key cad-dev")).toMatchObject({ code: 0, stdout: "29699\n" })
  })

  it("leaves no files that the owner cannot write in a directory that it may write", async () => {
    const { directory, file, nobody } = await shared(0o444)
    chmodSync(directory, 0o777)
    expect(await nobody("getPort --key cad-dev")).toMatchObject({ code: 0, stdout: "29601\n" })
    expect(readdirSync(directory)).toEqual(["ports.sqlite"])
    await holdSqlite(file, "UPDATE settings SET setting_value = '29699' WHERE setting_key = 'port_cad-dev'")
    expectReadOnly(await nobody("getPort --key cad-dev"), file, "permission denied for ")
  })

  it.skipIf(!isRoot)("is written by the same daemon, once that may", async () => {
    const alice = user(ALICE, RANGES)
    const socket = { AUTOMATELINUX_PORTS_SOCKET: join(directoryOf(ALICE), "run/d.sock") }
    const box = alice.with(socket)
    expect(await box.d("allocate", "--app", "cad")).toMatchObject({ code: 0 })
    const state = join(alice.home, ".local/state/automatelinux")
    const [file = ""] = readdirSync(state).map((name) => join(state, name))
    const setModes = (directory: number, mode: number) => {
      chmodSync(state, directory)
      for (const name of readdirSync(state)) chmodSync(join(state, name), mode)
    }
    setModes(0o500, 0o400)
    await box.daemon()
    expect(await box.d("getPort", "--key", "cad-dev")).toMatchObject({ code: 0, stdout: "29601\n" })
    const run = await box.d("allocate", "--app", "new")
    expectReadOnly(run, file, `permission denied for uid ${ALICE}: ${file} is closed\n`)
    expect(run.stderr).toContain(`hint: chmod u+rw ${file}`)
    setModes(0o700, 0o600)
    await until(
      () => box.d("allocate", "--app", "new"),
      ({ code }) => code === 0
    )
    expect(await box.d("getPort", "--key", "new-dev")).toMatchObject({ code: 0, stdout: "29603\n" })
  })
})

describe("a sandbox that forbids writing, whatever the modes say", () => {
  const sandbox = () => refusing("opening for writing", "EACCES")

  it.each(QUESTIONS)("answers %s", async (words, answer) => {
    const box = await used()
    expect(await inSandbox(box, sandbox(), words)).toEqual({
      code: 0,
      stdout: expect.stringMatching(answer),
      stderr: ""
    })
  })

  it.each(QUESTIONS)("answers %s while others have the registry open", async (words, answer) => {
    const box = await used()
    // A change that is in the -wal.
    await holdSqlite(fileOf(box), "INSERT INTO settings VALUES ('other', 'x')")
    expect(statSync(`${fileOf(box)}-wal`).size).toBeGreaterThan(0)
    const run = await inSandbox(box, sandbox(), words)
    expect(run).toEqual({ code: 0, stdout: expect.stringMatching(answer), stderr: "" })
    const change = await inSandbox(box, sandbox(), "allocate --app new")
    expectReadOnly(change, fileOf(box), "permission denied for ")
  })

  it("refuses a change in one sentence, which names what helps", async () => {
    const box = await used()
    const run = await inSandbox(box, sandbox(), "allocate --app new")
    expectReadOnly(run, fileOf(box), "permission denied for ")
    expect(run.stderr).toContain(
      "hint: if this is a sandbox, run d daemon start outside of it, and let its socket in\n"
    )
  })

  it("reads as an empty registry if there is none", async () => {
    const box = machine(ALONE)
    expect(await inSandbox(box, sandbox(), "getPort --key a")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: Port not set for a\n/)
    })
  })
})

describe.skipIf(!isRoot)("a home that root uses, as under sudo", () => {
  const stateOf = (home: string) => join(home, ".local/state/automatelinux")
  const ownersIn = (directory: string) =>
    readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) => statSync(join(directory, name)).uid)

  it("stays its user's, with directories that are open to other programs as usual", async () => {
    const alice = user(ALICE, ALONE)
    const root = machine({ ...ALONE, HOME: alice.home })
    await root.ok("allocate", "--app", "root")
    expect(new Set(ownersIn(alice.home))).toEqual(new Set([ALICE]))
    const modes = [".local", ".local/state", ".local/state/automatelinux"].map(
      (name) => statSync(join(alice.home, name)).mode & 0o777
    )
    expect(modes).toEqual([0o755, 0o755, 0o700])
    const both = await Promise.all([alice.d("allocate", "--app", "alice"), root.d("allocate", "--app", "roots")])
    expect(both.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ""],
      [0, ""]
    ])
    // SQLite keeps two files beside the one that is open, and root may be the first to open it.
    await holdSqlite(join(stateOf(alice.home), "ports.sqlite"), "SELECT COUNT(*) FROM settings")
    expect(readdirSync(stateOf(alice.home))).toHaveLength(3)
    expect(new Set(ownersIn(alice.home))).toEqual(new Set([ALICE]))
  })

  it("is not written to by a question", async () => {
    const home = directoryOf(ALICE)
    expect(await machine({ ...ALONE, HOME: home }).d("getPort", "--key", "a")).toMatchObject({ code: 1, stdout: "" })
    expect(readdirSync(home)).toEqual([])
  })

  it.each([
    [".local", ".local"],
    [".local/state", ".local/state"],
    [".local/state/automatelinux", ".local/state/automatelinux"]
  ])("is given back from %s on in one round, as doctor says", async (from, closed) => {
    const alice = user(ALICE, ALONE)
    expect(await alice.d("allocate", "--app", "cad")).toMatchObject({ code: 0 })
    const parts = [".local", ".local/state", ".local/state/automatelinux", ".local/state/automatelinux/ports.sqlite"]
    for (const part of parts.slice(parts.indexOf(from))) {
      chownSync(join(alice.home, part), 0, 0)
      chmodSync(join(alice.home, part), part.endsWith("sqlite") ? 0o600 : 0o700)
    }
    const at = join(alice.home, closed)
    const command = `sudo chown -R ${ALICE} ${at}`
    const asked = await alice.d("getPort", "--key", "cad-dev")
    expect([asked.code, asked.stdout]).toEqual([3, ""])
    expect(asked.stderr).toContain(`permission denied for uid ${ALICE}: ${at} belongs to root\nhint: ${command}\n`)
    const examined = await alice.d("doctor", "--json", "--check", "store-reachable")
    expect(JSON.parse(examined.stdout).findings).toMatchObject([{ fix: command }])
    execFileSync("sh", ["-c", command.replace("sudo ", "")])
    expect(await alice.d("doctor", "--check", "store-reachable")).toMatchObject({ code: 0 })
    expect(await alice.d("allocate", "--app", "new")).toMatchObject({ code: 0 })
  })

  it("is no reason to take what belongs to others: there, their owner is named", async () => {
    const alice = user(ALICE, { ...ALONE, AUTOMATELINUX_DATABASE_URL: `sqlite:${directoryOf(0, 0o700)}/ports.sqlite` })
    const run = await alice.d("getPort", "--key", "a")
    expect(run.stderr).toMatch(
      /: permission denied for uid \d+: \S+ belongs to root\nhint: ask root for access, or name /
    )
  })
})
