import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { startDaemon } from "../support/cli.ts"
import { inProcess } from "../support/inProcess.ts"
import { isRoot } from "../support/otherUser.ts"
import { ALICE, directoryOf, MALLORY, type User, user } from "../support/users.ts"

/** The lock that keeps a second daemon from a path: nothing but a daemon of the same user's holds it. */

/** The abstract names that a process listens on, as the kernel's table shows them to everyone. */
const namesOf = (pid: number): ReadonlyArray<string> => {
  const links = readdirSync(`/proc/${pid}/fd`).map((descriptor) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${descriptor}`)
    } catch {
      return ""
    }
  })
  const table = readFileSync("/proc/net/unix", "latin1").matchAll(/ 01 +(\d+) @(automatelinux-ports.*)$/gm)
  return [...table].filter(([, inode]) => links.includes(`socket:[${inode}]`)).map(([, , name = ""]) => name)
}

/** The name that a daemon of `victim`'s binds, learned from one that runs and is then killed. */
const lockName = async (victim: User): Promise<string> => {
  const daemon = await victim.daemon()
  const [name = "", ...others] = namesOf(daemon.pid)
  await daemon.kill("SIGKILL")
  expect(name).not.toBe("")
  expect(others).toEqual([])
  return name
}

/** The name as the kernel has it: where its table shows @, there is a zero. */
const ABSTRACT = `b"\\0" + name.encode("latin1").replace(b"@", b"\\0")`

/** Binds names as another user, and does `then` with each connection to the last one. */
const squat = async (names: string | ReadonlyArray<string>, then: string, address = ABSTRACT): Promise<void> => {
  const script = `
import os, socket, sys
kept = []
for name in sys.argv[1:]:
    s = socket.socket(socket.AF_UNIX)
    s.bind(${address})
    s.listen(100)
    kept.append(s)
print("bound", flush=True)
while True:
    c, _ = s.accept()
    kept.append(c)
    try:
        ${then}
    except OSError:
        pass
`
  const child = user(MALLORY).start("python3", "-c", script, ...[names].flat())
  let errors = ""
  child.stderr?.on("data", (chunk) => (errors += chunk))
  await new Promise<void>((done, fail) => {
    child.stdout?.once("data", () => done())
    child.once("exit", () => fail(new Error(errors)))
  })
}

const served = (): User => {
  const path = join(directoryOf(ALICE, 0o700), "run/d.sock")
  return user(ALICE, { AUTOMATELINUX_PORTS_SOCKET: path })
}

const already = (victim: User, pid: number) => ({
  code: 3,
  stdout: "",
  stderr: `error: a daemon already serves ${victim.env["AUTOMATELINUX_PORTS_SOCKET"]}, pid ${pid}\nhint: d status shows more\n`
})

describe.skipIf(!isRoot)("another user who has the name of the lock", () => {
  it.each([
    ["answers nothing", "pass"],
    ["answers without end", `while True: c.sendall(b"\\x1b[2J666" * 10000)`],
    ["answers with a pid", `c.sendall(b"1\\n"); c.close()`]
  ])("neither keeps a daemon from starting nor lets a second one start: %s", async (_, then) => {
    const victim = served()
    await squat(await lockName(victim), then)
    const daemon = await victim.daemon()
    expect((await victim.d("ping")).stdout).toBe("pong\n")
    expect(await victim.d("daemon")).toEqual(already(victim, daemon.pid))
    // Its second name is gone with it, too.
    await daemon.kill("SIGKILL")
    const next = await victim.daemon()
    expect(await victim.d("daemon")).toEqual(already(victim, next.pid))
  })

  it("cannot name a socket so that it looks like a lock of the user's", async () => {
    const victim = served()
    const name = await lockName(victim)
    // A process of the user's with a socket, to which a line of the table would point.
    const idle = victim.start("sleep", "60")
    const inode = /\d+/.exec(readlinkSync(`/proc/${idle.pid}/fd/0`))?.[0]
    await squat(`\n0: 00000002 00000000 00010000 0001 01 ${inode} @${name}`.slice(0, 107), "pass")
    await squat(name, "pass")
    await victim.daemon()
  })

  it("cannot have doctor end a process of its choice in the place of a daemon that is stopped", async () => {
    const root = user(0, { AUTOMATELINUX_PORTS_SOCKET: join(directoryOf(0), "run/d.sock") })
    const daemon = await root.daemon()
    const inode = /\d+/.exec(readlinkSync(`/proc/${root.start("sleep", "60").pid}/fd/0`))?.[0]
    await squat(
      Array.from({ length: 100 }, (_, i) => `${i}\n0: 0 0 0 0 01 ${inode} ${root.env["AUTOMATELINUX_PORTS_SOCKET"]}`),
      "pass",
      // Paths of directories of its own, which end like the daemon's.
      "os.makedirs(os.path.dirname(name)) or name"
    )
    process.kill(daemon.pid, "SIGSTOP")
    const run = await root.d("doctor", "--json", "--check", "daemon-running")
    process.kill(daemon.pid, "SIGCONT")
    expect(JSON.parse(run.stdout).findings).toMatchObject([
      {
        evidence: `pid ${daemon.pid} accepts connections but does not reply; it is stopped`,
        fix: `kill -CONT ${daemon.pid}`
      }
    ])
  })

  it("does not keep a dead socket from being taken away", async () => {
    const victim = served()
    await squat(await lockName(victim), "pass")
    const run = await victim.d("doctor", "--fix", "--json", "--check", "daemon-running")
    expect(JSON.parse(run.stdout).mended).toEqual([
      `removed the dead socket ${victim.env["AUTOMATELINUX_PORTS_SOCKET"]}`
    ])
  })

  it("has no use of a program of root's that it has given the socket", async () => {
    const root = user(0, { AUTOMATELINUX_PORTS_SOCKET: join(directoryOf(0), "run/d.sock") })
    const name = await lockName(root)
    // `su` asks for a password, with root's rights and what it has inherited.
    const script = `
import socket, sys, os
s = socket.socket(socket.AF_UNIX)
s.bind(b"\\0" + sys.argv[1].encode("latin1").replace(b"@", b"\\0"))
s.listen(1)
s.set_inheritable(True)
os.execvp("su", ["su", "-c", "true"])
`
    const su = user(MALLORY).start("python3", "-c", script, name)
    const pid = su.pid ?? 0
    await new Promise<void>((done) => {
      for (const output of [su.stdout, su.stderr]) output?.once("data", () => done())
    })
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(new RegExp(`^Uid:\t${MALLORY}\t0\t0\t0$`, "m"))
    await root.daemon()
  })

  it("takes no descriptor of a running daemon", async () => {
    const victim = served()
    const daemon = await victim.daemon()
    const [name = ""] = namesOf(daemon.pid)
    const limit = victim.start("prlimit", "--pid", String(daemon.pid), "--nofile=1024:1024")
    expect(await new Promise((done) => limit.once("exit", done))).toBe(0)
    const open = () => readdirSync(`/proc/${daemon.pid}/fd`).length
    const idle = open()
    const script = `
import socket, sys, resource, signal
signal.alarm(20)
resource.setrlimit(resource.RLIMIT_NOFILE, (4000, 4000))
sockets = []
for _ in range(3000):
    s = socket.socket(socket.AF_UNIX)
    s.connect(b"\\0" + sys.argv[1].encode("latin1").replace(b"@", b"\\0"))
    sockets.append(s)
print("connected", flush=True)
sys.stdin.read()
`
    const flood = user(MALLORY).start("python3", "-c", script, name)
    let said = ""
    flood.stdout?.on("data", (chunk) => (said += chunk))
    flood.stderr?.on("data", (chunk) => (said += chunk))
    await new Promise<void>((done) => {
      flood.stdout?.once("data", () => done())
      flood.once("exit", () => done())
    })
    expect(said).toBe("connected\n")
    expect(await victim.d("ping")).toEqual({ code: 0, stdout: "pong\n", stderr: "" })
    expect(open()).toBeLessThan(idle + 50)
  })
})

describe("the lock", () => {
  it("holds when the directory of the socket is removed, and goes with a daemon that is killed", async () => {
    const box = inProcess()
    const daemon = await startDaemon(box)
    rmSync(dirname(daemon.socket), { recursive: true })
    expect((await box.d("daemon")).stderr).toMatch(
      new RegExp(`^error: a daemon (is running|already serves .*), pid ${daemon.pid}\\b`)
    )
    await daemon.stop("SIGKILL")
    await startDaemon(box)
    expect(await box.ok("ping")).toBe("pong\n")
  })

  it("is taken by a daemon that waits for another, if that ends instead of answering", async () => {
    const box = inProcess()
    const first = await startDaemon(box)
    first.signal("SIGSTOP")
    rmSync(first.socket)
    const second = startDaemon(box)
    await new Promise((done) => setTimeout(done, 700))
    await first.stop("SIGKILL")
    await second
    expect(await box.ok("ping")).toBe("pong\n")
  })

  it("lets a daemon serve a path of any length that the kernel takes", async () => {
    for (const length of [85, 86, 100, 107]) {
      const box = inProcess()
      const path = join(box.home, `${"x".repeat(length - box.home.length - 1)}`)
      const long = box.with({ AUTOMATELINUX_PORTS_SOCKET: path })
      expect(path).toHaveLength(length)
      const daemon = await startDaemon(long)
      expect(await long.ok("ping")).toBe("pong\n")
      expect((await long.d("daemon")).stderr).toContain(`pid ${daemon.pid}\n`)
      expect(await daemon.stop()).toBe(0)
      expect(readdirSync(box.home)).not.toContain(path.slice(box.home.length + 1))
    }
  })

  it.each([
    [
      "is too long",
      (home: string) => join(home, "y".repeat(108 - home.length - 1)),
      "is 108 bytes long: the path of a socket has at most 107"
    ],
    [
      "is far too long",
      (home: string) => join(home, "y".repeat(300)),
      "bytes long: the path of a socket has at most 107"
    ],
    [
      "has too many bytes",
      (home: string) => join(home, "ü".repeat(50)),
      "bytes long: the path of a socket has at most 107"
    ],
    ["is relative", () => "d.sock", '"d.sock" is not an absolute path'],
    ["has a control character", (home: string) => `${home}/d.sock\r`, "has a control character"]
  ])("refuses a path that %s in one sentence, everywhere", async (_, path, problem) => {
    const box = inProcess()
    mkdirSync(join(box.home, "run"))
    const wrong = box.with({ AUTOMATELINUX_PORTS_SOCKET: path(box.home) })
    const before = readdirSync(box.home)
    for (const words of [["daemon"], ["getSocketPath"], ["getPort", "--key", "a"], ["ping"], ["doctor"]]) {
      const run = await wrong.d(...words)
      expect([run.code, run.stdout], words.join()).toEqual([2, ""])
      expect(run.stderr).toContain(problem)
      expect(run.stderr).toMatch(/^error: AUTOMATELINUX_PORTS_SOCKET "[^\n]*\nhint: name another path, or unset it\n$/)
    }
    expect(readdirSync(box.home)).toEqual(before)
    // A command that asks no daemon does not need the path.
    const alone = wrong.with({ AUTOMATELINUX_DAEMON: "never" })
    expect(await alone.ok("listPorts")).toContain("KEY")
    const { findings } = JSON.parse((await alone.d("doctor", "--json", "--check", "daemon-running")).stdout)
    expect(findings).toMatchObject([{ severity: "error", fix: "unset AUTOMATELINUX_PORTS_SOCKET" }])
    expect(findings[0].evidence).toContain(problem)
  })
})
