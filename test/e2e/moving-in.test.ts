import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { machine, startDaemon } from "../support/cli.ts"
import { rangesFrom, until } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { MariaDb } from "../support/mariadb.ts"
import { temporary } from "../support/root.ts"
import { client, requestDaemon } from "../support/socketClient.ts"
import { withSqlite } from "../support/sqlite.ts"
import { standIn } from "../support/standIn.ts"
import { bootSystemd } from "../support/systemd.ts"

/** What moves in from the deployed daemon: its clients, and the rows that it reads. */

const RANGES = rangesFrom(21_900)

it.each<[string, unknown]>([
  ["the text true", "true"],
  ["1", 1],
  ["the text 1", "1"],
  ["yes", "yes"],
  ["true itself", true]
])("shares a port for a client that says force with %s", async (_, force) => {
  const box = machine(RANGES)
  await box.ok("allocate", "--app", "cad")
  const { socket: path } = await startDaemon(box)
  const set = { command: "setPort", key: "b", value: 21_901 }
  expect(await requestDaemon(path, JSON.stringify(set))).toBe(
    'ERROR: 21901 belongs to cad-dev; b was not set; to insist, add "force":"true"\n'
  )
  for (const no of ["false", 0, "0", "no", "", false])
    expect(await requestDaemon(path, JSON.stringify({ ...set, force: no }))).toMatch(/^ERROR: 21901 belongs to/)
  expect(await requestDaemon(path, JSON.stringify({ ...set, force }))).toBe("Port set for b to 21901\n")
  // A client that speaks JSON says what it means.
  const strict = client(path)
  await strict.write(`${JSON.stringify({ ...set, key: "c", force: "true", format: "json" })}\n`)
  expect(JSON.parse(await strict.until(/\n$/))).toMatchObject({ ok: false, error: { code: "invalid" } })
})

it("answers a command that is no text", async () => {
  const { socket } = await startDaemon(machine(RANGES))
  const nested = `{"command":${"[".repeat(8000)}${"]".repeat(8000)}}`
  expect(await requestDaemon(socket, nested)).toBe("Missing required arg: command\n")
})

describe("a row that another program reads as a port", () => {
  const stored = (home: string, rows: Readonly<Record<string, string>>) =>
    withSqlite(join(home, ".local/state/automatelinux/ports.sqlite"), (database) => {
      for (const [key, value] of Object.entries(rows))
        database.prepare("INSERT INTO settings VALUES (?, ?)").run(`port_${key}`, value)
    })

  it.each([" 21902", "021902", "21902abc", "+21902", "\t 0021902.5"])(
    "is passed over by allocate: %j",
    async (value) => {
      const box = inProcess(RANGES)
      await box.ok("allocate", "--app", "cad")
      stored(box.home, { other: value })
      expect(await box.d("allocate", "--app", "pt")).toEqual({
        code: 0,
        stdout: "pt-prod 21904\npt-dev 21905\n",
        stderr: `skipped 21902: the row of other contains ${JSON.stringify(value)}, which other programs may read as that port: d doctor --check value-invalid\n`
      })
      // What was told once and is not in the way is not told again.
      expect(await box.d("allocate", "--app", "pt")).toMatchObject({ code: 0, stderr: "" })
    }
  )

  it.each(["x21902", "-21902", "0", "70000", "", "99999999999999999999"])("is none: %j", async (value) => {
    const box = inProcess(RANGES)
    await box.ok("allocate", "--app", "cad")
    stored(box.home, { other: value })
    expect(await box.d("allocate", "--app", "pt")).toEqual({
      code: 0,
      stdout: "pt-prod 21902\npt-dev 21903\n",
      stderr: ""
    })
  })
})

describe("beside another daemon", () => {
  /** A machine whose shells name the other daemon's socket, and nothing of ours. */
  const beside = async (env: Readonly<Record<string, string>> = {}) => {
    const other = await standIn()
    const box = machine({
      ...RANGES,
      AUTOMATELINUX_PORTS_SOCKET: "",
      AUTOMATE_LINUX_SOCKET_PATH: other.path,
      XDG_RUNTIME_DIR: join(dirname(other.path), "run"),
      ...env
    })
    mkdirSync(join(dirname(other.path), "run"))
    return { box, other }
  }
  const warning = (path: string) =>
    `warning: another daemon serves ${path}, with ports that this registry does not know; set AUTOMATELINUX_DATABASE_URL to its database, or put d in front of it with AUTOMATELINUX_FORWARD\n`

  it("says with every change that there is another registry, and what to do", async () => {
    const { box, other } = await beside()
    for (const words of [
      ["allocate", "--app", "cad"],
      ["claim", "--app", "cad"],
      ["setPort", "--key", "x", "--value", "21990"],
      ["deletePort", "--key", "x"],
      ["reserve", "--port", "21999", "--reason", "x"],
      ["release", "--app", "cad"],
      ["undo"]
    ])
      expect(await box.d(...words)).toMatchObject({ code: 0, stderr: expect.stringContaining(warning(other.path)) })
    expect(await box.d("listPorts")).toMatchObject({ code: 0, stderr: "" })
    expect((await box.d("ping")).stderr).toContain(warning(other.path))
    const { findings } = JSON.parse((await box.d("doctor", "--json")).stdout)
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: "daemon-running",
        severity: "warning",
        message: `another daemon serves ${other.path}, with ports that this registry does not know`
      })
    )
    await other.kill()
    expect(await box.d("allocate", "--app", "cad")).toMatchObject({ code: 0, stderr: "" })
  })

  it("says so with a daemon of its own, on a socket of its own", async () => {
    const theirs = await beside()
    const { other } = theirs
    const box = theirs.box.with({ AUTOMATELINUX_PORTS_SOCKET: join(theirs.box.home, "ours.sock") })
    const daemon = await startDaemon(box)
    const status = JSON.parse(await box.ok("status", "--json"))
    expect(status.pid).toBe(daemon.pid)
    expect((await box.d("allocate", "--app", "cad")).stderr).toBe(warning(other.path))
    expect((await box.d("status")).stderr).toBe(warning(other.path))
    // The other daemon is as it was.
    expect(await requestDaemon(other.path, '{"command":"say","text":"here"}')).toBe("here")
  })

  it("says nothing if its database is named", async () => {
    const { box } = await beside()
    const named = box.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${join(box.home, "shared.sqlite")}` })
    expect(await named.d("allocate", "--app", "cad")).toMatchObject({ code: 0, stderr: "" })
  })

  it("leaves the socket and its directory alone where it is told to serve them", async () => {
    const { box, other } = await beside()
    const directory = dirname(other.path)
    chmodSync(directory, 0o755)
    const refused = await box.with({ AUTOMATELINUX_PORTS_SOCKET: other.path }).d("daemon")
    expect(refused).toMatchObject({ code: 3, stdout: "" })
    expect(refused.stderr).toBe(
      `error: another program serves ${other.path}\nhint: leave it alone, and name another path with AUTOMATELINUX_PORTS_SOCKET; see which it is: ss -xlp src ${other.path}\n`
    )
    expect(statSync(directory).mode & 0o777).toBe(0o755)
    expect(await requestDaemon(other.path, '{"command":"say","text":"here"}')).toBe("here")
  })
})

it.each([
  ["0666", 0o666],
  ["660", 0o660],
  ["", 0o600]
])("makes its socket with the mode %j", async (mode, expected) => {
  const box = machine({ ...RANGES, AUTOMATELINUX_SOCKET_MODE: mode })
  const daemon = await startDaemon(box)
  expect(statSync(daemon.socket).mode & 0o777).toBe(expected)
})

it.each(["0777", "0644x", "rw", "0066", "1666"])("refuses %s as a mode", async (mode) => {
  const box = machine({ ...RANGES, AUTOMATELINUX_SOCKET_MODE: mode })
  expect(await box.d("daemon")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      `AUTOMATELINUX_SOCKET_MODE "${mode}" is not the mode of a socket: write 0600, 0660 or 0666`
    )
  })
})

/** The units of the page. */
const [dropIn = "", unit = ""] = [...readFileSync("docs/moving-in.md", "utf8").matchAll(/```ini\n(.*?)```/gs)].map(
  ([, text = ""]) => text
)

it("has units that systemd finds nothing wrong with", () => {
  const directory = temporary()
  const override = join(directory, "automatelinux-daemon.service.d")
  mkdirSync(override)
  writeFileSync(join(override, "override.conf"), dropIn)
  writeFileSync(
    join(directory, "automatelinux-daemon.service"),
    "[Service]\nExecStart=/bin/true\nRuntimeDirectory=automatelinux\n"
  )
  writeFileSync(join(directory, "d-ports.service"), unit)
  for (const name of ["automatelinux-daemon.service", "d-ports.service"]) {
    const { output, status } = spawnSync("systemd-analyze", ["verify", join(directory, name)], {
      encoding: "utf8",
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` }
    })
    expect({ name, status, said: output.join("") }).toEqual({ name, status: 0, said: "" })
  }
})

it("has units with which d moves in front of the other daemon's service, and out again", async ({ skip }) => {
  const theirs = `
    require("node:net").createServer((client) => client.once("data", (text) => client.end("theirs: " + text)))
      .listen("/run/automatelinux/automatelinux-daemon.sock")`
  const database = await MariaDb.start()
  await database.query(
    "CREATE DATABASE automate_linux; CREATE USER ports@localhost; GRANT ALL ON *.* TO ports@localhost"
  )
  const systemd = await bootSystemd({
    "/run/theirs.js": theirs,
    "/etc/systemd/system/automatelinux-daemon.service":
      "[Service]\nExecStart=/usr/bin/env node /run/theirs.js\nRuntimeDirectory=automatelinux\n",
    "/etc/systemd/system/mysql.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
    "/run/override.conf": dropIn,
    "/run/d-ports.service": unit
  })
  if (systemd === undefined) return skip("a systemd needs root, and namespaces of its own")
  const { sh } = systemd
  const ok = (line: string) => expect(sh(line)).toMatchObject({ code: 0 })
  const ask = async (request: object) => {
    const path = "/run/automatelinux/automatelinux-daemon.sock"
    const line = `printf '%s\\n' '${JSON.stringify(request)}' | socat -t 5 - UNIX-CONNECT:${path}`
    return (
      await until(
        async () => sh(line),
        ({ code }) => code === 0
      )
    ).stdout
  }
  ok(`mkdir /run/mysqld && ln -s ${database.socket} /run/mysqld/mysqld.sock`)
  ok("systemctl start automatelinux-daemon")
  /** Asks for what only theirs answers, once it listens. */
  const theirsAnswers = () =>
    until(
      () => ask({ command: "getDir" }),
      (text) => text === 'theirs: {"command":"getDir"}\n'
    )
  await theirsAnswers()

  ok("mkdir -p /etc/systemd/system/automatelinux-daemon.service.d")
  ok("cp /run/override.conf /etc/systemd/system/automatelinux-daemon.service.d/")
  ok("cp /run/d-ports.service /etc/systemd/system/ && systemctl daemon-reload")
  ok("systemctl restart automatelinux-daemon && systemctl enable --now d-ports")
  await theirsAnswers()
  expect(await ask({ command: "setPort", key: "cad-dev", value: 3001 })).toBe("Port set for cad-dev to 3001\n")
  expect(await database.query("SELECT * FROM automate_linux.system_settings")).toEqual([
    { setting_key: "port_cad-dev", setting_value: "3001" }
  ])
  expect(sh("stat -c %a /run/automatelinux/*.sock").stdout).toBe("666\n")
  ok("systemctl restart automatelinux-daemon")
  await theirsAnswers()

  ok("systemctl disable --now d-ports && rm -r /etc/systemd/system/automatelinux-daemon.service.d")
  ok("systemctl daemon-reload && systemctl restart automatelinux-daemon")
  expect(await ask({ command: "ping" })).toBe('theirs: {"command":"ping"}\n')
})
