import { spawn } from "node:child_process"
import { existsSync, mkdirSync, openSync, unlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest"
import { version } from "../../package.json"
import { copyOfProgram, machine, PROGRAM } from "../support/cli.ts"
import { until } from "../support/doctor.ts"
import { bootSystemd, type Systemd } from "../support/systemd.ts"
import { ALICE } from "../support/users.ts"

/** The daemon as a service: under a real systemd, and with any program that hands it its socket. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "32700-32719", AUTOMATELINUX_SPECIAL_RANGE: "32720-32739" }

const SERVICE = "/etc/systemd/system/d-ports.service"
const FILES = ["/usr/local/lib/automatelinux/start-ports", "/etc/systemd/system/d-ports.socket", SERVICE]
const ROOT_SOCKET = "/run/automatelinux/automatelinux-ports.sock"

/** The manager of the user alice, as a login starts it. */
const MANAGER = `[Service]
User=alice
Delegate=yes
ExecStartPre=+/bin/sh -c "install -d -o alice -g ${ALICE} /run/alice && install -d -m 700 -o alice -g ${ALICE} /run/user/${ALICE}"
Environment=XDG_RUNTIME_DIR=/run/user/${ALICE} SYSTEMD_UNIT_PATH=/run/alice/.config/systemd/user:/run/targets
ExecStart=/lib/systemd/systemd --user
`
const TARGET = "[Unit]\nDefaultDependencies=no\n"
const targets = ["basic", "default", "shutdown", "sockets"].map(
  (name) => [`/run/targets/${name}.target`, TARGET] as const
)

let systemd: Systemd | undefined

beforeAll(async () => {
  systemd = await bootSystemd({ "/etc/systemd/system/alice.service": MANAGER, ...Object.fromEntries(targets) })
})

/** Runs lines of shell as root, or as alice, of whom the last one must succeed. */
const shell = (as: "alice" | "root") => {
  const run = (line: string) =>
    (systemd as Systemd).sh(
      as === "root"
        ? `export HOME=/run/root; ${line}`
        : `setpriv --reuid ${ALICE} --regid ${ALICE} --clear-groups env HOME=/run/alice XDG_RUNTIME_DIR=/run/user/${ALICE} sh -c '${line}'`
    )
  const ok = (line: string) => {
    const done = run(line)
    expect({ line, ...done }).toMatchObject({ code: 0 })
    return done.stdout
  }
  return { run, ok }
}

const pidIn = (text: string) => Number(/, pid (\d+)\b/.exec(text)?.[1])

/** Skips, and so shows, what cannot be tested without root and namespaces of its own. */
const needSystemd = (): void =>
  beforeEach(({ skip }) => {
    if (systemd === undefined) skip("a systemd needs root, and namespaces of its own")
  })

describe("a service of root", () => {
  needSystemd()

  it("is installed, stays as it is if nothing differs, and leaves nothing", () => {
    const { ok, run } = shell("root")
    expect(run("d service status")).toMatchObject({ code: 3, stdout: "no service is installed: d service install\n" })
    expect(ok("d service install --dry-run")).toContain(
      `would make ${SERVICE}\n  # Written by \`d service install\`.\n  [Unit]`
    )
    expect(run(`ls ${SERVICE}`).code).toBe(2)
    const installed = ok("d service install")
    expect(installed).toBe(
      `${FILES.map((file) => `made ${file}\n`).join("")}the daemon answers at ${ROOT_SOCKET}, pid ${pidIn(installed)}\n`
    )
    expect(ok("d service install")).toBe(
      `${FILES.map((file) => `unchanged: ${file}\n`).join("")}the daemon answers at ${ROOT_SOCKET}, pid ${pidIn(installed)}\n`
    )
    expect(ok("d service status")).toMatch(
      /^d-ports.service is active, pid \d+; starts with the machine\nsocket {2}\/run\/.*\nnode {4}\/.*\nd {7}\/.*\/d.cjs\n$/
    )
    expect(ok("systemd-analyze verify d-ports.service d-ports.socket 2>&1")).toBe("")
    // A unit that was edited by hand is as it should be again, and in force.
    ok(`echo Environment=X=1 >>${SERVICE}`)
    const again = ok("d service install")
    expect(again).toContain(`changed ${SERVICE}\n`)
    expect(pidIn(again)).not.toBe(pidIn(installed))
    expect(ok("d service uninstall")).toBe(
      [...FILES]
        .reverse()
        .map((file) => `removed ${file}\n`)
        .join("")
    )
    expect(ok("ls /etc/systemd/system/*.wants /usr/local/lib/automatelinux /run/automatelinux 2>&1 || true")).toMatch(
      /^(ls: cannot access .*\n)+$/
    )
    expect(ok("d service uninstall")).toBe("no service is installed\n")
  })

  it("starts a d that was upgraded in its place", () => {
    const { ok } = shell("root")
    const older = dirname(copyOfProgram((text) => text.replaceAll(`"${version}"`, '"0.0.1"')))
    ok(`mkdir /run/program && cp -a ${older}/. /run/program/`)
    const first = ok("node /run/program/d.cjs service install")
    expect(ok("d status")).toContain(`daemon     0.0.1, pid ${pidIn(first)},`)
    ok("rm -r /run/program/* && cp -a $(dirname $(readlink -f $(command -v d)))/. /run/program/")
    const second = ok("node /run/program/d.cjs service install")
    expect(second).not.toMatch(/^(made|changed)/m)
    expect(pidIn(second)).not.toBe(pidIn(first))
    expect(ok("d status")).toContain(`daemon     ${version}, pid ${pidIn(second)},`)
    ok("d service uninstall && rm -r /run/program")
  })

  it("starts at the first command, after it was stopped and after it was killed", async () => {
    const { ok, run } = shell("root")
    const first = pidIn(ok("d service install"))
    ok("d allocate --app cad")
    ok("systemctl stop d-ports.service")
    expect(ok("d listPorts --json")).toContain('"cad-dev"')
    const second = Number(ok("systemctl show --property MainPID --value d-ports.service"))
    expect(second).not.toBe(first)
    ok(`kill -9 ${second}`)
    await until(
      async () => run("d ping").stdout,
      (text) => text === "pong\n"
    )
    ok("d service uninstall")
  })

  it("is not installed beside another daemon, nor without systemd", async () => {
    const { ok, run } = shell("root")
    ok("d daemon >/dev/null 2>&1 & while ! d ping; do sleep 0.1; done")
    const refused = run("d service install")
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toMatch(
      /^error: a daemon that this service did not start is running, pid \d+\nhint: d daemon stop, and run this again; .*\n$/
    )
    ok("d daemon stop")
    expect(run(`ls ${SERVICE}`).code).toBe(2)
    expect(run("unshare --mount sh -c 'mount -t tmpfs none /run/systemd; d service install'")).toMatchObject({
      code: 3,
      stdout: "",
      stderr: expect.stringMatching(
        /^error: no systemd runs on this machine\nhint: d daemon start runs the daemon without it/
      )
    })
  })

  it("is what d daemon starts and restarts, and does not stop behind its back", () => {
    const { ok, run } = shell("root")
    const first = pidIn(ok("d service install"))
    expect(run("d daemon stop")).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: d-ports.service runs the daemon, pid ${first}, and d-ports.socket starts it at the next command\nhint: systemctl stop d-ports.socket d-ports.service\n`
    })
    expect(JSON.parse(ok("d daemon status --json"))).toMatchObject({
      pid: first,
      log: null,
      startedBy: "service",
      service: "d-ports.service"
    })
    expect(ok("d daemon status")).toContain("\nstarted by d-ports.service\n")
    const second = pidIn(ok("d daemon restart"))
    expect(second).not.toBe(first)
    expect(ok("systemctl show --property MainPID --value d-ports.service")).toBe(`${second}\n`)
    ok("systemctl stop d-ports.socket d-ports.service")
    expect(run("d ping").code).toBe(3)
    const third = run("d daemon start")
    expect(third).toMatchObject({ code: 0, stderr: "note: d-ports.service runs it: d service status shows more\n" })
    expect(ok("systemctl show --property MainPID --value d-ports.service")).toBe(`${pidIn(third.stdout)}\n`)
    // A daemon at another socket is none of the service's.
    const elsewhere = "AUTOMATELINUX_PORTS_SOCKET=/run/other/d.sock"
    const other = pidIn(ok(`${elsewhere} d daemon start`))
    expect(ok(`readlink /proc/${other}/fd/2`)).toBe("/run/root/.local/state/automatelinux/daemon.log\n")
    expect(pidIn(ok(`${elsewhere} d daemon stop`))).toBe(other)
    ok("d service uninstall")
    // Without the service, a daemon that a user's own service has started is still the service's.
    ok("systemd-run --quiet --unit=mine.service --setenv=HOME=/run/root d daemon")
    ok("while ! d ping; do sleep 0.1; done 2>/dev/null")
    expect(run("d daemon stop")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^error: mine\.service runs the daemon, pid \d+\nhint: systemctl stop mine\.service\n$/
      )
    })
    // A process that a service has started in the background is not its main process.
    ok("systemctl stop mine.service")
    ok("systemd-run --quiet --unit=shell.service --setenv=HOME=/run/root sh -c 'd daemon start; sleep 1000'")
    ok("while ! d ping; do sleep 0.1; done 2>/dev/null")
    expect(JSON.parse(ok("d daemon status --json"))).toMatchObject({ startedBy: "start", service: null })
    ok("d daemon stop; systemctl stop shell.service")
  })

  it("replaces and removes nothing that it has not written", () => {
    const { ok, run } = shell("root")
    ok(`echo "[Service]" >${SERVICE}`)
    for (const action of ["install", "install --dry-run", "uninstall"])
      expect(run(`d service ${action}`)).toEqual({
        code: 1,
        stdout: "",
        stderr: `error: ${SERVICE} was not written by d service\nhint: to have d write it, move it away\n`
      })
    expect(ok(`cat ${SERVICE}; rm ${SERVICE}`)).toBe("[Service]\n")
    expect(run(`ls ${FILES[0]}`).code).toBe(2)
  })

  it("finds another Node if its own does not run d, and says if d is gone", async () => {
    const { ok, run } = shell("root")
    ok("mkdir -p /run/old && cp $(readlink -f $(command -v node)) /run/old/node")
    ok("cp -a $(dirname $(readlink -f $(command -v d)))/. /run/old/")
    ok("/run/old/node /run/old/d.cjs service install")
    ok(
      'rm /run/old/node; printf "#!/bin/sh\\nexit 1\\n" >/run/old/node; chmod +x /run/old/node; systemctl restart d-ports.service'
    )
    expect(ok("d ping")).toBe("pong\n")
    expect(ok("readlink /proc/$(systemctl show -p MainPID --value d-ports.service)/exe")).not.toContain("/run/old")
    ok("rm -r /run/old")
    expect(ok("d service status")).toContain("/run/old/d.cjs is gone: d service install\n")
    expect(run("d doctor --check service-broken").stdout).toContain("installed with a d that is gone: /run/old/d.cjs\n")
    ok("d service uninstall")
  })

  it("finds another Node if its own is gone", () => {
    const { ok, run } = shell("root")
    ok("mkdir -p /run/old && cp $(readlink -f $(command -v node)) /run/old/node")
    ok("/run/old/node $(command -v d) service install")
    expect(ok("d service status")).toContain("node    /run/old/node\n")
    ok("rm -r /run/old && systemctl restart d-ports.service")
    expect(ok("d ping")).toBe("pong\n")
    expect(ok("d service status")).toContain("/run/old/node is gone: d service install\n")
    expect(run("d doctor --check service-broken")).toMatchObject({
      stdout: expect.stringMatching(
        /^warning +service-broken\n +the service was installed with a Node that is gone: \/run\/old\/node\n.*d service install/s
      )
    })
    ok("d service install")
    expect(run("d service status").stdout).not.toContain("gone")
    expect(ok("d doctor --check service-broken")).not.toContain("gone")
    ok("d service uninstall")
  })
})

describe("a service of a user", () => {
  needSystemd()

  it("is the user's own, and says what it does not see and when it ends", async () => {
    shell("root").ok("systemctl start alice.service")
    const { ok, run } = shell("alice")
    await until(
      async () => run("systemctl --user is-system-running").stdout,
      (state) => /running|degraded/.test(state)
    )
    const installed = run("AUTOMATELINUX_PROBE_INTERVAL=9s d service install")
    expect(installed.code).toBe(0)
    expect(installed.stdout).toContain("made /run/alice/.config/systemd/user/d-ports.service\n")
    expect(installed.stderr).toBe(
      "note: the service does not inherit AUTOMATELINUX_PROBE_INTERVAL from this shell; set what it needs in the configuration file\n" +
        "note: the service stops when you log out; to keep it running: loginctl enable-linger alice\n"
    )
    expect(ok("d allocate --app cad")).toMatch(/^cad-prod \d+\ncad-dev \d+\n$/)
    expect(ok("d status")).toContain(`pid ${pidIn(installed.stdout)}, up`)
    expect(ok("d doctor --all --check service-broken")).toMatch(
      /^info +service-broken\n +the service stops when you log out\n.*loginctl enable-linger alice\n/s
    )
    expect(ok("d service status --json")).toContain('"enabled":true,"state":"active"')
    ok("d service uninstall")
    expect(run('find /run/alice -name "*-ports*"').stdout).toBe("")
  })
})

describe.each([
  [["logs", "--json"], "--json does not go with logs"],
  [["status", "--dry-run"], "--dry-run does not go with status"],
  [["install", "--follow"], "--follow does not go with install"]
])("d service %j", (words, message) => {
  it("is refused", async () => {
    const { code, stderr, stdout } = await machine().d("service", ...words)
    expect(code).toBe(2)
    expect(stderr + stdout).toContain(message)
  })
})

describe("a daemon whose socket is there before it", () => {
  const activated = (path: string, env: Readonly<Record<string, string>>) => {
    const variables = Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`)
    const child = spawn(
      "systemd-socket-activate",
      [...variables, "--listen", path, process.execPath, PROGRAM, "daemon"],
      {
        stdio: "ignore"
      }
    )
    onTestFinished(() => void child.kill("SIGKILL"))
    return new Promise<number>((done) => child.once("spawn", () => done(child.pid ?? 0)))
  }

  it("is another program's if that is not said of this process", async () => {
    const box = machine(RANGES)
    const file = openSync(join(box.home, "file"), "w")
    const child = spawn(process.execPath, [PROGRAM, "daemon"], {
      env: { ...box.env, LISTEN_FDS: "1", LISTEN_PID: "1" },
      stdio: ["ignore", "ignore", "ignore", file]
    })
    onTestFinished(() => void child.kill("SIGKILL"))
    await until(
      async () => (await box.d("ping")).stdout,
      (text) => text === "pong\n"
    )
  })

  it("is started by the first client, answers it, and makes the socket again if it is removed", async () => {
    const box = machine(RANGES)
    const path = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
    mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 })
    const pid = await activated(path, box.env)
    await until(
      async () => existsSync(path),
      (isThere) => isThere
    )
    expect(await box.ok("ping")).toBe("pong\n")
    expect(await box.ok("allocate", "--app", "cad")).toBe("cad-prod 32700\ncad-dev 32701\n")
    expect(JSON.parse(await box.ok("status", "--json"))).toMatchObject({ pid })
    unlinkSync(path)
    await until(
      async () => existsSync(path),
      (isThere) => isThere
    )
    expect(await box.ok("ping")).toBe("pong\n")
    process.kill(pid, "SIGTERM")
  })
})
