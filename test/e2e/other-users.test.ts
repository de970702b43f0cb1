import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { collect, copyOfProgram } from "../support/cli.ts"
import { isRoot } from "../support/otherUser.ts"
import {
  ALICE,
  directoryOf,
  type Fake,
  fakeDaemon,
  inTmp,
  MALLORY,
  someInTmp,
  type User,
  user
} from "../support/users.ts"

/** Other users of the same machine: what they put in a user's way is neither believed nor told anything. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "25200-25299", AUTOMATELINUX_SPECIAL_RANGE: "25300-25399" }
const SOCKET = "automatelinux-ports.sock"

/** A shell command, and what a terminal acts upon. */
const EVIL = "1; touch /tmp/pwned; \u001b[2J"
const REPLY = {
  ok: true,
  version: EVIL,
  result: { pong: true, pid: EVIL, waitSeconds: 10, key: "cad-dev", port: 1, findings: [], healthy: true },
  notes: [EVIL]
}

const alice = (env: Readonly<Record<string, string>> = {}) => user(ALICE, { ...RANGES, ...env })
const mallory = () => user(MALLORY)

/** Every way to reach a daemon, and none of them reaches this one. */
const expectLeftAlone = async (victim: User, fake: Fake): Promise<void> => {
  for (const words of [
    ["allocate", "--app", "cad"],
    ["getPort", "--key", "cad-dev"],
    ["listPorts"],
    ["doctor"],
    ["explain", "--key", "cad-dev"]
  ]) {
    const run = await victim.d(...words)
    expect(run.code, `${words}: ${run.stderr}`).not.toBe(70)
    for (const text of ["pwned", "\u001b"]) expect(run.stdout + run.stderr).not.toContain(text)
    if (words[0] === "getPort") expect(run).toEqual({ code: 0, stdout: "25201\n", stderr: "" })
  }
  for (const command of ["ping", "status"]) expect(await victim.d(command)).toMatchObject({ code: 3, stdout: "" })
  expect(fake.heard()).toBe("")
}

describe.skipIf(!isRoot)("another user", () => {
  it("does not become the daemon by being first in /tmp, nor keep one from serving", async () => {
    const directory = inTmp(`automatelinux-${ALICE}`, MALLORY)
    const fake = await fakeDaemon(mallory(), join(directory, SOCKET), REPLY)
    const victim = alice({ AUTOMATELINUX_DATABASE_URL: `sqlite:${directoryOf(ALICE)}/secret-place/ports.sqlite` })
    await expectLeftAlone(victim, fake)
    // The daemon finds a place of its own, and every command finds the daemon.
    const daemon = await victim.daemon()
    expect(JSON.parse((await victim.d("ping", "--json")).stdout)).toMatchObject({ pid: daemon.pid })
    const path = (await victim.d("getSocketPath")).stdout.trim()
    expect(path).toBe(join(victim.home, ".local/state/automatelinux", SOCKET))
    expect(await victim.d("daemon")).toMatchObject({
      code: 3,
      stderr: `error: a daemon already serves ${path}, pid ${daemon.pid}\nhint: d status shows more\n`
    })
    // Once the other has left /tmp, it is found all the same, and is still the only one.
    rmSync(directory, { recursive: true })
    expect((await victim.d("ping")).stdout).toBe("pong\n")
    expect(await victim.d("daemon")).toMatchObject({
      code: 3,
      stderr: `error: a daemon of this user already serves ${path}\nhint: d status shows more\n`
    })
    expect(fake.heard()).toBe("")
  })

  const PLACES: ReadonlyArray<readonly [string, () => string, RegExp]> = [
    ["in a directory of its own", () => join(directoryOf(MALLORY), "d.sock"), /^\S+ belongs to uid 54402$/],
    ["in a sticky directory", () => join(someInTmp(0, 0o1777), "d.sock"), /^\S+\/d.sock belongs to uid 54402$/],
    [
      "in a directory of the user's that everyone may write to",
      () => join(directoryOf(ALICE, 0o777), "d.sock"),
      /^other users may write to /
    ],
    [
      "in one that a group may write to",
      () => {
        const directory = directoryOf(ALICE, 0o775)
        chownSync(directory, ALICE, MALLORY)
        return join(directory, "d.sock")
      },
      /^other users may write to /
    ],
    [
      "below one that everyone may write to",
      () => {
        const directory = join(directoryOf(ALICE, 0o777), "run")
        mkdirSync(directory)
        chownSync(directory, MALLORY, MALLORY)
        return join(directory, "d.sock")
      },
      /^other users may write to /
    ],
    [
      "behind a link of its own",
      () => {
        const open = someInTmp(0, 0o1777)
        symlinkSync(directoryOf(MALLORY), join(open, "run"))
        return join(open, "run/d.sock")
      },
      /^\S+ belongs to uid 54402$/
    ],
    [
      "behind a link of the user's",
      () => {
        const home = directoryOf(ALICE)
        symlinkSync(directoryOf(MALLORY), join(home, "run"))
        return join(home, "run/d.sock")
      },
      /^\S+ belongs to uid 54402$/
    ]
  ]

  it.each(PLACES)("is not asked %s, even if the user names the path", async (_, place, evidence) => {
    const path = place()
    const fake = await fakeDaemon(mallory(), path, REPLY)
    const victim = alice({ AUTOMATELINUX_PORTS_SOCKET: path })
    await expectLeftAlone(victim, fake)
    expect(await victim.d("getSocketPath")).toMatchObject({
      code: 3,
      stdout: "",
      stderr: expect.stringMatching(/ is not used: /)
    })
    const run = await victim.d("doctor", "--json", "--check", "daemon-running")
    const [finding] = JSON.parse(run.stdout).findings
    expect(finding).toMatchObject({
      severity: "warning",
      message: `the socket ${path} is not used: another user could have made it`
    })
    expect(finding.evidence).toMatch(evidence)
    expect(await victim.d("daemon")).toMatchObject({ code: 3, stdout: "" })
    expect(fake.heard()).toBe("")
  })

  it("is not asked by root, who has the path from the user's environment", async () => {
    const path = join(directoryOf(MALLORY), "d.sock")
    const fake = await fakeDaemon(mallory(), path, REPLY)
    await expectLeftAlone(user(0, { ...RANGES, AUTOMATELINUX_PORTS_SOCKET: path }), fake)
  })

  it("does not make root's shell or daemon use a runtime directory of its own", async () => {
    const runtime = directoryOf(MALLORY)
    mkdirSync(join(runtime, "automatelinux"))
    chownSync(join(runtime, "automatelinux"), MALLORY, MALLORY)
    const fake = await fakeDaemon(mallory(), join(runtime, "automatelinux", SOCKET), REPLY)
    // As after `su alice`, which keeps the variable.
    const victim = alice({ XDG_RUNTIME_DIR: runtime })
    await expectLeftAlone(victim, fake)
    const { stdout } = await victim.d("getSocketPath")
    expect(stdout).toBe(`/tmp/automatelinux-${ALICE}/${SOCKET}\n`)
  })

  it("cannot make the daemon serve in a directory that was open to it before", async () => {
    const open = someInTmp(0, 0o1777)
    mkdirSync(join(open, "run"))
    chownSync(join(open, "run"), MALLORY, MALLORY)
    chmodSync(join(open, "run"), 0o777)
    const run = await alice({ AUTOMATELINUX_PORTS_SOCKET: join(open, "run/deep/d.sock") }).d("daemon")
    expect(run).toEqual({
      code: 3,
      stdout: "",
      stderr: `error: will not make a socket in ${open}/run/deep: ${open}/run belongs to uid ${MALLORY}\nhint: name another path with AUTOMATELINUX_PORTS_SOCKET\n`
    })
    // Not so much as a directory was made there.
    expect(existsSync(join(open, "run/deep"))).toBe(false)
  })
})

describe.skipIf(!isRoot)("a daemon that may be shared", () => {
  const GROUP = 54_410
  const shared = async (server: User, path: string) => {
    const daemon = await server.daemon()
    // As AUTOMATELINUX_SOCKET_GROUP does it with a group that the system knows.
    for (const [each, mode] of [
      [dirname(path), 0o750],
      [path, 0o660]
    ] as const) {
      chownSync(each, server.env["UID"] === undefined ? 0 : Number(server.env["UID"]), GROUP)
      chmodSync(each, mode)
    }
    return daemon
  }
  const member = (path: string) => user(ALICE, { ...RANGES, AUTOMATELINUX_PORTS_SOCKET: path }, GROUP)
  const any = async (each: User) => (await each.d("ping")).stdout

  it("is root's", async () => {
    const path = join(directoryOf(0), "run/d.sock")
    await shared(user(0, { ...RANGES, AUTOMATELINUX_PORTS_SOCKET: path }), path)
    expect(await any(member(path))).toBe("pong\n")
    expect(await alice({ AUTOMATELINUX_PORTS_SOCKET: path }).d("ping")).toMatchObject({ code: 3 })
  })

  it("is a service account's, through a group, in a directory that root has given it", async () => {
    const path = join(directoryOf(MALLORY), "run/d.sock")
    const server = { ...RANGES, AUTOMATELINUX_PORTS_SOCKET: path, UID: String(MALLORY) }
    await shared(user(MALLORY, server), path)
    expect(await any(member(path))).toBe("pong\n")
    // Root does not go by what a user shares.
    expect(await user(0, { AUTOMATELINUX_PORTS_SOCKET: path }, GROUP).d("ping")).toMatchObject({ code: 3, stdout: "" })
  })

  it("is no one's who made the directory where everyone could", async () => {
    const directory = join(someInTmp(0, 0o1777), "run")
    mkdirSync(directory)
    chownSync(directory, MALLORY, MALLORY)
    const path = join(directory, "d.sock")
    const fake = await fakeDaemon(mallory(), path, REPLY)
    chownSync(path, MALLORY, GROUP)
    chmodSync(path, 0o660)
    expect(await member(path).d("ping")).toMatchObject({ code: 3, stdout: "" })
    expect(fake.heard()).toBe("")
  })
})

describe.skipIf(!isRoot)("one user", () => {
  /** As systemd makes it for a session. */
  const runtimeOf = (uid: number): string => {
    const runtime = `/run/user/${uid}`
    const above = existsSync("/run/user")
    mkdirSync(runtime, { recursive: true, mode: 0o700 })
    chownSync(runtime, uid, uid)
    onTestFinished(() => rmSync(above ? runtime : "/run/user", { recursive: true }))
    return runtime
  }
  const pidOf = async (each: User): Promise<number> => JSON.parse((await each.d("ping", "--json")).stdout).pid

  it("has one daemon, from the desktop, cron, su and ssh", async () => {
    const runtime = runtimeOf(ALICE)
    const cron = alice()
    const desktop = cron.with({ XDG_RUNTIME_DIR: runtime })
    const su = cron.with({ XDG_RUNTIME_DIR: directoryOf(MALLORY) })
    for (const first of [desktop, cron]) {
      const daemon = await first.daemon()
      for (const each of [desktop, cron, su]) {
        expect(await pidOf(each)).toBe(daemon.pid)
        expect(await each.d("daemon")).toMatchObject({
          code: 3,
          stderr: expect.stringContaining(`pid ${daemon.pid}\n`)
        })
      }
      await daemon.kill("SIGTERM")
    }
  })

  it("has one daemon if it was started before there was a session", async () => {
    const early = alice()
    const daemon = await early.daemon()
    onTestFinished(() => rmSync(`/tmp/automatelinux-${ALICE}`, { recursive: true, force: true }))
    const desktop = early.with({ XDG_RUNTIME_DIR: runtimeOf(ALICE) })
    for (const each of [early, desktop]) {
      expect(await pidOf(each)).toBe(daemon.pid)
      expect(await each.d("daemon")).toMatchObject({
        code: 3,
        stderr: `error: a daemon of this user already serves /tmp/automatelinux-${ALICE}/${SOCKET}\nhint: d status shows more\n`
      })
    }
  })

  it("is told by doctor of a dead socket from before the session, and rid of it", async () => {
    const early = alice()
    await (await early.daemon()).kill("SIGKILL")
    onTestFinished(() => rmSync(`/tmp/automatelinux-${ALICE}`, { recursive: true, force: true }))
    const desktop = early.with({ XDG_RUNTIME_DIR: runtimeOf(ALICE) })
    const check = async (...words: ReadonlyArray<string>) =>
      JSON.parse((await desktop.d("doctor", "--json", "--check", "daemon-running", ...words)).stdout)
    const path = `/tmp/automatelinux-${ALICE}/${SOCKET}`
    expect((await check()).findings).toMatchObject([{ message: `the socket ${path} is dead: its daemon is gone` }])
    expect(await check("--fix")).toMatchObject({ mended: [`removed the dead socket ${path}`], healthy: true })
  })

  it("does without a runtime directory whose name is too long for a socket", async () => {
    const runtime = join(directoryOf(ALICE), "z".repeat(120))
    mkdirSync(runtime)
    chownSync(runtime, ALICE, ALICE)
    const { stdout } = await alice({ XDG_RUNTIME_DIR: runtime }).d("getSocketPath")
    expect(stdout).toBe(`/tmp/automatelinux-${ALICE}/${SOCKET}\n`)
  })

  it("reaches its daemon in a user namespace, where root has another number", async () => {
    const path = join(someInTmp(ALICE), "run/d.sock")
    // A directory of root's would be one of an unknown user's there, and /tmp is open to all.
    const each = alice({ AUTOMATELINUX_PORTS_SOCKET: path })
    const daemon = await each.daemon()
    const inside = (what: string, ...words: ReadonlyArray<string>) =>
      collect(each.start("unshare", "--user", `--map-user=${ALICE}`, what, ...words))
    expect((await inside("stat", "-c", "%u", "/")).stdout).toBe("65534\n")
    const d = [copyOfProgram(), "ping", "--json"]
    expect(await inside(process.execPath, ...d)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`"pid":${daemon.pid}`)
    })
    // What an unknown user has put into /tmp is not trusted.
    const directory = inTmp(`automatelinux-${ALICE}`, MALLORY)
    const fake = await fakeDaemon(mallory(), join(directory, SOCKET), REPLY)
    const run = collect(
      alice().start("unshare", "--user", `--map-user=${ALICE}`, process.execPath, copyOfProgram(), "ping")
    )
    expect(await run).toMatchObject({ code: 3, stdout: "" })
    expect(fake.heard()).toBe("")
  })

  it("keeps apart what has a runtime directory of its own", async () => {
    runtimeOf(ALICE)
    const usual = alice()
    await usual.daemon()
    const apart = usual.with({ XDG_RUNTIME_DIR: directoryOf(ALICE, 0o700) })
    expect(await apart.d("ping")).toMatchObject({ code: 3 })
    expect((await apart.daemon()).log()).toContain(apart.env["XDG_RUNTIME_DIR"])
  })
})
