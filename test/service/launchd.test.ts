import { execFileSync } from "node:child_process"
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, it } from "vitest"
import { home } from "../../src/machine/user.ts"
import { launchd } from "../../src/service/launchd.ts"
import { launchdFiles } from "../../src/service/launchdFiles.ts"
import { PROGRAM, startDaemon } from "../support/cli.ts"
import { macWithLaunchctl } from "../support/launchctl.ts"
import { ensure } from "../support/programs.ts"
import { once, temporary } from "../support/root.ts"

/** The daemon as a service of launchd: its files, and the calls of launchctl, which a stand-in answers. */

once("installation of plistutil", () => ensure(["plistutil"], ["libplist-utils"]))

const SERVICE = "gui/501/com.automatelinux.ports"
const pidIn = (text: string) => Number(/, pid (\d+)\n/.exec(text)?.[1])

const placesIn = (home: string) => ({
  script: join(home, ".local/share/automatelinux/start-ports"),
  plist: join(home, "Library/LaunchAgents/com.automatelinux.ports.plist"),
  log: join(home, ".local/state/automatelinux/daemon.log")
})

it("is installed, stays as it is if nothing differs, and leaves nothing", async () => {
  const { box, calls, mac } = macWithLaunchctl()
  const { log, plist, script } = placesIn(box.home)
  const socket = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
  expect(await mac.d("service", "status")).toMatchObject({
    code: 3,
    stdout: "no service is installed: d service install\n"
  })
  const shown = await mac.ok("service", "install", "--dry-run")
  expect(shown).toContain(`would make ${plist}\n  <?xml version="1.0"`)
  expect(existsSync(dirname(plist))).toBe(false)
  calls()

  const installed = await mac.d("service", "install")
  const pid = pidIn(installed.stdout)
  expect(installed).toEqual({
    code: 0,
    stdout: `made ${script}\nmade ${plist}\nthe daemon answers at ${socket}, pid ${pid}\n`,
    stderr: expect.stringMatching(/\nnote: the service stops when you log out\n$/)
  })
  expect(calls()).toEqual([`print ${SERVICE}`, `enable ${SERVICE}`, `print ${SERVICE}`, `bootstrap gui/501 ${plist}`])
  expect(readFileSync(log, "utf8")).toContain(`pid=${pid}`)
  expect(statSync(log).mode & 0o777).toBe(0o600)

  // The daemon that runs would go on writing to a log that is put aside.
  appendFileSync(log, "x".repeat(2 ** 20))
  expect(await mac.ok("service", "install")).toBe(
    `unchanged: ${script}\nunchanged: ${plist}\nthe daemon answers at ${socket}, pid ${pid}\n`
  )
  expect(calls().at(-1)).toBe(`kickstart ${SERVICE}`)
  expect(existsSync(`${log}.1`)).toBe(false)
  expect(await mac.ok("service", "status")).toMatch(
    new RegExp(
      `^com\\.automatelinux\\.ports is running, pid ${pid}; starts at your login\nsocket {2}.*\nnode {4}.*\nd {7}.*\n$`
    )
  )
  expect(JSON.parse(await mac.ok("service", "status", "--json"))).toMatchObject({
    name: "com.automatelinux.ports",
    installed: true,
    enabled: true,
    state: "running",
    pid
  })
  expect(await mac.ok("service", "logs")).toContain(`pid=${pid}`)

  // A property list that was edited by hand is as it should be again, and in force: the daemon before it has ended.
  writeFileSync(plist, readFileSync(plist, "utf8").replace("<integer>5</integer>", "<integer>7</integer>"))
  calls()
  const again = await mac.ok("service", "install")
  expect(again).toContain(`changed ${plist}\n`)
  expect(pidIn(again)).not.toBe(pid)
  expect(calls()).toContain(`bootout ${SERVICE}`)

  expect(await mac.ok("service", "uninstall")).toBe(`removed ${plist}\nremoved ${script}\n`)
  expect([plist, dirname(script)].filter((path) => existsSync(path))).toEqual([])
  expect((await box.d("ping")).code).toBe(3)
  expect(await mac.ok("service", "uninstall")).toBe("no service is installed\n")
})

it("is what d daemon stops, starts and restarts", async () => {
  const { box, calls, mac } = macWithLaunchctl()
  const { plist } = placesIn(box.home)
  const first = pidIn(await mac.ok("service", "install"))
  expect(JSON.parse(await mac.ok("daemon", "status", "--json"))).toMatchObject({
    pid: first,
    startedBy: "service",
    service: "com.automatelinux.ports"
  })
  calls()
  const second = pidIn(await mac.ok("daemon", "restart"))
  expect(second).not.toBe(first)
  expect(calls()).toContain(`kickstart -k ${SERVICE}`)
  expect(await mac.ok("daemon", "stop")).toMatch(new RegExp(`, pid ${second}, has ended\n$`))
  expect((await mac.d("daemon", "status")).code).toBe(3)
  const third = await mac.d("daemon", "start")
  expect(third.stderr).toBe("note: com.automatelinux.ports runs it: d service status shows more\n")
  expect(calls().at(-1)).toBe(`kickstart ${SERVICE}`)
  // It does not have the settings of the shell that starts it.
  await mac.ok("daemon", "stop")
  const elsewhere = mac.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${box.home}/other.sqlite` })
  expect((await elsewhere.d("daemon", "start")).stderr).toMatch(
    /^note: com\.automatelinux\.ports runs it: .*\nnote: the daemon serves another registry than this environment configures: .*\n$/
  )
  // A daemon at another socket is none of the service's.
  expect(readFileSync(plist, "utf8")).toContain(box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "")
  await mac.ok("service", "uninstall")
  expect((await box.d("ping")).code).toBe(3)
})

it("is not installed beside another daemon, nor in place of files that it has not written", async () => {
  const { box, mac } = macWithLaunchctl()
  const { plist } = placesIn(box.home)
  const daemon = await startDaemon(box)
  expect(await mac.d("service", "install")).toEqual({
    code: 1,
    stdout: "",
    stderr: `error: a daemon that this service did not start is running, pid ${daemon.pid}\nhint: d daemon stop, and run this again; if a service starts it, disable that first\n`
  })
  mkdirSync(dirname(plist), { recursive: true })
  writeFileSync(plist, "<plist/>")
  for (const action of ["install", "uninstall"])
    expect(await mac.d("service", action)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^error: .* was not written by d service\nhint: to have d write it, move it away\n$/
      )
    })
  expect(readFileSync(plist, "utf8")).toBe("<plist/>")
})

it("says what launchctl said if it fails", async () => {
  const { away, mac } = macWithLaunchctl()
  away()
  expect(await mac.d("service", "install")).toMatchObject({
    code: 3,
    stderr: `error: launchctl enable ${SERVICE} failed: Bootstrap failed: 125: Domain does not support specified action\nhint: log in at the screen of this Mac as this user, and run it again\n`
  })
})

const own = { node: "/usr/local/bin/node", script: PROGRAM }
const means = { environment: { HOME: "/Users/me" }, uid: 501, own, socket: "/tmp/d.sock", platform: "darwin" as const }

it("has a property list that a real parser reads as it is meant", () => {
  const environment = { HOME: "/Users/R&D <me>" }
  const log = "/Users/R&D <me>/daemon.log"
  const text = launchdFiles({ ...means, environment }, log).at(-1)?.text ?? ""
  const directory = temporary()
  const [xml, binary, back] = ["a.plist", "b.plist", "c.plist"].map((name) => join(directory, name)) as [
    string,
    string,
    string
  ]
  writeFileSync(xml, text)
  execFileSync("plistutil", ["-i", xml, "-o", binary])
  expect(readFileSync(binary, "latin1").startsWith("bplist00")).toBe(true)
  execFileSync("plistutil", ["-i", binary, "-o", back])
  // The list as the parser has read it, and writes it itself.
  const bare = (plist: string) => plist.replace(/<!--.*?-->/, "").replaceAll(/\s*\n\s*/g, "")
  expect(bare(readFileSync(back, "utf8"))).toBe(bare(text))
  expect(text).toContain("<string>/Users/R&amp;D &lt;me&gt;/.local/share/automatelinux/start-ports</string>")
})

it("is a daemon of the system if root installs it", () => {
  const files = launchdFiles({ ...means, uid: 0 }, "/var/root/daemon.log")
  expect(files.map(({ file }) => file)).toEqual([
    "/usr/local/lib/automatelinux/start-ports",
    "/Library/LaunchDaemons/com.automatelinux.ports.plist"
  ])
})

it("does not have root log to the home of the user who runs sudo", () => {
  const text = launchd({ ...means, uid: 0 }).files.at(-1)?.text
  expect(text).toContain(`<string>${home()}/.local/state/automatelinux/daemon.log</string>`)
  expect(text).not.toContain("/Users/me")
})
