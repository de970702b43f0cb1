import { execFileSync } from "node:child_process"
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { version } from "../../package.json"
import { daemonsOf, endInBackground } from "../support/background.ts"
import { copyOfProgram, type Machine, machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { inThisProcess } from "../support/inProcess.ts"
import { asNobody, isRoot } from "../support/otherUser.ts"
import { rangesEnv } from "../support/ports.ts"
import { standIn } from "../support/standIn.ts"
import { openTerminal } from "../support/terminal.ts"

/** `d daemon start`, `stop`, `restart` and `status`: a daemon in the background. */

const boxWith = (env: Readonly<Record<string, string>> = {}): Machine => {
  const box = machine({ ...rangesEnv, ...env })
  endInBackground(box)
  return box
}

const socketOf = (box: Machine): string => box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
const logOf = (box: Machine): string => join(box.home, ".local/state/automatelinux/daemon.log")
const pidIn = (text: string): number => Number(/, pid (\d+)\b/.exec(text)?.[1])

/** Expects that `restart` refuses settings that are wrong, and leaves the daemon alone. */
const keepsRunning = async (box: Machine, pid: number): Promise<void> => {
  expect(await box.d("daemon", "restart")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^error: no daemon can be started with the current settings: .*\nhint: correct .*\n$/)
  })
  expect(daemonsOf(box)).toEqual([pid])
}
const start = async (box: Machine): Promise<number> => pidIn(await box.ok("daemon", "start"))

const configure = (box: Machine, text: string): void => {
  mkdirSync(join(box.home, ".config/automatelinux"), { recursive: true })
  writeFileSync(join(box.home, ".config/automatelinux/ports.json"), text)
}

it("starts once, shows what runs, and ends it", async () => {
  const box = boxWith()
  const socket = socketOf(box)
  const started = await box.d("daemon", "start")
  const pid = pidIn(started.stdout)
  expect(started).toEqual({ code: 0, stdout: `the daemon answers at ${socket}, pid ${pid}\n`, stderr: "" })
  expect(await box.ok("daemon", "start")).toBe(`a daemon already answers at ${socket}, pid ${pid}\n`)
  expect(JSON.parse(await box.ok("daemon", "start", "--json"))).toEqual({ socket, pid, version, started: false })
  expect(daemonsOf(box)).toEqual([pid])
  expect(await box.ok("daemon", "status")).toMatch(
    new RegExp(
      `^daemon     ${version}, pid ${pid}, up \\d+ s\nsocket     ${socket}\nlog        ${logOf(box)}\nstarted by d daemon start\n$`
    )
  )
  expect(JSON.parse(await box.ok("daemon", "status", "--json"))).toEqual({
    version,
    pid,
    uptimeSeconds: expect.any(Number),
    socket,
    log: logOf(box),
    startedBy: "start",
    service: null
  })
  expect(await box.ok("daemon", "stop")).toBe(`the daemon at ${socket}, pid ${pid}, has ended\n`)
  expect(daemonsOf(box)).toEqual([])
  expect(existsSync(socket)).toBe(false)
  expect(await box.d("daemon", "stop")).toEqual({
    code: 0,
    stdout: `no daemon of d was running at ${socket}\n`,
    stderr: ""
  })
  expect(JSON.parse(await box.ok("daemon", "stop", "--json"))).toEqual({ socket, pid: null })
  expect(await box.d("daemon", "status")).toEqual({
    code: 3,
    stdout: "",
    stderr: `error: no daemon answers at ${socket}\nhint: d daemon start\n`
  })
})

it("does what the page of operations shows", async () => {
  const box = boxWith()
  const [, lines = ""] = /```sh\n(.*?)```/s.exec(readFileSync("docs/operations.md", "utf8")) ?? []
  const { code, stderr, stdout } = await box.sh(`set -e; ${lines}`)
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(stdout).toMatch(
    /^the daemon answers at .*\ndaemon .*\nsocket .*\nlog .*\nstarted by .*\nthe daemon answers at .*\nthe daemon at .*, has ended\n$/
  )
})

it("shows a daemon that was started in another way, and ends it, too", async () => {
  const box = boxWith()
  const daemon = await startDaemon(box)
  expect(JSON.parse(await box.ok("daemon", "status", "--json"))).toMatchObject({
    pid: daemon.pid,
    log: null,
    startedBy: null
  })
  expect(await box.ok("daemon", "status")).toContain("\nstarted by another program, or by hand\n")
  expect(pidIn(await box.ok("daemon", "stop"))).toBe(daemon.pid)
})

it("starts one daemon if several are started at once", async () => {
  const box = boxWith()
  const runs = await Promise.all(Array.from({ length: 4 }, () => box.d("daemon", "start", "--json")))
  expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(runs.map(() => ({ code: 0, stderr: "" })))
  const [pid, ...others] = new Set(runs.map(({ stdout }) => JSON.parse(stdout).pid))
  expect(others).toEqual([])
  await expect.poll(() => daemonsOf(box), { timeout: 10_000 }).toEqual([pid])
})

describe("a daemon in the background", () => {
  it("keeps nothing of the process that started it", async () => {
    const box = boxWith()
    const own = {
      npm_lifecycle_event: "dev",
      INIT_CWD: box.home,
      LISTEN_FDS: "1",
      LISTEN_PID: "1",
      INVOCATION_ID: "1",
      KEPT: "1"
    }
    const lock = join(box.home, "lock")
    const { stdout } = await box.with(own).sh(`exec 7</etc/passwd 200>${lock}; flock 200; d daemon start`)
    const pid = pidIn(stdout)
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/")
    const names = readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .map((each) => each.split("=", 1)[0])
    for (const name of [...Object.keys(own).slice(0, -1), "PWD", "OLDPWD", "_", "SHLVL"])
      expect(names).not.toContain(name)
    expect(names).toEqual(expect.arrayContaining(["KEPT", "HOME", "AUTOMATELINUX_PORTS_SOCKET"]))
    const open = readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`))
    expect(open.filter((file) => file === lock || file === "/etc/passwd")).toEqual([])
    expect([0, 1, 2].map((name) => readlinkSync(`/proc/${pid}/fd/${name}`))).toEqual([
      "/dev/null",
      logOf(box),
      logOf(box)
    ])
    // A session of its own, without a terminal.
    const [, , session, terminal] = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) . /, "")
      .split(" ")
    expect({ session, terminal }).toEqual({ session: String(pid), terminal: "0" })
    expect(execFileSync("flock", ["--nonblock", lock, "echo", "free"], { encoding: "utf8" })).toBe("free\n")
  })

  it("holds no pipe open", async () => {
    const { code, stdout } = await boxWith().sh("d daemon start 2>&1 | cat; d daemon restart 2>&1 | cat")
    expect({ code, lines: stdout.split("\n").length }).toEqual({ code: 0, lines: 3 })
  })

  it("outlives Ctrl-C and its terminal", async () => {
    const box = boxWith()
    const terminal = await openTerminal(box, box.home, "bash")
    await terminal.enter("d daemon start")
    const [, pid] = await terminal.sees(/the daemon answers at \S+, pid (\d+)/)
    await terminal.enter("sleep 100")
    terminal.type("\x03")
    await terminal.close()
    expect(JSON.parse(await box.ok("daemon", "status", "--json"))).toMatchObject({ pid: Number(pid) })
  })

  it("outlives the command of d run that started it", async () => {
    const box = boxWith()
    const { code, stderr, stdout } = await box.sh(`d run --app shop ${process.execPath} ${PROGRAM} daemon start`)
    expect(code, stderr).toBe(0)
    expect(daemonsOf(box)).toEqual([pidIn(stdout)])
  })

  it("logs to a file for its owner only, which is put aside if it has grown large", async () => {
    const box = boxWith()
    mkdirSync(dirname(logOf(box)), { recursive: true })
    writeFileSync(logOf(box), "x".repeat(2 ** 20 + 1), { mode: 0o644 })
    writeFileSync(`${logOf(box)}.1`, "older")
    const pid = await start(box)
    expect(readFileSync(logOf(box), "utf8")).toMatch(new RegExp(`^timestamp=.* pid=${pid} .*\n$`))
    expect(statSync(logOf(box)).mode & 0o777).toBe(0o600)
    expect(statSync(`${logOf(box)}.1`).size).toBe(2 ** 20 + 1)
    await box.ok("daemon", "restart")
    expect(readFileSync(logOf(box), "utf8").match(/message=serving/g)).toHaveLength(2)
  })

  it("is started again after it was killed", async () => {
    const box = boxWith()
    const pid = await start(box)
    process.kill(pid, "SIGKILL")
    await expect.poll(() => daemonsOf(box)).toEqual([])
    expect(await start(box)).not.toBe(pid)
  })
})

describe("a daemon that cannot start", () => {
  it("says what is wrong with its settings, and leaves nothing", async () => {
    const box = boxWith()
    configure(box, '{ "probeInterval": "often" }')
    const run = await box.d("daemon", "start")
    expect(run).toMatchObject({ code: 2, stdout: "" })
    expect(run.stderr).toMatch(/^error: the daemon did not start: probeInterval in .*ports\.json.*\nhint: .+\n$/)
    expect(daemonsOf(box)).toEqual([])
    const document = await box.d("daemon", "start", "--json")
    expect(document).toMatchObject({ code: 2, stdout: "" })
    expect(JSON.parse(document.stderr).error).toMatchObject({ code: "invalid" })
  })

  it.each([
    ["another program", "leave it alone"],
    ["the AutomateLinux daemon", "leave it alone"]
  ])("leaves the socket of %s alone, and so does stop", async (what, hint) => {
    const other = what === "another program" ? undefined : await standIn()
    const box = boxWith(other === undefined ? {} : { AUTOMATELINUX_PORTS_SOCKET: other.path })
    if (other === undefined) {
      mkdirSync(dirname(socketOf(box)), { mode: 0o700 })
      const server = createServer((client) => client.on("data", () => client.end("hello\n")))
      await new Promise<void>((done) => server.listen(socketOf(box), done))
      onTestFinished(() => void server.close())
    }
    const run = await box.d("daemon", "start")
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).toContain(
      `error: the daemon did not start: another program serves ${socketOf(box)}\nhint: ${hint}`
    )
    expect(daemonsOf(box)).toEqual([])
    expect(await box.ok("daemon", "stop")).toBe(`no daemon of d was running at ${socketOf(box)}\n`)
    expect((await box.d("daemon", "status")).stderr).toContain("is not a daemon of d\n")
    expect((await box.d("ping")).stderr).toContain("is not a daemon of d\n")
  })

  it("says what it said last if it ends without an error of its own", async () => {
    const box = boxWith({ NODE_OPTIONS: `--require=${join(machine().home, "none.cjs")}` })
    const preload = box.env["NODE_OPTIONS"]?.slice("--require=".length) ?? ""
    writeFileSync(preload, 'if (process.argv[3] === undefined && process.argv[2] === "daemon") process.exit(9)')
    expect(await box.d("daemon", "start")).toEqual({
      code: 3,
      stdout: "",
      stderr: `error: the daemon did not start: it ended with 9, and has logged nothing\nhint: cat ${logOf(box)}\n`
    })
  })

  it("writes no log to where a link leads, which another user may have made for root", async () => {
    const box = boxWith()
    const other = join(box.home, "other")
    writeFileSync(other, "kept", { mode: 0o644 })
    mkdirSync(dirname(logOf(box)), { recursive: true })
    symlinkSync(other, logOf(box))
    expect(await box.d("daemon", "start")).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^error: cannot write .*: it is not a regular file\nhint: ls -ld .*\n$/)
    })
    expect([readFileSync(other, "utf8"), statSync(other).mode & 0o777]).toEqual(["kept", 0o644])
    expect(daemonsOf(box)).toEqual([])
  })

  it("writes no log to a file that has another name", async () => {
    const box = boxWith()
    const other = join(box.home, "other")
    writeFileSync(other, "kept", { mode: 0o644 })
    mkdirSync(dirname(logOf(box)), { recursive: true })
    linkSync(other, logOf(box))
    expect(await box.d("daemon", "start")).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^error: cannot write .*: it has several hard links\nhint: ls -ld .*\n$/)
    })
    expect([readFileSync(other, "utf8"), statSync(other).mode & 0o777]).toEqual(["kept", 0o644])
  })

  it("says that its log cannot be written", async () => {
    const box = boxWith()
    mkdirSync(logOf(box), { recursive: true })
    expect(await box.d("daemon", "start")).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^error: cannot write .*: it is a directory\nhint: ls -ld .*\n$/)
    })
    expect(daemonsOf(box)).toEqual([])
  })
})

it("says that a daemon hangs, with the line that ends it, and kills nothing", { timeout: 60_000 }, async () => {
  const box = boxWith()
  const pid = await start(box)
  process.kill(pid, "SIGSTOP")
  const at = `the daemon at ${socketOf(box)}, pid ${pid}`
  expect(await box.d("daemon", "start")).toMatchObject({
    code: 3,
    stderr: `error: ${at}, does not answer: it is stopped\nhint: kill -CONT ${pid}\n`
  })
  expect((await box.d("daemon", "status")).stderr).toContain(`${at}, does not answer: it is stopped\n`)
  for (const action of ["stop", "restart"])
    expect(await box.d("daemon", action)).toEqual({
      code: 3,
      stdout: "",
      stderr: `error: ${at}, has not ended within 10 s: it is suspended\nhint: kill -CONT ${pid}\n`
    })
  expect(daemonsOf(box)).toEqual([pid])
  // It has been told, and ends at once.
  expect((await box.sh(`kill -CONT ${pid}; while kill -0 ${pid} 2>&-; do :; done; d daemon start`)).code).toBe(0)
})

it("ends a daemon whose socket is gone", async () => {
  const box = boxWith()
  const pid = await start(box)
  execFileSync("rm", [socketOf(box)])
  expect(pidIn(await box.ok("daemon", "stop"))).toBe(pid)
  expect(daemonsOf(box)).toEqual([])
})

it("says of a program that answers a ping, but no status, that it is not a daemon of d", async () => {
  const box = boxWith()
  mkdirSync(dirname(socketOf(box)), { mode: 0o700 })
  const pong = { ok: true, version, result: { pong: true, pid: process.pid, waitSeconds: 1, clock: 1 } }
  const server = createServer((client) =>
    client.on("data", (line) => client.end(`${String(line).includes("ping") ? JSON.stringify(pong) : "{}"}\n`))
  )
  await new Promise<void>((done) => server.listen(socketOf(box), done))
  onTestFinished(() => void server.close())
  expect(await box.d("daemon", "status")).toMatchObject({
    code: 3,
    stdout: "",
    stderr: expect.stringContaining(`error: the program at ${socketOf(box)} is not a daemon of d\n`)
  })
  expect(await box.ok("daemon", "stop")).toBe(`no daemon of d was running at ${socketOf(box)}\n`)
})

describe("restart", () => {
  it("starts a daemon if none runs", async () => {
    const box = boxWith()
    expect(await box.ok("daemon", "restart")).toMatch(/^the daemon answers at /)
  })

  it("starts the d that restarts it, which start proposes", async () => {
    const box = boxWith()
    const older = copyOfProgram((text) => text.replaceAll(`"${version}"`, '"0.0.1"'))
    const { stdout } = await box.sh(`${process.execPath} ${older} daemon start`)
    expect((await box.d("daemon", "start")).stderr).toBe(
      `note: the daemon has version 0.0.1, but d has ${version}: d daemon restart\n`
    )
    const again = JSON.parse(await box.ok("daemon", "restart", "--json"))
    expect(again).toMatchObject({ version, started: true })
    expect(again.pid).not.toBe(pidIn(stdout))
    expect(daemonsOf(box)).toEqual([again.pid])
  })

  it("takes over changed settings, even of another registry, and ends no daemon for wrong ones", async () => {
    const box = boxWith()
    const pid = await start(box)
    configure(box, '{ "probeInterval": "often" }')
    await keepsRunning(box, pid)
    configure(box, JSON.stringify({ databaseUrl: `sqlite:${box.home}/other.sqlite` }))
    await box.ok("daemon", "restart")
    expect((await box.ok("status")).split("\n")[1]).toContain("/other.sqlite")
  })

  it("says that the configuration file cannot be read, which does not keep stop from ending the daemon", async () => {
    const box = boxWith()
    const pid = await start(box)
    configure(box, "{")
    await keepsRunning(box, pid)
    // Whether a daemon with another file has the same registry is not known.
    const elsewhere = box.with({ XDG_CONFIG_HOME: join(box.home, "elsewhere") })
    mkdirSync(join(box.home, "elsewhere/automatelinux"), { recursive: true })
    writeFileSync(join(box.home, "elsewhere/automatelinux/ports.json"), "{")
    configure(box, "{}")
    expect((await elsewhere.d("daemon", "stop")).stderr).toMatch(
      /, was not ended: the settings of this environment are unreadable\nhint: if it should end: kill \d+\n$/
    )
    configure(box, "{")
    expect(pidIn(await box.ok("daemon", "stop"))).toBe(pid)
  })

  it("loses nothing of a client that allocates all the time", { timeout: 60_000 }, async () => {
    const box = boxWith()
    await start(box)
    const made: Array<{ readonly key: string; readonly port: number }> = []
    const failed: Array<string> = []
    let isOver = false
    const allocate = async (name: string) => {
      for (let count = 0; !isOver; count++) {
        const run = await box.by(inThisProcess).d("allocate", "--special", `${name}-${count}`)
        const [key = "", port] = run.stdout.trimEnd().split(" ")
        if (run.code === 0) made.push({ key, port: Number(port) })
        else failed.push(run.stderr)
      }
    }
    const clients = ["a", "b", "c", "d"].map(allocate)
    const pids = new Set<number>()
    for (let round = 0; round < 4; round++) {
      const before = made.length
      pids.add(pidIn(await box.ok("daemon", "restart")))
      await expect.poll(() => made.length, { timeout: 20_000 }).toBeGreaterThan(before + 3)
    }
    isOver = true
    await Promise.all(clients)
    expect(pids.size).toBe(4)
    expect(failed).toEqual([])
    const listed: ReadonlyArray<{ key: string; port: number }> = JSON.parse(await box.ok("listPorts", "--json"))
    const byKey = new Map(listed.map(({ key, port }) => [key, port]))
    for (const { key, port } of made) expect(byKey.get(key), key).toBe(port)
    expect(new Set(made.map(({ port }) => port)).size).toBe(made.length)
  })
})

describe("a daemon of others", () => {
  it("is not ended if it serves another registry", async () => {
    const box = boxWith()
    const pid = await start(box)
    const elsewhere = box.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${box.home}/other.sqlite` })
    // A setting that does not identify a registry makes no difference.
    configure(box, '{ "probeInterval": "45 seconds" }')
    for (const action of ["stop", "restart"]) {
      const run = await elsewhere.d("daemon", action)
      expect(run).toMatchObject({ code: 1, stdout: "" })
      expect(run.stderr).toMatch(
        new RegExp(
          `^error: the daemon at .*, pid ${pid}, was not ended: the daemon serves another registry .*\nhint: if it should end: kill ${pid}\n$`
        )
      )
    }
    const started = await elsewhere.d("daemon", "start")
    expect(started).toMatchObject({ code: 0, stdout: `a daemon already answers at ${socketOf(box)}, pid ${pid}\n` })
    expect(started.stderr).toMatch(/^note: /)
    expect(daemonsOf(box)).toEqual([pid])
  })

  it("is not ended if it is another user's", async ({ skip }) => {
    if (!isRoot) skip("another user needs root")
    const box = boxWith({ AUTOMATELINUX_SOCKET_MODE: "0666" })
    const pid = await start(box)
    for (const directory of [dirname(box.home), box.home, dirname(socketOf(box))])
      execFileSync("chmod", ["a+x", directory])
    const run = await asNobody({ AUTOMATELINUX_PORTS_SOCKET: socketOf(box) }, "daemon", "stop")
    expect(run).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: the daemon at ${socketOf(box)}, pid ${pid}, belongs to root\nhint: only its owner can end it\n`
    })
    expect(daemonsOf(box)).toEqual([pid])
  })

  it("is not said to be away if its socket may not be used", async ({ skip }) => {
    if (!isRoot) skip("another user needs root")
    const box = boxWith()
    await start(box)
    for (const directory of [dirname(box.home), box.home, dirname(socketOf(box))])
      execFileSync("chmod", ["a+x", directory])
    for (const action of ["status", "stop", "restart"]) {
      const run = await asNobody(
        { AUTOMATELINUX_PORTS_SOCKET: socketOf(box), AUTOMATELINUX_DAEMON: "" },
        "daemon",
        action
      )
      expect([action, run.code, run.stdout]).toEqual([action, 3, ""])
      expect(run.stderr).toContain("permission denied")
    }
  })

  it("is noted to have other ranges than this shell", async () => {
    const box = boxWith()
    await start(box)
    const elsewhere = box.with({ AUTOMATELINUX_APP_RANGE: "4000-4999" })
    for (const action of ["start", "status"])
      expect((await elsewhere.d("daemon", action)).stderr).toMatch(
        /^note: the daemon's appRange is .*, and this environment's "4000-4999"\n$/
      )
  })

  it("is noted to have older settings than its file", async () => {
    const box = boxWith()
    await start(box)
    configure(box, '{ "probeInterval": "2 minutes" }')
    for (const action of ["start", "status"])
      expect((await box.d("daemon", action)).stderr).toBe(
        "note: settings that changed after the daemon was started: probeInterval; d daemon restart applies them\n"
      )
    await box.ok("daemon", "restart")
    expect(await box.d("daemon", "status")).toMatchObject({ code: 0, stderr: "" })
  })

  it("is started in front of the AutomateLinux daemon, and ended without it", async () => {
    const other = await standIn()
    const box = boxWith({ AUTOMATELINUX_FORWARD: other.path })
    const pid = await start(box)
    expect(await box.ok("ping")).toBe("pong\n")
    expect(pidIn(await box.ok("daemon", "stop"))).toBe(pid)
    expect((await box.with({ AUTOMATELINUX_PORTS_SOCKET: other.path }).d("ping")).stderr).toContain(
      "is not a daemon of d"
    )
  })
})

it.each([
  [["halt"], 'daemon has no action "halt"', "d daemon start|stop|restart|status"],
  [["statsu"], 'daemon has no action "statsu"', "did you mean d daemon status?"],
  [["stop", "now"], 'unexpected argument "now"', "hint: d daemon stop"],
  [["start", "--follow"], 'daemon has no option "--follow"', "it belongs to service"],
  [["--json"], "--json does not go with a daemon in the foreground", "d daemon start|stop|restart|status --json"]
])("refuses d daemon %j", async (words, message, hint) => {
  const box = boxWith()
  const { code, stderr, stdout } = await box.d("daemon", ...words)
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
  expect(stderr).toContain(message)
  expect(stderr).toContain(hint)
  expect(daemonsOf(box)).toEqual([])
})

it.each(["start", "stop", "restart"])("is proposed for d %s", async (word) => {
  const box = boxWith().by(inThisProcess)
  expect((await box.d(word)).stderr).toContain(`did you mean d daemon ${word}?`)
})

it("runs the program that it is a part of", async () => {
  const box = boxWith()
  const pid = await start(box)
  expect(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(1, 3)).toEqual([PROGRAM, "daemon"])
})
