import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { createConnection } from "node:net"
import { userInfo } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { commandList } from "../../src/commands/commands.ts"
import { listen, type Machine, SELF, startDaemon } from "../support/cli.ts"
import { inProcess, wordsOf } from "../support/inProcess.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "27900-27949", AUTOMATELINUX_SPECIAL_RANGE: "27950-27999" }

/** `text` without what differs from one run to the next. */
const steady = (text: string, home: string): string =>
  text
    .replaceAll(home, "HOME")
    .replaceAll(SELF, "LISTENER")
    .replaceAll(process.cwd(), "CWD")
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?/g, "TIME")
    .replace(/\b(\d+) (second|minute)s?\b/g, "N $2s")
    .replace(/\bpid \d+/g, "pid PID")
    .replace(/"(pid|clock|listeners|uptimeSeconds|idleSeconds|latencyMs|durationMs)":[\d.]+/g, '"$1":N')
    .replace(/\b[\d.]+ (ms|s)\b/g, "N $1")
    .replace(/\d+ listeners?/g, "N listeners")
    .replace(new RegExp(`(\\b(by|of) |")${userInfo().username}\\b`, "g"), "$1USER")

/** What a user types, in this order. */
const LINES: ReadonlyArray<string> = [
  "listPorts",
  "listReserved",
  "getPort --key cad-dev",
  "allocate --app cad --app newapp --special pt-proxy",
  "allocate --app cad",
  "allocate --app cad --description late",
  "allocate --app dry --dry-run",
  "setPort --key loom-dev --value 27905 --description 'Loom ☕'",
  "setPort --key loom-dev --description 'Loom, dev'",
  "setPort --key loom-dev --description ''",
  "setPort --key pt --value 27901",
  "setPort --key pt --value 27901 --force",
  "setPort --key low --value 4045",
  "setPort --key far --value 28400",
  "setPort --key even-dev --value 27906",
  "setPort --key busy --value 27910",
  "getPort --key cad-dev",
  "getPort --app newapp --mode prod",
  "getPort --app nobody --mode dev",
  "listPorts",
  "listPorts --app loom",
  "listPorts --health up",
  "listPorts --app nobody",
  "listPorts --host box --app loom",
  "listPorts --mine",
  "listPorts --stale",
  "reserve --port 27912 --reason because",
  "reserve --port 27912 --reason 'for another reason'",
  "reserve --port 27901 --reason held",
  "unreserve --port 27912",
  "unreserve --port 27912",
  "reserve 27930-27935,27937 --reason 'a range'",
  "unreserve 27933-27936",
  "unreserve 27933-27934",
  "reserve 27902-27903 --reason held",
  "unreserve 27902-27903",
  "rename --key pt --to pt2",
  "rename --key pt2 --to loom-dev",
  "rename --key nothing --to other",
  "rename --key pt2 --to pt2",
  "rename --app newapp --to renewed",
  "rename renewed newapp",
  "rename --app cad --to newapp",
  "rename --app nobody --to somebody",
  "rename nobody somebody",
  "describe newapp 'New app'",
  "describe pt2 'PT proxy'",
  "describe newapp ''",
  "describe --key cad --description x",
  "describe --app pt2 --description x",
  "pin newapp pt2",
  "explain --port 27900",
  "listPorts --app newapp",
  "unpin --app newapp",
  "unpin newapp pt2",
  "prune",
  "prune busy nothing --yes",
  "explain --port 27901",
  "explain --port 27910",
  "explain --port 27914",
  "explain --port 4045",
  "explain --key cad-dev",
  "explain --key nothing",
  "doctor",
  "doctor --check port-taken",
  "doctor --check range-misplaced",
  "doctor --check claim-drift --fix",
  "doctor --accept busy",
  "doctor --accept nothing",
  "doctor --strict",
  "deletePort --key low",
  "deletePort --key low",
  "release --app newapp --app nobody",
  "release --special pt-proxy",
  "allocate --app newapp",
  "status",
  "ping",
  "version",
  "listCommands",
  "getSocketPath",
  "backup HOME/there.sqlite",
  "backup HOME/there.sqlite",
  "backup relative/../there.sqlite",
  "send getPort --key cad-dev"
]

/** What nobody should type. */
const WRONG: ReadonlyArray<string> = [
  "setPort --key x --value 0",
  "setPort --key x --value 3e3",
  "setPort --key x --value ''",
  "setPort --key 'a b' --value 3100",
  "setPort --key=-a --value 3100",
  "setPort --key '' --value 3100",
  "setPort --key a",
  "setPort --value 3100",
  "setPort --key --value 3100",
  "allocate",
  "allocate --app cad-dev",
  "pin",
  "pin nobody",
  "prune --yes --yes",
  "prune 3000",
  "allocate --app .x",
  "allocate --special cad-prod",
  "allocate --app x --description $'two\\nlines'",
  "allocate --app x --dir ''",
  "allocate --app x --app",
  "release",
  "getPort",
  "getPort --app a",
  "getPort --mode dev",
  "getPort --app a --mode test",
  "getPort --key a --app b",
  "getPort --Key a",
  "getPort -key a",
  "getPort --value 3",
  "getPort --key a --key b",
  "getPort --key",
  "getPort a b",
  "getPort -- --key a",
  "getPort --key a --json true",
  "getPort --key a --json=yes",
  "reserve --port 3100 --reason ' '",
  "reserve --port 3100",
  "reserve 3110-3100 --reason x",
  "reserve 1-65535 --reason x",
  "reserve 3100 why",
  "unreserve",
  "listPorts --health sick",
  "doctor --check nothing",
  "explain",
  "explain --port 1 --key a",
  "rename --key a",
  "rename",
  "rename a b c",
  "rename --app a --key b --to c",
  "describe a",
  "describe a two words",
  "backup",
  "backup a b",
  "frobnicate",
  "getport --key a",
  "send",
  "--json",
  "help nothing",
  "help getPort more",
  "version now",
  "--completions tcsh",
  "daemon halt",
  "daemon stop now",
  "daemon start --fast",
  "daemon --json",
  "restart",
  "",
  "--help",
  "--version",
  "--completions bash",
  "--completions zsh",
  "--completions fish",
  ...commandList.map(({ name }) => `help ${name}`)
]

/** What clients of the deployed daemon, and our own, send. */
const REQUESTS: ReadonlyArray<string> = [
  `{"command":"listPorts"}`,
  `{"command":"setPort","key":"app","value":27920}`,
  `{"command":"setPort","key":"app","value":"27920"}`,
  `{"command":"getPort","key":"app"}`,
  `{"command":"getPort","key":"none"}`,
  `{"command":"getPort"}`,
  `{"command":"getPort","key":5}`,
  `{"command":"getPort","key":null}`,
  `{"command":"getPort","key":"app","id":7}`,
  `{"command":"getPort","key":"app","id":"x","format":"json"}`,
  `{"command":"getPort","key":"none","id":"x","format":"json"}`,
  `{"command":"getPort","key":"app","id":{"a":1}}`,
  `{"command":"getPort","key":"app","format":"xml"}`,
  `{"command":"getPort","app":"a","mode":"dev","format":"json"}`,
  `{"command":"setPort","key":"app"}`,
  `{"command":"setPort","value":27920}`,
  `{"command":"setPort","key":"other","value":27920}`,
  `{"command":"setPort","key":"other","value":27920,"format":"json"}`,
  `{"command":"setPort","key":"other","value":27920,"force":true}`,
  `{"command":"setPort","key":"app","value":0}`,
  `{"command":"setPort","key":"app","value":"many"}`,
  `{"command":"deletePort","key":"other"}`,
  `{"command":"deletePort","key":"other"}`,
  `{"command":"deletePort"}`,
  `{"command":"allocate","app":"one"}`,
  `{"command":"allocate","app":["two","three"],"format":"json"}`,
  `{"command":"allocate","app":["two"],"special":["s"],"format":"json"}`,
  `{"command":"allocate","app":[["x"]],"format":"json"}`,
  `{"command":"allocate"}`,
  `{"command":"release","app":"three","format":"json"}`,
  `{"command":"reserve","port":27940,"reason":"r","format":"json"}`,
  `{"command":"unreserve","port":27940,"format":"json"}`,
  `{"command":"reserve","port":"27940-27942","reason":"r","format":"json"}`,
  `{"command":"reserve","port":[27944,"27945"],"reason":"r"}`,
  `{"command":"reserve","port":[],"reason":"r"}`,
  `{"command":"reserve","port":{},"reason":"r"}`,
  `{"command":"unreserve","port":"27940-27945"}`,
  `{"command":"rename","key":"s","to":"t","format":"json"}`,
  `{"command":"rename","app":"one","to":"uno","format":"json"}`,
  `{"command":"rename","app":"uno","to":"one"}`,
  `{"command":"rename","name":"one","to":"one-dev"}`,
  `{"command":"rename"}`,
  `{"command":"describe","name":"one","description":"One"}`,
  `{"command":"describe","app":"one","description":"","format":"json"}`,
  `{"command":"listPorts","format":"json"}`,
  `{"command":"listPorts","app":"one","format":"json"}`,
  `{"command":"explain","port":27920,"format":"json"}`,
  `{"command":"explain","key":"app"}`,
  `{"command":"doctor","check":"range-full","format":"json"}`,
  `{"command":"ping"}`,
  `{"command":"ping","format":"json"}`,
  `{"command":"version","format":"json"}`,
  `{"command":"listCommands"}`,
  `{"command":"help"}`,
  `{"command":"daemon"}`,
  `{"command":"backup","file":"/tmp/x"}`,
  `{"command":"getSocketPath"}`,
  `{"command":"frobnicate"}`,
  `{"command":""}`,
  `{"command":5}`,
  `{}`,
  `[]`,
  `null`,
  `5`,
  `"getPort"`,
  `not json`,
  `{"command":"getPort","key":"app"`,
  `{"command":"getPort","key":"app","waitSeconds":1,"surprise":true}`
]

const typed = async (box: Machine, lines: ReadonlyArray<string>): Promise<string> => {
  const entries: Array<string> = []
  for (const line of lines) {
    const { code, stdout, stderr } = await box.d(...wordsOf(line.replaceAll("HOME", box.home)))
    entries.push(steady(`$ d ${line}\n${stdout}${stderr.replace(/^(?=.)/gm, "! ")}= ${code}\n`, box.home))
  }
  return entries.join("\n")
}

const said = async (path: string, requests: ReadonlyArray<string>): Promise<string> => {
  const entries: Array<string> = []
  for (const request of requests) {
    const socket = createConnection(path).setEncoding("utf8")
    let reply = ""
    socket.on("data", (chunk: string) => (reply += chunk))
    socket.end(`${request}\n`)
    await once(socket, "close")
    entries.push(`> ${request}\n${reply}`)
  }
  return entries.join("\n")
}

const box = async (daemon: boolean): Promise<Machine> => {
  // After its first look, before there is any port, the daemon does not look again.
  const made = inProcess({ ...RANGES, AUTOMATELINUX_HOST: "box", AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  mkdirSync(join(made.home, "relative"))
  if (daemon) await startDaemon(made)
  return made
}

/** As it is recorded; another way of saying it is written down with `npx vitest run -u test/e2e/recorded.test.ts`. */
it.each([
  ["typed-with-daemon.txt", true, LINES],
  ["typed-with-daemon.json.txt", true, LINES.map((line) => `${line} --json`)],
  ["typed-alone.txt", false, LINES],
  ["typed-alone.json.txt", false, LINES.map((line) => `${line} --json`)],
  ["wrong.txt", false, WRONG]
])("%s holds what these command lines print", async (name, daemon, lines) => {
  await listen(27_910, "127.0.0.1")
  await expect(await typed(await box(daemon), lines)).toMatchFileSnapshot(`recorded/${name}`)
})

it("wire.txt holds what these requests are answered with", async () => {
  const made = await box(true)
  const text = await said(made.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "", REQUESTS)
  await expect(steady(text, made.home)).toMatchFileSnapshot("recorded/wire.txt")
})
