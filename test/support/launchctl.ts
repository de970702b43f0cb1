import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { type Machine, machine } from "./cli.ts"

/**
 * A stand-in for launchctl, because launchd runs on macOS only: it keeps the calls, and loads, starts and ends the one service of
 * a property list as launchd does. Ending takes until the process is gone; before that the service cannot be loaded again.
 */
const SCRIPT = `
const { appendFileSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } = require("node:fs")
const { spawn } = require("node:child_process")
const place = process.env.HOME + "/launchd"
const words = process.argv.slice(2)
appendFileSync(place + "/calls", words.join(" ") + "\\n")
const fail = (code, text) => { console.error(text); process.exit(code) }
const isAlive = (pid) => existsSync("/proc/" + pid) && !/^State:\\tZ/m.test(readFileSync("/proc/" + pid + "/status", "utf8"))
const read = () => {
  if (!existsSync(place + "/loaded")) return undefined
  const loaded = JSON.parse(readFileSync(place + "/loaded", "utf8"))
  if (!loaded.ending || isAlive(loaded.pid)) return loaded
  rmSync(place + "/loaded")
}
const write = (loaded) => writeFileSync(place + "/loaded", JSON.stringify(loaded))
const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&")
const start = (plist) => {
  const text = readFileSync(plist, "utf8")
  const strings = (part) => [...part.matchAll(/<string>(.*?)<\\/string>/g)].map(([, each]) => unescape(each))
  const after = (key, end) => text.split("<key>" + key + "</key>")[1].split(end)[0]
  const [name] = after("EnvironmentVariables", "</dict>").match(/(?<=<key>).*?(?=<\\/key>)/)
  const [value] = strings(after("EnvironmentVariables", "</dict>"))
  const [program, ...rest] = strings(after("ProgramArguments", "</array>"))
  const [log] = strings(after("StandardErrorPath", "</string>") + "</string>")
  const env = { HOME: process.env.HOME, PATH: "/usr/bin:/bin:/usr/sbin:/sbin", [name]: value }
  const child = spawn(program, rest, { env, cwd: "/", detached: true, stdio: ["ignore", "ignore", openSync(log, "a")] })
  child.unref()
  write({ plist, pid: child.pid })
}
const [verb, ...rest] = words
const domain = "gui/501", service = domain + "/com.automatelinux.ports"
if (existsSync(place + "/away")) fail(125, "Bootstrap failed: 125: Domain does not support specified action")
const loaded = read()
if (verb === "bootstrap") {
  if (rest[0] !== domain || loaded !== undefined) fail(5, "Bootstrap failed: 5: Input/output error")
  start(rest[1])
} else if (verb === "enable" && rest[0] === service) process.exit(0)
else if (rest.at(-1) !== service || loaded === undefined)
  fail(113, 'Could not find service "' + rest.at(-1) + '" in domain for user gui: 501')
else if (verb === "print") {
  const isRunning = isAlive(loaded.pid)
  console.log([service + " = {", "\\tactive count = 1", "\\tpath = " + loaded.plist, "\\ttype = LaunchAgent",
    "\\tstate = " + (isRunning ? "running" : "not running"), "\\tendpoints = {", "\\t\\tstate = active", "\\t\\tpid = 1", "\\t}",
    ...(isRunning ? ["\\tpid = " + loaded.pid] : []), "}"].join("\\n"))
} else if (verb === "bootout") {
  if (isAlive(loaded.pid)) process.kill(loaded.pid, "SIGTERM")
  write({ ...loaded, ending: true })
} else if (verb === "kickstart") {
  if (rest[0] === "-k" && isAlive(loaded.pid)) {
    process.kill(loaded.pid, "SIGTERM")
    while (isAlive(loaded.pid)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  }
  if (!isAlive(loaded.pid)) start(loaded.plist)
} else fail(64, "Unrecognized subcommand: " + verb)
`

/** Has the program take this machine for a Mac, on which it is user 501, whose are the files of the user of the tests. */
const MAC = `
const fs = require("node:fs")
const own = process.getuid()
const { lstatSync } = fs
fs.lstatSync = (...words) => {
  const stats = lstatSync(...words)
  if (stats?.uid === own) stats.uid = 501
  return stats
}
Object.defineProperty(process, "platform", { value: "darwin" })
process.getuid = () => 501
`

export interface Mac {
  /** The machine, which `d` takes for a Mac. */
  readonly mac: Machine
  /** The same one as it is. */
  readonly box: Machine
  /** The calls of launchctl since the last time. */
  readonly calls: () => ReadonlyArray<string>
  /** Makes launchctl fail as without a session at the screen. */
  readonly away: () => void
}

/** A user with an empty home on a Mac whose launchctl is the stand-in. */
export const macWithLaunchctl = (): Mac => {
  const box = machine()
  const bin = join(box.home, "bin")
  const place = join(box.home, "launchd")
  for (const directory of [bin, place]) mkdirSync(directory)
  writeFileSync(join(bin, "launchctl"), `#!${process.execPath}\n${SCRIPT}`)
  chmodSync(join(bin, "launchctl"), 0o755)
  const preload = join(box.home, "mac.cjs")
  writeFileSync(preload, MAC)
  writeFileSync(join(place, "calls"), "")
  onTestFinished(async () => {
    try {
      const { pid } = JSON.parse(readFileSync(join(place, "loaded"), "utf8"))
      process.kill(pid, "SIGKILL")
    } catch {
      // None is left.
    }
  })
  return {
    box,
    mac: box.with({ PATH: `${bin}:${box.env["PATH"]}`, NODE_OPTIONS: `--require=${preload}` }),
    calls: () => {
      const calls = readFileSync(join(place, "calls"), "utf8").split("\n").slice(0, -1)
      writeFileSync(join(place, "calls"), "")
      return calls
    },
    away: () => writeFileSync(join(place, "away"), "")
  }
}
