import {
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync
} from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it, vi } from "vitest"
import { type Machine, machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { isRoot } from "../support/otherUser.ts"
import { holdLock, holdSqlite, withSqlite } from "../support/sqlite.ts"

const RANGE = { AUTOMATELINUX_APP_RANGE: "25500-25599", AUTOMATELINUX_SPECIAL_RANGE: "25600-25699" }

const NEVER = { AUTOMATELINUX_DAEMON: "never" }

/** A registry with one app and a daemon, and how to ask beside it. */
const served = async () => {
  const box = machine({ ...RANGE, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  const file = join(box.home, ".local/state/automatelinux/ports.sqlite")
  await box.ok("allocate", "--app", "cad")
  const daemon = await startDaemon(box)
  await box.ok("allocate", "--app", "before")
  return { box, beside: box.with(NEVER), daemon, file }
}

const integrityOf = (file: string) => withSqlite(file, (database) => database.prepare("PRAGMA integrity_check").all())

const expectAll = async (box: Machine, ports: Readonly<Record<string, number>>) => {
  const listed = JSON.parse(await box.ok("listPorts", "--json")) as ReadonlyArray<{ key: string; port: number }>
  const found = Object.fromEntries(
    listed.filter(({ key }) => key.endsWith("-prod")).map(({ key, port }) => [key, port])
  )
  expect(found).toEqual(ports)
}

it("keeps every change when the -wal is removed under a daemon that is asked next", async () => {
  const { beside, box, daemon, file } = await served()
  rmSync(`${file}-wal`)
  rmSync(`${file}-shm`)
  expect(await box.ok("allocate", "--app", "one")).toBe("one-prod 25504\none-dev 25505\n")
  expect(await beside.ok("allocate", "--app", "two")).toBe("two-prod 25506\ntwo-dev 25507\n")
  expect(await box.ok("getPort", "--key", "two-dev")).toBe("25507\n")
  expect(await daemon.stop()).toBe(0)
  await expectAll(beside, { "cad-prod": 25500, "before-prod": 25502, "one-prod": 25504, "two-prod": 25506 })
  expect(integrityOf(file)).toEqual([{ integrity_check: "ok" }])
})

it("keeps every change when the -wal is removed under a daemon, and it is asked beside it next", async () => {
  const { beside, box, daemon, file } = await served()
  // By then the daemon watches its files.
  await sleep(1500)
  rmSync(`${file}-wal`)
  rmSync(`${file}-shm`)
  expect(await beside.ok("allocate", "--app", "two")).toBe("two-prod 25504\ntwo-dev 25505\n")
  expect(await box.ok("allocate", "--app", "one")).toBe("one-prod 25506\none-dev 25507\n")
  await daemon.stop()
  await expectAll(beside, { "cad-prod": 25500, "before-prod": 25502, "two-prod": 25504, "one-prod": 25506 })
})

it("keeps every change when the -wal is removed under a daemon that was there before the registry", async () => {
  const box = machine({ ...RANGE, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  const file = join(box.home, ".local/state/automatelinux/ports.sqlite")
  const daemon = await startDaemon(box)
  await box.ok("allocate", "--app", "cad")
  const watched = () => {
    const inode = ` ino:${statSync(dirname(file)).ino.toString(16)} `
    const descriptors = readdirSync(`/proc/${daemon.pid}/fdinfo`)
    return descriptors.some((name) => readFileSync(`/proc/${daemon.pid}/fdinfo/${name}`, "utf8").includes(inode))
  }
  await vi.waitUntil(watched, 10_000)
  rmSync(`${file}-wal`)
  rmSync(`${file}-shm`)
  expect(await box.with(NEVER).ok("allocate", "--app", "two")).toBe("two-prod 25502\ntwo-dev 25503\n")
  await expectAll(box, { "cad-prod": 25500, "two-prod": 25502 })
})

it("is not opened while another process has another file of that name open, which is named", async () => {
  const { beside, box, daemon, file } = await served()
  await daemon.stop()
  const reader = await holdSqlite(file, "PRAGMA journal_mode; BEGIN; SELECT COUNT(*) FROM settings")
  await box.ok("allocate", "--app", "after")
  copyFileSync(file, `${file}.backup`)
  renameSync(`${file}.backup`, file)
  const run = await beside.d("allocate", "--app", "two")
  expect([run.code, run.stdout]).toEqual([3, ""])
  expect(run.stderr).toBe(
    `error: cannot use the registry's file ${file}: it, or its -wal, was removed or replaced while sqlite3, pid ${reader.pid}, uses it\n` +
      `hint: wait for that process to end, or end it: kill ${reader.pid}\n`
  )
})

it("is not opened with the -wal of a file that it replaces while it is being opened", async () => {
  const { beside, daemon, file } = await served()
  await daemon.stop()
  copyFileSync(file, `${file}.backup`)
  const backup = readFileSync(file)
  const reader = await holdSqlite(file, "PRAGMA journal_mode; BEGIN; SELECT COUNT(*) FROM settings")
  await beside.ok("allocate", "--app", "after")
  // Looks like a process that is opening the file: the command waits for it to have done so.
  const opening = await holdLock(file)
  const waiting = beside.d("allocate", "--app", "two")
  await sleep(700)
  renameSync(`${file}.backup`, file)
  opening.kill("SIGKILL")
  const run = await waiting
  expect([run.code, run.stdout]).toEqual([3, ""])
  expect(run.stderr).toContain(`was removed or replaced while sqlite3, pid ${reader.pid}, uses it\n`)
  expect(readFileSync(file)).toEqual(backup)
})

it("is not opened with a -wal that another process has open for another file, though nothing is in that yet", async () => {
  const { beside, daemon, file } = await served()
  await daemon.stop()
  copyFileSync(file, `${file}.backup`)
  const reader = await holdSqlite(file, "PRAGMA journal_mode; BEGIN; SELECT COUNT(*) FROM settings")
  expect(statSync(`${file}-wal`).size).toBe(0)
  renameSync(`${file}.backup`, file)
  const run = await beside.d("allocate", "--app", "two")
  expect([run.code, run.stdout]).toEqual([3, ""])
  expect(run.stderr).toContain(`was removed or replaced while sqlite3, pid ${reader.pid}, uses it\n`)
})

it("begins anew, for the daemon and beside it alike, when the registry was removed", async () => {
  const { beside, box, daemon, file } = await served()
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix)
  expect(await box.ok("allocate", "--app", "one")).toBe("one-prod 25500\none-dev 25501\n")
  expect(await beside.ok("allocate", "--app", "two")).toBe("two-prod 25502\ntwo-dev 25503\n")
  expect(await box.ok("getPort", "--key", "two-dev")).toBe("25503\n")
  await daemon.stop()
  await expectAll(beside, { "one-prod": 25500, "two-prod": 25502 })
})

it("goes on with a backup that is put in its place under a daemon", async () => {
  const { beside, box, daemon, file } = await served()
  withSqlite(file, (database) => database.exec(`VACUUM INTO '${file}.backup'`))
  await box.ok("allocate", "--app", "after")
  renameSync(`${file}.backup`, file)
  const asked = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 4 === 3 ? beside : box).d("allocate", "--app", `a${index}`))
  )
  const done = asked.filter(({ code }) => code === 0)
  // Beside the daemon nothing is done before that has seen it.
  for (const { stderr } of asked.filter(({ code }) => code !== 0)) expect(stderr).toContain("was removed or replaced")
  expect(done.length).toBeGreaterThanOrEqual(15)
  const ports = done.map(({ stdout }) => Number(/prod (\d+)/.exec(stdout)?.[1]))
  expect(new Set(ports).size).toBe(done.length)
  expect(await daemon.stop()).toBe(0)
  const listed = JSON.parse(await beside.ok("listPorts", "--json")) as ReadonlyArray<{ port: number }>
  const stored = listed.map(({ port }) => port)
  expect(stored).toEqual(expect.arrayContaining([25500, 25502, ...ports]))
  expect(integrityOf(file)).toEqual([{ integrity_check: "ok" }])
})

it.each(["is there at once", "comes after the old file has gone elsewhere", "comes while another program writes"])(
  "has nothing of the -wal of the old file when the backup %s",
  async (how) => {
    const { beside, box, daemon, file } = await served()
    // The pages lie elsewhere in the copy: what is in the -wal would damage it.
    withSqlite(file, (database) => database.exec(`VACUUM INTO '${file}.backup'`))
    await box.ok("allocate", "--app", "after")
    const isMovedFirst = how === "comes after the old file has gone elsewhere"
    if (isMovedFirst) {
      await sleep(1500)
      renameSync(file, `${file}.old`)
      await vi.waitUntil(() => !existsSync(`${file}-wal`), 10_000)
    }
    if (how === "comes while another program writes") await holdSqlite(file, "BEGIN IMMEDIATE")
    renameSync(`${file}.backup`, file)
    expect(await box.ok("allocate", "--app", "new")).toBe("new-prod 25504\nnew-dev 25505\n")
    expect(await beside.d("getPort", "--key", "after-dev")).toMatchObject({ code: 1 })
    expect(await daemon.stop()).toBe(0)
    expect(integrityOf(file)).toEqual([{ integrity_check: "ok" }])
    await expectAll(beside, { "cad-prod": 25500, "before-prod": 25502, "new-prod": 25504 })
    // What was moved away is whole.
    if (isMovedFirst) {
      const old = beside.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${file}.old` })
      await expectAll(old, { "cad-prod": 25500, "before-prod": 25502, "after-prod": 25504 })
    }
  }
)

it("does a change again that was committed to a file which is no longer there", async () => {
  const { beside, box, daemon, file } = await served()
  await daemon.stop()
  copyFileSync(file, `${file}.backup`)
  // It waits for the lock of the old file while the new one is put in its place.
  const holder = await holdSqlite(file, "BEGIN IMMEDIATE")
  const waiting = beside.d("allocate", "--app", "late")
  await sleep(700)
  renameSync(`${file}.backup`, file)
  holder.kill("SIGKILL")
  expect(await waiting).toEqual({ code: 0, stdout: "late-prod 25504\nlate-dev 25505\n", stderr: "" })
  expect(await box.ok("getPort", "--key", "late-dev")).toBe("25505\n")
})

it("may be named by symbolic links", async () => {
  const { box, file } = await served()
  const link = join(box.home, "link.sqlite")
  symlinkSync(file, link)
  const linked = box.with({ ...NEVER, AUTOMATELINUX_DATABASE_URL: `sqlite:${link}` })
  expect(await linked.ok("allocate", "--app", "linked")).toBe("linked-prod 25504\nlinked-dev 25505\n")
  expect(await box.ok("allocate", "--app", "other")).toBe("other-prod 25506\nother-dev 25507\n")
})

it("is refused under one of several names", async () => {
  const { beside, file } = await served()
  linkSync(file, `${file}.same`)
  for (const path of [file, `${file}.same`]) {
    const run = await beside.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${path}` }).d("allocate", "--app", "a")
    expect([run.code, run.stdout]).toEqual([3, ""])
    expect(run.stderr).toContain("it has several hard links")
  }
  rmSync(`${file}.same`)
  await beside.ok("allocate", "--app", "a")
})

it("is refused if it is mounted as a single file, and taken if its directory is", async () => {
  const { beside, file } = await served()
  const unshare = isRoot ? "unshare -m" : "unshare -rm"
  const d = `${process.execPath} ${PROGRAM} allocate --app a`
  const alone = await beside.sh(
    `touch '${beside.home}/a b.sqlite'; ${unshare} sh -c "mount --bind ${file} '${beside.home}/a b.sqlite' && AUTOMATELINUX_DATABASE_URL='sqlite:${beside.home}/a b.sqlite' ${d}"`
  )
  expect([alone.code, alone.stdout]).toEqual([3, ""])
  expect(alone.stderr).toContain("it is mounted as a single file")
  const within = await beside.sh(
    `mkdir ${beside.home}/m; ${unshare} sh -c 'mount --bind $(dirname ${file}) ${beside.home}/m && AUTOMATELINUX_DATABASE_URL=sqlite:${beside.home}/m/ports.sqlite ${d}'`
  )
  expect(within).toEqual({ code: 0, stdout: "a-prod 25504\na-dev 25505\n", stderr: "" })
})
