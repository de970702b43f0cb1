import { execFile } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it, vi } from "vitest"
import { type Machine, machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { inThisProcess } from "../support/inProcess.ts"
import { sharedServer } from "../support/mariadb.ts"
import { isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"
import { Talker } from "../support/socketClient.ts"
import { holdSqlite, withSqlite } from "../support/sqlite.ts"

const ENV = {
  AUTOMATELINUX_APP_RANGE: "27800-27849",
  AUTOMATELINUX_SPECIAL_RANGE: "27850-27899",
  AUTOMATELINUX_PROBE_INTERVAL: "1 second"
}

const NEVER = { AUTOMATELINUX_DAEMON: "never" }

const WRITERS = ["w0", "w1", "w2", "w3"]

/** The registry's file of a machine with nothing configured. */
const fileOf = (box: Machine) => join(box.home, ".local/state/automatelinux/ports.sqlite")

const on = (box: Machine, file: string) =>
  box.with({ ...NEVER, AUTOMATELINUX_DATABASE_URL: `sqlite:${file}` }).by(inThisProcess)

/**
 * Four writers, two through a daemon and two beside it, which count up the description of a key each until they are told
 * to stop. Answers what each has been acknowledged so far.
 */
const startWriters = async (box: Machine) => {
  for (const key of WRITERS) await box.ok("allocate", "--special", key)
  const acknowledged = new Map(WRITERS.map((key) => [key, 0]))
  let stopped = false
  const write = async (key: string, as: Machine) => {
    for (let count = 1; !stopped; count++) {
      await as.ok("setPort", "--key", key, "--description", String(count))
      acknowledged.set(key, count)
      await sleep(20)
    }
  }
  const served = box.by(inThisProcess)
  const all = Promise.all(WRITERS.map((key, index) => write(key, index % 2 === 0 ? served : box.with(NEVER))))
  return {
    acknowledged: () => new Map(acknowledged),
    stop: async () => {
      stopped = true
      await all
    }
  }
}

/** The registry holds all that was acknowledged, in the history as well, and takes changes. */
const expectAll = async (
  box: Machine,
  acknowledged: ReadonlyMap<string, number>,
  counts: ReadonlyMap<string, number>
) => {
  const listed = JSON.parse(await box.ok("listPorts", "--json")) as ReadonlyArray<{ key: string; description: string }>
  for (const [key, count] of acknowledged) {
    const found = Number(listed.find((each) => each.key === key)?.description ?? 0)
    expect(found, key).toBeGreaterThanOrEqual(count)
    expect(counts.get(key) ?? 0, key).toBe(found)
  }
  expect(await box.ok("allocate", "--app", "restored")).toBe("restored-prod 27800\nrestored-dev 27801\n")
  expect((await box.d("doctor", "--check", "claim-drift")).code).toBe(0)
}

const DESCRIBED = "SELECT `key`, COUNT(*) AS n FROM port_history WHERE what = 'describe' GROUP BY `key`"

const countsIn = (rows: ReadonlyArray<unknown>) =>
  new Map((rows as ReadonlyArray<{ key: string; n: number }>).map(({ key, n }) => [key, Number(n)]))

/** What the file says of itself, and how often each key was described in it. */
const examine = (file: string) =>
  withSqlite(file, (database) => {
    expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }])
    return countsIn(database.prepare(DESCRIBED).all())
  })

describe("d backup", () => {
  it("copies a registry that four write to, 20 times, with all that was acknowledged before", async () => {
    const box = machine(ENV)
    await startDaemon(box)
    const writers = await startWriters(box)
    const directory = temporary()
    const taken: Array<readonly [string, ReadonlyMap<string, number>]> = []
    for (let round = 0; round < 20; round++) {
      const file = join(directory, `${round}.sqlite`)
      const before = writers.acknowledged()
      expect(await box.ok("backup", file)).toBe(`backed up to ${file}\n`)
      taken.push([file, before])
    }
    await writers.stop()
    expect(Math.min(...writers.acknowledged().values())).toBeGreaterThan(5)
    expect(readdirSync(directory)).toHaveLength(20)
    for (const [file, before] of taken) await expectAll(on(box, file), before, examine(file))
  })

  it("makes a file of its owner's alone, and overwrites nothing", async () => {
    const box = machine(ENV)
    await box.ok("allocate", "--app", "cad")
    await box.sh("umask 000; d backup made.sqlite")
    expect(statSync(join(box.home, "made.sqlite")).mode & 0o777).toBe(0o600)
    writeFileSync(join(box.home, "there"), "mine")
    symlinkSync("nowhere", join(box.home, "link"))
    const names = readdirSync(box.home).sort()
    for (const name of ["made.sqlite", "there", "link", ".", fileOf(box)]) {
      const run = await box.d("backup", name)
      expect([run.code, run.stdout]).toEqual([1, ""])
      const reason = name === "." ? "it is a directory" : "a file of that name already exists"
      expect(run.stderr).toMatch(new RegExp(`^error: cannot write /.*: ${reason}\nhint: .*\n$`))
    }
    expect(readFileSync(join(box.home, "there"), "utf8")).toBe("mine")
    for (const [name, reason] of [
      ["none/x", "there is no such directory"],
      ["there/x", "part of its path is a file, not a directory"],
      [`${"x".repeat(300)}`, "the name is too long"]
    ] as const) {
      const run = await box.d("backup", name)
      expect([run.code, run.stdout]).toEqual([2, ""])
      expect(run.stderr).toContain(reason)
    }
    for (const words of [[], ["a", "b"], ["-x"], [""], ["a\nb"]]) expect((await box.d("backup", ...words)).code).toBe(2)
    expect(readdirSync(box.home).sort()).toEqual(names)
    const { bytes } = JSON.parse(await box.ok("backup", "json.sqlite", "--json")) as { bytes: number }
    expect(bytes).toBe(statSync(join(box.home, "json.sqlite")).size)
  })

  it("gives one of two at the same moment the name", async () => {
    const box = machine(ENV)
    await box.ok("allocate", "--app", "cad")
    const runs = await Promise.all(Array.from({ length: 6 }, () => box.d("backup", "one.sqlite")))
    expect(runs.map(({ code }) => code).sort()).toEqual([0, 1, 1, 1, 1, 1])
    examine(join(box.home, "one.sqlite"))
  })

  it("leaves nothing half-written at its name, however it ends", async () => {
    const box = machine(ENV)
    await box.ok("allocate", "--app", "cad")
    const file = join(box.home, "killed.sqlite")
    const ends = [...[1, 5, 9, 13, 17].map((when) => ["pwrite64", when]), ...[1, 2, 3].map((when) => ["fsync", when])]
    let missing = 0
    for (const [call, when] of [...ends, ["link", 1], ["unlink", 1]]) {
      await box.sh(
        `strace -f -o /dev/null -e trace=${call} -e inject=${call}:signal=KILL:when=${when} ${process.execPath} ${PROGRAM} backup ${file}`
      )
      if (!existsSync(file)) missing++
      else examine(file)
      rmSync(file, { force: true })
    }
    expect(missing).toBeGreaterThanOrEqual(3)
    await box.ok("backup", file)
  })

  it("says so if the disk of the copy is full", async () => {
    const box = machine(ENV)
    await box.ok("allocate", "--app", "cad")
    const unshare = isRoot ? "unshare -m" : "unshare -rm"
    const run = await box.sh(
      `mkdir small; ${unshare} sh -c 'mount -t tmpfs -o size=16k none small && ${process.execPath} ${PROGRAM} backup small/x; code=$?; ls -A small >&2; exit $code'`
    )
    expect(run).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: cannot write ${box.home}/small/x: its disk is full\nhint: name a file in a directory that you can write to: d backup FILE\n`
    })
  })

  it("refuses to copy what nobody has used yet", async () => {
    const box = machine(ENV)
    expect(await box.d("backup", "x")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("it is empty")
    })
    expect(existsSync(join(box.home, "x"))).toBe(false)
  })

  it("is not done by a daemon", async () => {
    const box = machine(ENV)
    await box.ok("allocate", "--app", "cad")
    const daemon = await startDaemon(box)
    const talker = new Talker(daemon.socket)
    const file = join(box.home, "daemon.sqlite")
    const reply = await talker.say(Buffer.from(JSON.stringify({ command: "backup", file, format: "json" })))
    talker.close()
    expect(JSON.parse(reply)).toMatchObject({ ok: false, error: { code: "unknown-command" } })
    expect(existsSync(file)).toBe(false)
    expect(await box.ok("listCommands")).not.toContain("backup")
  })
})

describe("a plain copy", () => {
  /** Copies the file alone, without its -wal. */
  const copied = (box: Machine) => {
    const copy = join(temporary(), "copy.sqlite")
    copyFileSync(fileOf(box), copy)
    return withSqlite(copy, (database) =>
      database.prepare("SELECT name FROM sqlite_master WHERE name = 'settings'").all().length === 0
        ? []
        : database.prepare("SELECT setting_key AS key FROM settings ORDER BY 1").all()
    ).map((row) => (row as { key: string }).key)
  }
  const ALL = ["port_cad-dev", "port_cad-prod", "port_last-dev", "port_last-prod"]

  it("has everything after a quiet minute of a daemon, which goes on", async () => {
    const box = machine(ENV)
    await startDaemon(box)
    await box.ok("allocate", "--app", "cad")
    await box.ok("allocate", "--app", "last")
    const changed = Date.now()
    expect(copied(box)).not.toEqual(ALL)
    await vi.waitUntil(() => copied(box).length === ALL.length, { timeout: 90_000, interval: 500 })
    expect(Date.now() - changed).toBeLessThan(62_000)
    expect(copied(box)).toEqual(ALL)
    // Others still see by its size that the file is in use.
    expect(statSync(`${fileOf(box)}-wal`).size).toBeGreaterThan(0)
    expect(await box.ok("getPort", "--key", "last-dev")).toBe("27803\n")
  })

  it("has everything when a daemon has ended, also if others have the file open", async () => {
    const box = machine(ENV)
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "cad")
    const reader = await holdSqlite(fileOf(box), "SELECT COUNT(*) FROM settings")
    await box.ok("allocate", "--app", "last")
    expect(await daemon.stop()).toBe(0)
    expect(copied(box)).toEqual(ALL)
    reader.kill("SIGKILL")
  })
})

describe("a backup is restored", () => {
  /** A registry with a backup that is older than its last change. */
  const backedUp = async () => {
    const box = machine({ ...ENV, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "cad")
    await box.ok("backup", "monday.sqlite")
    await box.ok("allocate", "--app", "lost")
    return { box, daemon, directory: join(box.home, ".local/state/automatelinux") }
  }

  const expectMonday = async (box: Machine) => {
    expect(await box.ok("allocate", "--app", "new")).toBe("new-prod 27802\nnew-dev 27803\n")
    expect(await box.with(NEVER).ok("getPort", "--key", "cad-dev")).toBe("27801\n")
    expect((await box.d("getPort", "--key", "lost-dev")).code).toBe(1)
    expect(statSync(fileOf(box)).mode & 0o777).toBe(0o600)
  }

  it("after the daemon was killed, whose -wal is still there", async () => {
    const { box, daemon, directory } = await backedUp()
    await daemon.stop("SIGKILL")
    expect(statSync(join(directory, "ports.sqlite-wal")).size).toBeGreaterThan(0)
    const { code } = await box.sh(
      `cd ${directory} && rm -f ports.sqlite-wal ports.sqlite-shm && install -m 600 ~/monday.sqlite new.sqlite && mv new.sqlite ports.sqlite`
    )
    expect(code).toBe(0)
    await startDaemon(box)
    await expectMonday(box)
    examine(fileOf(box))
  })

  it("under daemons that run, and between commands beside them", async () => {
    const { box, daemon, directory } = await backedUp()
    const other = box.with({ AUTOMATELINUX_PORTS_SOCKET: join(box.home, "other.sock") })
    const second = await startDaemon(other)
    await other.ok("setPort", "--key", "lost-dev", "--description", "known to the other")
    const { code } = await box.sh(
      `cd ${directory} && install -m 600 ~/monday.sqlite new.sqlite && mv new.sqlite ports.sqlite`
    )
    expect(code).toBe(0)
    const runs = await Promise.all(
      [box, other, box.with(NEVER), other, box, box.with(NEVER)].map((each, index) =>
        each.d("allocate", "--app", `a${index}`)
      )
    )
    // Beside the daemons nothing is done before both have seen it.
    for (const { stderr } of runs.filter(({ code }) => code !== 0)) expect(stderr).toContain("was removed or replaced")
    const ports = runs.filter(({ code }) => code === 0).map(({ stdout }) => Number(/prod (\d+)/.exec(stdout)?.[1]))
    expect(ports.length).toBeGreaterThanOrEqual(4)
    expect(ports.sort()).toEqual(ports.map((_, index) => 27802 + 2 * index))
    for (const each of [box, other, box.with(NEVER)]) {
      expect(await each.ok("getPort", "--key", "cad-dev")).toBe("27801\n")
      expect((await each.d("getPort", "--key", "lost-dev")).code).toBe(1)
    }
    for (const each of [daemon, second]) expect(await each.stop()).toBe(0)
    examine(fileOf(box))
  })
})

describe("a registry on a server", () => {
  let count = 0
  const prepared = async () => {
    const server = await sharedServer()
    const name = `backup${++count}`
    const url = await server.database(name)
    return { server, name, box: machine({ ...ENV, AUTOMATELINUX_DATABASE_URL: url }) }
  }

  /** The command that d prints, with the password that it leaves to its reader. */
  const commandFor = async (box: Machine, file: string) => {
    const run = await box.d("backup", file)
    expect([run.code, run.stdout]).toEqual([2, ""])
    expect(run.stderr).not.toContain("secret")
    const [, hint = ""] = /^hint: (.*)$/m.exec(run.stderr) ?? []
    return hint.replace(" --password ", " --password=secret ")
  }

  /** Lets the server's own client read the dump. */
  const restore = (socket: string, name: string, file: string): Promise<string> =>
    new Promise((done) => {
      const line = `mariadb --no-defaults --user=root --socket=${socket} ${name} < "${file}"`
      execFile("sh", ["-c", line], (_, stdout, stderr) => done(stdout + stderr))
    })

  it("is dumped by the command that is printed, while four write to it", async () => {
    const { box, server } = await prepared()
    await startDaemon(box)
    const writers = await startWriters(box)
    const directory = temporary()
    const file = (round: number) => join(directory, `it's ${round}.sql`)
    const taken: Array<ReadonlyMap<string, number>> = []
    for (let round = 0; round < 5; round++) {
      const line = await commandFor(box, file(round))
      const before = writers.acknowledged()
      expect(await box.sh(line)).toMatchObject({ code: 0, stderr: "" })
      taken.push(before)
    }
    await writers.stop()
    for (const [round, before] of taken.entries()) {
      const name = `restored${round}`
      const url = await server.database(name)
      expect(await restore(server.socket, name, file(round))).toBe("")
      const counts = countsIn(await server.query(DESCRIBED, [], name))
      await expectAll(box.with({ ...NEVER, AUTOMATELINUX_DATABASE_URL: url }), before, counts)
    }
  })

  it("is restored beside daemons that look, and programs that ask", async () => {
    const { box, name, server } = await prepared()
    for (const app of ["a", "b", "c"]) await box.ok("allocate", "--app", app)
    const boxes = [0, 1, 2].map((each) =>
      box.with({
        AUTOMATELINUX_PORTS_SOCKET: `${box.home}/d${each}.sock`,
        AUTOMATELINUX_PROBE_INTERVAL: "100 millis",
        AUTOMATELINUX_HOST: `host${each}`
      })
    )
    for (const each of boxes) await startDaemon(each)
    const file = join(box.home, "dump.sql")
    expect((await box.sh(await commandFor(box, file))).code).toBe(0)
    let stopped = false
    const asking = boxes.map(async (each) => {
      while (!stopped) {
        const talker = new Talker(each.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "")
        for (const command of ["listPorts", "getPort", "explain"])
          await talker.say(Buffer.from(JSON.stringify({ command, key: "a-dev", format: "json" })))
        talker.close()
      }
    })
    for (let round = 0; round < 20; round++) expect(await restore(server.socket, name, file)).toBe("")
    stopped = true
    await Promise.all(asking)
    for (const each of boxes) expect(await each.ok("getPort", "--key", "c-dev")).toBe("27805\n")
    expect(await boxes[0]?.ok("allocate", "--app", "d")).toBe("d-prod 27806\nd-dev 27807\n")
  })

  it("does not begin anew in the middle of a restore, for a change either", async () => {
    const { box, name, server } = await prepared()
    await box.ok("allocate", "--app", "cad")
    for (const table of ["settings", "port_claims", "port_history", "port_health"]) {
      await server.query(`RENAME TABLE ${table} TO away`, [], name)
      for (const words of [
        ["allocate", "--app", "new"],
        ["reserve", "--port", "9", "--reason", "x"]
      ]) {
        const run = await box.d(...words)
        if (table === "port_health") expect(run.code).toBe(run.stdout.startsWith("new") || run.code === 0 ? 0 : 1)
        else expect([run.code, run.stderr]).toEqual([3, expect.stringContaining(`${table} is missing from it`)])
      }
      expect(await server.query(`SHOW TABLES LIKE '${table}'`, [], name)).toEqual([])
      await server.query(`RENAME TABLE away TO ${table}`, [], name)
    }
    expect(await box.ok("getPort", "--key", "cad-dev")).toBe("27801\n")
  })
})
