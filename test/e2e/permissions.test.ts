import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import mysql from "mysql2/promise"
import { describe, expect, it, onTestFinished } from "vitest"
import { type Machine, machine, startDaemon } from "../support/cli.ts"
import { MariaDb } from "../support/mariadb.ts"
import { asNobody, asUser, isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "31500-31599", AUTOMATELINUX_SPECIAL_RANGE: "31600-31699" }
const NOBODY = 65_534

/** Path → type and mode of everything in `directory`, which is not in it itself. */
const modes = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: "utf8" }).map((path) => {
      const stat = lstatSync(join(directory, path))
      const type = stat.isDirectory() ? "directory" : stat.isSocket() ? "socket" : "file"
      return [path, `${type} ${(stat.mode & 0o777).toString(8)}`]
    })
  )

describe("what a daemon makes", () => {
  it("is its owner's alone, also under a umask that lets everybody in", async () => {
    const umask = process.umask(0)
    onTestFinished(() => void process.umask(umask))
    const box = machine(RANGES)
    await startDaemon(box)
    expect(await box.ok("allocate", "--app", "a")).toContain("31500")
    expect(modes(box.home)).toEqual({
      run: "directory 700",
      "run/d.sock": "socket 600",
      // Every program's.
      ".local": "directory 755",
      ".local/state": "directory 755",
      ".local/state/automatelinux": "directory 700",
      ".local/state/automatelinux/ports.sqlite": "file 600",
      ".local/state/automatelinux/ports.sqlite-shm": "file 600",
      ".local/state/automatelinux/ports.sqlite-wal": "file 600"
    })
  })

  it.skipIf(!isRoot)("lets no other user in, even where its directories are opened", async () => {
    const box = machine(RANGES)
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "a")
    const file = join(box.home, ".local/state/automatelinux/ports.sqlite")
    const ping = () => asNobody({ AUTOMATELINUX_PORTS_SOCKET: daemon.socket, AUTOMATELINUX_DAEMON: "auto" }, "ping")
    chmodSync(box.home, 0o755)
    expect(await ping()).toMatchObject({ code: 3, stdout: "" })
    for (const directory of ["run", ".local", ".local/state", ".local/state/automatelinux"])
      chmodSync(join(box.home, directory), 0o755)
    expect(await ping()).toMatchObject({ code: 3, stdout: "" })
    expect(await asNobody({ AUTOMATELINUX_DATABASE_URL: `sqlite:${file}` }, "getPort", "--key", "a-dev")).toMatchObject(
      {
        code: 3,
        stdout: "",
        stderr: expect.stringContaining("permission denied")
      }
    )
    // It was the modes that kept nobody out.
    chmodSync(daemon.socket, 0o666)
    expect(await ping()).toMatchObject({ code: 0, stdout: "pong\n" })
  })
})

describe("a daemon's path", () => {
  /** What stands at the path, and what the daemon says of it. It has to stand there afterwards. */
  const cases: ReadonlyArray<readonly [string, (path: string, box: Machine) => void, RegExp]> = [
    [
      "a link to nothing",
      (path) => symlinkSync("/nonexistent/x", path),
      /already exists and is not a socket owned by you/
    ],
    ["a link to a directory", (path, box) => symlinkSync(box.home, path), /already exists and is not a socket/],
    ["a link to somebody's file", (path) => symlinkSync("/etc/passwd", path), /already exists and is not a socket/],
    ["a directory", (path) => mkdirSync(path), /already exists and is not a socket/],
    ["a pipe", (path) => void execFileSync("mkfifo", [path]), /already exists and is not a socket/]
  ]

  it.each(cases)("is not taken where it is %s", async (_, make, sentence) => {
    const box = machine(RANGES)
    const path = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
    mkdirSync(join(path, ".."), { mode: 0o700 })
    make(path, box)
    const before = lstatSync(path)
    const run = await box.d("daemon")
    expect([run.code, run.stdout]).toEqual([3, ""])
    expect(run.stderr).toMatch(sentence)
    expect(run.stderr.trimEnd().split("\n")).toHaveLength(2)
    const after = lstatSync(path)
    expect([after.ino, after.mode, after.mtimeMs]).toEqual([before.ino, before.mode, before.mtimeMs])
  })

  it("is not taken where its directory is a link, to nothing or to a directory", async () => {
    const box = machine(RANGES)
    const target = temporary()
    for (const to of ["/nonexistent/x", target]) {
      rmSync(join(box.home, "run"), { force: true })
      symlinkSync(to, join(box.home, "run"))
      const run = await box.d("daemon")
      expect([run.code, run.stdout]).toEqual([3, ""])
      expect(run.stderr).toMatch(/^error: .*\nhint: name another path with AUTOMATELINUX_PORTS_SOCKET\n$/)
      expect(readlinkSync(join(box.home, "run"))).toBe(to)
    }
    expect(readdirSync(target)).toEqual([])
  })

  it.skipIf(!isRoot)("is not taken where it is another user's directory, file or socket", async () => {
    const box = machine(RANGES)
    const path = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
    mkdirSync(join(path, ".."), { mode: 0o777 })
    chownSync(join(path, ".."), NOBODY, NOBODY)
    expect(await box.d("daemon")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`${join(path, "..")} belongs to uid ${NOBODY}\n`)
    })
    expect(readdirSync(join(path, ".."))).toEqual([])
    chownSync(join(path, ".."), 0, 0)

    writeFileSync(path, "mine")
    chownSync(path, NOBODY, NOBODY)
    expect(await box.d("daemon")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("is not a socket owned by you")
    })
    expect(readFileSync(path, "utf8")).toBe("mine")
    rmSync(path)

    const server = createServer().listen(path)
    await new Promise((done) => server.once("listening", done))
    chownSync(path, NOBODY, NOBODY)
    onTestFinished(() => void server.close())
    expect(await box.d("daemon")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("is not a socket owned by you")
    })
    expect(lstatSync(path).isSocket()).toBe(true)
  })

  it.skipIf(!isRoot)("is believed in /tmp only where the directory is this user's", async () => {
    const uid = 54_321
    const directory = `/tmp/automatelinux-${uid}`
    mkdirSync(directory, { mode: 0o755 })
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const heard: Array<string> = []
    const server = createServer((socket) => {
      socket
        .on("error", () => {})
        .on("data", (chunk) => {
          heard.push(String(chunk))
          socket.end('{"ok":true,"version":"0.1.0","result":{"pong":true,"pid":1,"waitSeconds":75,"clock":1}}\n')
        })
    }).listen(join(directory, "automatelinux-ports.sock"))
    onTestFinished(() => void server.close())
    await new Promise((done) => server.once("listening", done))
    chmodSync(join(directory, "automatelinux-ports.sock"), 0o777)

    chownSync(directory, NOBODY, NOBODY)
    const asked = () => asUser(uid, { AUTOMATELINUX_DAEMON: "auto" }, "ping")
    expect(await asked()).toMatchObject({ code: 3, stdout: "" })
    expect(heard).toEqual([])
    // It was the owner that kept it from being asked.
    chownSync(directory, uid, uid)
    expect(await asked()).toMatchObject({ code: 0, stdout: "pong\n" })
  })
})

describe("a password", () => {
  const SECRET = "Zq9-hunter-7w"

  /** Every word that any process on this machine was started with. */
  const commandLines = () =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, "utf8")
        } catch {
          return ""
        }
      })
      .join("\n")

  it("is told to nobody, whatever happens", async () => {
    const server = await MariaDb.start("--connect-timeout=2")
    onTestFinished(() => server.kill())
    await server.query(
      `CREATE DATABASE ports; CREATE USER 'keeper'@'%' IDENTIFIED BY '${SECRET}'; GRANT ALL ON ports.* TO 'keeper'@'%'`
    )
    const url = `mysql://keeper:${SECRET}@127.0.0.1:${server.port}/ports`
    // Who has the password gets in: what follows is not silence about nothing.
    await (await mysql.createConnection(url)).end()
    const settings = {
      ...RANGES,
      AUTOMATELINUX_LOG_LEVEL: "debug",
      AUTOMATELINUX_DATABASE_TIMEOUT: "1 seconds",
      AUTOMATELINUX_PROBE_INTERVAL: "200 millis"
    }
    const box = machine({ ...settings, AUTOMATELINUX_DATABASE_URL: url })
    const daemon = await startDaemon(box)
    const told: Array<string> = []
    const say = async (where: Machine, ...words: ReadonlyArray<string>) => {
      const { code, stderr, stdout } = await where.d(...words)
      told.push(stdout, stderr, commandLines())
      return code
    }
    const alone = box.with({ AUTOMATELINUX_DAEMON: "never" })
    const requestDaemon = async (code: number) => {
      for (const where of [box, alone]) expect(await say(where, "getPort", "--key", "a-dev")).toBe(code)
      for (const json of [[], ["--json"]]) expect(await say(box, "status", ...json)).toBe(0)
      expect(await say(alone, "allocate", "--app", "a", "--json")).toBe(code)
    }

    expect(await say(box, "allocate", "--app", "a", "--dir", "/opt/a")).toBe(0)
    await requestDaemon(0)
    // An environment that is not the daemon's.
    expect(await say(box.with({ AUTOMATELINUX_APP_RANGE: "30700-30799" }), "getPort", "--key", "a-dev")).toBe(0)
    await server.query("ALTER USER 'keeper'@'%' IDENTIFIED BY 'another'; KILL USER 'keeper'")
    await requestDaemon(3)
    await server.query(`ALTER USER 'keeper'@'%' IDENTIFIED BY '${SECRET}'`)
    await requestDaemon(0)
    await server.query("ALTER TABLE ports.port_owners DROP COLUMN name")
    expect(await say(box, "allocate", "--app", "b", "--dir", "/opt/b")).toBe(3)
    await server.query("DROP DATABASE ports")
    await requestDaemon(3)
    server.signal("SIGSTOP")
    await requestDaemon(3)
    server.signal("SIGCONT")
    await server.kill()
    await requestDaemon(3)

    for (const wrong of [
      url.replace("mysql:", "mysqk:"),
      url.replace("mysql:", "MySQL:"),
      url.replace("://", ":/"),
      url.replace("@127.0.0.1", ""),
      url.replace(/@.*/, ""),
      url.replace(/@.*/, "/ports"),
      url.replace("/ports", ""),
      url.replace("127.0.0.1", "a b"),
      url.replace("ports", "%"),
      `${url}?password=${SECRET}`,
      `${url}?tls=yes`,
      `keeper:${SECRET}`,
      ` ${url}`
    ]) {
      for (const words of [["getPort", "--key", "a"], ["daemon"]]) {
        const code = await say(machine({ ...settings, AUTOMATELINUX_DATABASE_URL: wrong }), ...words)
        expect([wrong, [2, 3].includes(code ?? 0)]).toEqual([wrong, true])
      }
    }
    expect(await daemon.stop()).toBe(0)
    expect(daemon.log()).toContain("level=")
    told.push(daemon.log())
    for (const text of told) expect(text).not.toMatch(/hunter|Zq9|7w\b/)
  })
})
