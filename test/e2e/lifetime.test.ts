import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync
} from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { dirname, join } from "node:path"
import { beforeEach, describe, expect, it, onTestFinished } from "vitest"
import { type Machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { afterMending, findingOf, findingsOf, until } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { asNobody, isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "31100-31149", AUTOMATELINUX_SPECIAL_RANGE: "31150-31199" }

let box: Machine
let path: string
beforeEach(() => {
  box = inProcess(RANGES)
  path = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
})

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8)
const answersAgain = () =>
  until(
    () => box.d("ping"),
    ({ code }) => code === 0
  )

/** Another program that serves `file`. */
const serveAt = (file: string): Promise<Server> =>
  new Promise((done) => {
    const server = createServer((each) =>
      each
        .on("error", () => {})
        .resume()
        .end("not d\n")
    )
    server.listen(file, () => done(server))
    onTestFinished(() => void server.close())
  })

const greetingAt = (file: string): Promise<string> =>
  new Promise((done, fail) => {
    let text = ""
    connect(file)
      .on("data", (chunk) => (text += chunk))
      .on("error", fail)
      .on("close", () => done(text))
  })

describe("the socket of a running daemon", () => {
  it("is made again when it was removed, and clients that are connected stay", async () => {
    const daemon = await startDaemon(box)
    const client = connect(path)
    onTestFinished(() => void client.destroy())
    let heard = ""
    client.on("data", (chunk) => (heard += chunk))
    // It is accepted by then.
    client.write('{"command":"ping","format":"json"}\n')
    await until(
      async () => heard,
      (text) => text.includes("\n")
    )
    unlinkSync(path)
    await answersAgain()
    expect([modeOf(path), modeOf(dirname(path))]).toEqual(["600", "700"])
    expect(daemon.log()).toContain("the socket was removed; made it again")
    const closed = new Promise((done) => client.once("close", done))
    client.write('{"command":"ping"}\n')
    await closed
    expect(heard).toMatch(/\npong\n$/)
    expect(await daemon.stop()).toBe(0)
    expect(existsSync(path)).toBe(false)
  })

  it("is made again with its directory", async () => {
    const daemon = await startDaemon(box)
    rmSync(dirname(path), { recursive: true })
    await answersAgain()
    expect([modeOf(path), modeOf(dirname(path))]).toEqual(["600", "700"])
    expect(await daemon.stop()).toBe(0)
  })

  it("is made again for the group that is configured", async () => {
    const group = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim()
    box = box.with({ AUTOMATELINUX_SOCKET_GROUP: group })
    await startDaemon(box)
    rmSync(dirname(path), { recursive: true })
    await answersAgain()
    await until(
      async () => modeOf(path),
      (mode) => mode === "660"
    )
    expect(modeOf(dirname(path))).toBe("750")
  })

  it("is not made in the place of another file, which stays, and everybody is told the pid and what to do", async () => {
    const daemon = await startDaemon(box)
    unlinkSync(path)
    writeFileSync(path, "mine")
    await until(
      async () => daemon.log(),
      (log) => log.includes("cannot be reached")
    )
    expect(daemon.log()).toContain(`this daemon cannot be reached: ${path} already exists`)
    const message = `a daemon is running, pid ${daemon.pid}, but does not answer at ${path}`
    const hint =
      "it makes its socket again within 5 seconds; if it does not, d doctor --check daemon-running says what to do"
    const told = { code: 3, stdout: "", stderr: `error: ${message}\nhint: ${hint}\n` }
    expect(await box.d("daemon")).toEqual(told)
    expect(await box.d("status")).toEqual(told)
    expect(await box.d("ping")).toEqual(told)
    expect(await box.with({ AUTOMATELINUX_DAEMON: "never" }).d("ping")).toMatchObject({
      stderr: "error: the daemon is not used: AUTOMATELINUX_DAEMON is never\nhint: unset AUTOMATELINUX_DAEMON\n"
    })
    const finding = await findingOf(box, "daemon-running")
    expect(finding).toMatchObject({
      severity: "error",
      message: `a daemon is running, but does not answer at ${path}`,
      evidence: `pid ${daemon.pid} holds its lock; ${path} is not a socket`,
      fix: `ls -ld ${path}`,
      advice: "move it away if nothing needs it, and the daemon makes its socket again within 5 seconds"
    })
    await afterMending(box, finding)
    renameSync(path, `${path}.theirs`)
    await answersAgain()
    renameSync(`${path}.theirs`, path)
    expect(await daemon.stop()).toBe(0)
    expect(readFileSync(path, "utf8")).toBe("mine")
    expect(daemon.log().match(/cannot be reached/g)).toHaveLength(1)
  })

  it("is not made in the place of another program's, which stays, and is made when that has gone", async () => {
    const daemon = await startDaemon(box)
    unlinkSync(path)
    const other = await serveAt(path)
    await until(
      async () => daemon.log(),
      (log) => log.includes(`this daemon cannot be reached: another program serves ${path}`)
    )
    expect(await findingOf(box, "daemon-running")).toMatchObject({
      severity: "error",
      evidence: `pid ${daemon.pid} holds its lock; ${path} is served by another program`,
      fix: `ss -xlp src ${path}`,
      advice: "shows the program; end it, and the daemon makes its socket again within 5 seconds"
    })
    expect(await greetingAt(path)).toBe("not d\n")
    await new Promise((done) => other.close(done))
    await answersAgain()
    unlinkSync(path)
    const next = await serveAt(path)
    expect(await daemon.stop()).toBe(0)
    expect(await greetingAt(path)).toBe("not d\n")
    next.close()
  })

  it("is told of also while the daemon that has lost it is stopped", async () => {
    const daemon = await startDaemon(box)
    daemon.signal("SIGSTOP")
    unlinkSync(path)
    expect(await box.d("status")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`error: a daemon is running, pid ${daemon.pid}, but does not answer at ${path}\n`)
    })
    const finding = await findingOf(box, "daemon-running")
    expect(finding).toMatchObject({
      evidence: `pid ${daemon.pid} holds its lock, and is stopped; there is no socket at ${path}`,
      fix: `kill -CONT ${daemon.pid}`
    })
    await afterMending(box, finding)
    await answersAgain()
  })
})

describe("the directory of the socket", () => {
  /** By its name the daemon could take it for one of its own. */
  const existing = (mode: number) => {
    const directory = join(box.home, "automatelinux")
    mkdirSync(directory)
    chmodSync(directory, mode)
    path = join(directory, "d.sock")
    box = box.with({ AUTOMATELINUX_PORTS_SOCKET: path })
    return directory
  }

  it("stays as it is if another program serves the path, and the daemon is refused", async () => {
    const directory = existing(0o755)
    await serveAt(path)
    expect(await box.d("daemon")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`another program serves ${path}`)
    })
    expect(modeOf(directory)).toBe("755")
  })

  it("stays as it is if it was there, also for a group, and the log tells what the group lacks", async () => {
    const directory = existing(0o711)
    const daemon = await startDaemon(box)
    expect([modeOf(directory), modeOf(path)]).toEqual(["711", "600"])
    await daemon.stop()
    chmodSync(directory, 0o700)
    const group = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim()
    const open = await startDaemon(box.with({ AUTOMATELINUX_SOCKET_GROUP: group }))
    await until(
      async () => open.log(),
      (log) => log.includes("does not let")
    )
    expect([modeOf(directory), modeOf(path)]).toEqual(["700", "660"])
    expect(open.log()).toContain(
      `message="${directory} does not let the group ${group} in" fix="chgrp ${group} ${directory} && chmod g+x ${directory}"`
    )
  })

  it.skipIf(!isRoot)("is not made for a group that this user may not let in", async () => {
    const parent = temporary()
    execFileSync("chown", ["65534", parent])
    const env = { AUTOMATELINUX_SOCKET_GROUP: "root", AUTOMATELINUX_PORTS_SOCKET: join(parent, "a/b/d.sock") }
    expect(await asNobody(env, "daemon")).toEqual({
      code: 3,
      stdout: "",
      stderr: "error: this user is not in the group root\nhint: correct AUTOMATELINUX_SOCKET_GROUP, or join it\n"
    })
    expect(existsSync(join(parent, "a"))).toBe(false)
    mkdirSync(join(parent, "a/b"), { recursive: true })
    chmodSync(join(parent, "a/b"), 0o755)
    execFileSync("chown", ["-R", "65534", join(parent, "a")])
    expect(await asNobody(env, "daemon")).toMatchObject({ code: 3 })
    expect(lstatSync(join(parent, "a/b/d.sock"), { throwIfNoEntry: false })).toBeUndefined()
  })
})

describe("a signal", () => {
  it.each(["SIGHUP", "SIGQUIT", "SIGINT", "SIGTERM"] as const)("%s stops the daemon cleanly", async (signal) => {
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "a")
    if (signal === "SIGHUP") daemon.signal(signal)
    expect(await daemon.stop(signal)).toBe(0)
    expect(existsSync(path)).toBe(false)
    expect(daemon.log()).toContain("message=stopped")
    expect(await findingOf(box, "daemon-running")).toMatchObject({ severity: "info" })
  })

  it("stops one whose terminal is closed, unless it was started under nohup", async () => {
    const program = `${process.execPath} ${PROGRAM} daemon`
    const onTerminal = async (line: string) => {
      // `script` gives it a terminal, which goes with it.
      const run = await box.sh(`
        SHELL=/bin/bash script -qfec '${line} & echo $! > pid; wait' /dev/null >/dev/null </dev/null & shell=$!
        until d ping >/dev/null 2>&1; do sleep 0.1; done
        kill -KILL $shell
        for i in $(seq 50); do kill -0 $(cat pid) 2>/dev/null || break; sleep 0.1; done
        kill -0 $(cat pid) 2>/dev/null && echo alive; d ping 2>&1; kill $(cat pid) 2>/dev/null`)
      return run.stdout
    }
    expect(await onTerminal(program)).toContain(`error: no daemon answers at ${path}`)
    expect(existsSync(path)).toBe(false)
    expect(await onTerminal(`nohup ${program}`)).toBe("alive\npong\n")
  })
})

describe("the settings of a running daemon", () => {
  const write = (settings: Readonly<Record<string, string>>) => {
    const file = join(box.home, ".config/automatelinux/ports.json")
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, JSON.stringify(settings))
    return file
  }
  const plainRanges = { appRange: "31100-31149", specialRange: "31150-31199" }
  /** A machine with everything in its file of settings. */
  const configured = (settings: Readonly<Record<string, string>> = {}) => {
    box = inProcess()
    path = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
    return write({ ...plainRanges, ...settings })
  }
  const settingsOf = async () => JSON.parse(await box.ok("status", "--json")).settings
  const warned = async (log: () => string) =>
    until(
      async () => log(),
      (said) => said.includes("level=WARN")
    )

  it.each([
    ["that decide nothing about ports", { probeInterval: "1 hour", logLevel: "debug" }, "probeInterval, logLevel"],
    ["that decide where ports come from", { appRange: "31100-31147" }, "appRange"],
    ["that name another registry", { databaseUrl: "mysql://ports:hunter2@127.0.0.1:1/ports" }, "databaseUrl"]
  ])("are compared with those %s in the file, and it is told which differ", async (_, changes, names) => {
    const file = configured()
    const daemon = await startDaemon(box)
    expect(await settingsOf()).toEqual({ file, changed: [], problem: null })
    write({ ...plainRanges, ...changes })
    await warned(daemon.log)
    expect(daemon.log()).toContain(
      `settings were changed after this daemon was started: ${names}; restart it to use them`
    )
    expect(await settingsOf()).toEqual({ file, changed: names.split(", "), problem: null })
    expect((await box.d("status")).stdout).toContain(`\nsettings   changed after the daemon was started: ${names}\n`)
    const finding = await findingOf(box, "daemon-running")
    expect(finding).toMatchObject({
      severity: "warning",
      message: `the daemon was started before these settings were changed: ${names}`,
      evidence: `pid ${daemon.pid}, at ${path}, uses the settings that it was started with; the configuration file is ${file}`,
      fix: "d daemon restart"
    })
    expect(await findingOf(box.with({ AUTOMATELINUX_DAEMON: "never" }), "daemon-running")).toEqual(finding)
    expect(daemon.log() + (await box.d("doctor")).stdout).not.toContain("hunter2")
    await daemon.stop()
    expect(daemon.log().match(/level=WARN/g)).toHaveLength(1)
    await startDaemon(box)
    expect((await settingsOf()).changed).toEqual([])
  })

  it("are the same if the environment decides, or a default is written down", async () => {
    configured()
    box = box.with({ AUTOMATELINUX_PROBE_INTERVAL: "1 minute" })
    await startDaemon(box)
    write({ ...plainRanges, probeInterval: "1 hour", downAfter: "3", staleAfter: "14 days", logLevel: "info" })
    expect((await settingsOf()).changed).toEqual([])
    expect(await findingsOf(box, "daemon-running")).toEqual([])
  })

  it("stay in use while those in the file are wrong, which is told", async () => {
    const file = configured()
    const daemon = await startDaemon(box)
    write({ ...plainRanges, probeInterval: "soon" })
    await warned(daemon.log)
    expect(daemon.log()).toContain("is not a duration")
    expect((await settingsOf()).problem).toContain(`probeInterval in ${file}`)
    expect(await findingOf(box, "daemon-running")).toMatchObject({
      severity: "warning",
      message: expect.stringMatching(/^no daemon can be started with the current settings: probeInterval in /),
      fix: `sh -c '\${EDITOR:-vi} "$1"' sh ${file}`
    })
  })
})
