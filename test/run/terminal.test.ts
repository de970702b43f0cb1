import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { machine } from "../support/cli.ts"
import { until } from "../support/doctor.ts"
import { listenersOn } from "../support/listening.ts"
import { ensure } from "../support/programs.ts"
import { once, temporary } from "../support/root.ts"
import { nothingLeft, processesOf } from "../support/running.ts"
import { openTerminal, type Session } from "../support/terminal.ts"

once("installation of make", () => ensure(["make"], ["make"]))

const RANGES = { AUTOMATELINUX_APP_RANGE: "20100-20119", AUTOMATELINUX_SPECIAL_RANGE: "20120-20139" }
const PORT = 20_101

/** A server that tells what happens to it. */
const SERVER = `
const { stdin, stdout, stderr } = process
const say = (text) => stdout.write("server: " + text + "\\n")
const size = () => stdout.columns + "x" + stdout.rows
let interrupts = 0
process.on("SIGINT", () => {
  say("interrupt " + ++interrupts)
  if (process.argv[2] !== "stubborn" && interrupts === Number(process.argv[2] || 1)) process.exit(130)
})
if (process.argv[2] === "stubborn") for (const name of ["SIGTERM", "SIGHUP"]) process.on(name, () => {})
process.on("SIGUSR1", () => say("after " + interrupts))
process.on("SIGWINCH", () => setImmediate(() => say("resized to " + size())))
stdin.on("data", (chunk) => say("read " + chunk.toString().trim()))
require("node:net").createServer().listen(process.env.PORT, () =>
  say(["up", stdin.isTTY, stdout.isTTY, stderr.isTTY, stdout.hasColors(), size()].join(" "))
)`

/** A project with a server, and a terminal in it. */
const open = async (shell: Parameters<typeof openTerminal>[2] = "bash") => {
  const box = machine(RANGES)
  const root = temporary()
  writeFileSync(join(root, "package.json"), '{"name":"cad"}')
  writeFileSync(join(root, "server.js"), SERVER)
  return { box, root, terminal: await openTerminal(box, root, shell) }
}

const started = async (terminal: Session, line: string) => {
  await terminal.enter(line)
  return (await terminal.sees(/server: up (.*)\n/))[1]
}

const stateOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .slice(0, 1)
const parentOf = (pid: number): number =>
  Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
/** The server that listens. */
const server = (): number => listenersOn(PORT)[0] ?? 0

it("gives the command the terminal on all three streams, its colours, its size, and that it changes", async () => {
  const { root, terminal } = await open()
  await terminal.codeOf("stty columns 91 rows 33")
  expect(await started(terminal, "d run node server.js")).toBe("true true true true 91x33")
  const device = execFileSync("readlink", [`/proc/${server()}/fd/0`], { encoding: "utf8" }).trim()
  execFileSync("stty", ["-F", device, "columns", "72", "rows", "20"])
  await terminal.sees(/server: resized to 72x20\n/)
  terminal.type("hello\n")
  await terminal.sees(/server: read hello\n/)
  terminal.type("\x03")
  await nothingLeft(root, PORT)
  expect(await terminal.codeOf("")).toBe(130)
})

it("passes Ctrl-C to the command once, and a second one as well", async () => {
  const { root, terminal } = await open()
  await started(terminal, "d run node server.js 9")
  const supervisor = parentOf(server())
  terminal.type("\x03")
  await terminal.sees(/server: interrupt 1\n/)
  // It is passed on by d run, after all that it has received before.
  process.kill(supervisor, "SIGUSR1")
  await terminal.sees(/server: after 1\n/)
  terminal.type("\x03")
  await terminal.sees(/server: interrupt 2\n/)
  process.kill(server(), "SIGKILL")
  await nothingLeft(root, PORT)
  expect(await terminal.codeOf("")).toBe(137)
})

it("ends a command that ignores Ctrl-C and TERM after a second Ctrl-C, with what has left its session", async () => {
  const { root, terminal } = await open()
  await started(terminal, "d run sh -c 'trap \"\" TERM; setsid sleep 100 & exec node server.js stubborn'")
  expect(processesOf(root)).toHaveLength(2)
  terminal.type("\x03")
  await terminal.sees(/server: interrupt 1\n/)
  terminal.type("\x03")
  await terminal.sees(/server: interrupt 2\n/)
  await nothingLeft(root, PORT)
  expect(await terminal.codeOf("")).toBe(137)
})

it.each(["kill -9", "the end of the terminal"])("leaves nothing behind after %s", async (how) => {
  const { root, terminal } = await open()
  await started(terminal, "d run sh -c 'setsid sleep 100 & exec node server.js stubborn'")
  if (how === "kill -9") process.kill(parentOf(server()), "SIGKILL")
  else await terminal.close()
  await nothingLeft(root, PORT)
  if (how === "kill -9") expect(await terminal.codeOf("")).toBe(137)
})

it.each(["bash", "zsh"] as const)("stops and goes on as a job of %s", async (shell) => {
  const { root, terminal } = await open(shell)
  await started(terminal, "d run node server.js")
  const [pid, supervisor] = [server(), parentOf(server())]
  terminal.type("\x1a")
  await terminal.sees(/Stopped|suspended/)
  expect([stateOf(pid), stateOf(supervisor)]).toEqual(["T", "T"])
  expect(await terminal.codeOf("true")).toBe(0)
  await terminal.enter("fg")
  await until(
    async () => [stateOf(pid), stateOf(supervisor)],
    (states) => !states.includes("T")
  )
  terminal.type("again\n")
  await terminal.sees(/server: read again\n/)
  terminal.type("\x1a")
  await terminal.sees(/Stopped|suspended/)
  await terminal.codeOf("bg")
  await until(
    async () => [stateOf(pid), stateOf(supervisor)],
    (states) => !states.includes("T")
  )
  // The server wakes as the line is typed, and reads: that stops a job in the background, which the shell may not know yet.
  await terminal.codeOf("kill %1; kill -CONT %1 2>/dev/null; wait %1 2>/dev/null")
  await nothingLeft(root, PORT)
})

it("sees the end of a command that ended while d run was stopped", async () => {
  const { root, terminal } = await open()
  await started(terminal, "d run sh -c 'setsid sleep 100 & exec node server.js'")
  const [pid, supervisor] = [server(), parentOf(server())]
  process.kill(supervisor, "SIGSTOP")
  await terminal.sees(/Stopped/)
  process.kill(pid, "SIGKILL")
  process.kill(supervisor, "SIGCONT")
  await nothingLeft(root, PORT)
  // The shell tells it with the next prompt after that.
  await until(
    async () => existsSync(`/proc/${supervisor}`),
    (isThere) => !isThere
  )
  await terminal.enter("")
  await terminal.sees(/Killed/)
})

it("gives a command in the shell of another directory's d run its own port", async () => {
  const { box, root, terminal } = await open()
  const other = temporary()
  writeFileSync(join(other, "package.json"), '{"name":"pt"}')
  await terminal.enter("d run bash --norc -i")
  expect(await terminal.codeOf('test "$PORT $D_KEY" = "20101 cad-dev"')).toBe(0)
  const tell = "sh -c 'echo \"told $PORT $D_KEY $D_DIR $D_URL\"'"
  await terminal.enter(`cd ${other} && d run ${tell}`)
  expect((await terminal.sees(/\ntold (.*)\n/))[1]).toBe(`20103 pt-dev ${other} http://localhost:20103`)
  await terminal.enter(`cd ${root} && d run ${tell}`)
  expect((await terminal.sees(/\ntold (.*)\n/))[1]).toBe(`20101 cad-dev ${root} http://localhost:20101`)
  // Jobs of the inner shell are its own.
  await terminal.enter("sh -c 'echo asleep; exec sleep 100'")
  await terminal.sees(/\nasleep\n/)
  terminal.type("\x1a")
  await terminal.sees(/Stopped/)
  await terminal.enter("exit 3")
  // It warns of the stopped job first.
  await terminal.enter("exit 3")
  expect(await terminal.codeOf("")).toBe(3)
  expect(await terminal.codeOf('test -z "$PORT"')).toBe(0)
  await nothingLeft(root, PORT)
  expect(await box.ok("getPort", "--key", "pt-dev")).toBe("20103\n")
})

it("ends as bash, zsh, dash and make expect it", async () => {
  const { box, root, terminal } = await open()
  for (const [words, code] of [
    ["true", 0],
    ["false", 1],
    ["sh -c 'exit 3'", 3],
    ["sh -c 'exit 42'", 42],
    ["/", 126],
    ["nosuchprogram", 127],
    ["", 125],
    ["sh -c 'kill -SEGV $$'", 139],
    ["sh -c 'kill -TERM $$'", 143]
  ] as const)
    expect(await terminal.codeOf(`d run ${words}`), words).toBe(code)
  for (const shell of ["zsh", "dash"] as const)
    expect((await box.typed(shell, "d run sh -c 'kill -SEGV $$'\necho $?")).stdout).toBe("139\n")
  writeFileSync(join(root, "Makefile"), "died:\n\td run sh -c 'kill -SEGV $$$$'\nfailed:\n\td run sh -c 'exit 42'\n")
  for (const [target, said] of [
    ["died", /\[Makefile:2: died\] Segmentation fault/],
    ["failed", /\[Makefile:4: failed\] Error 42/]
  ] as const) {
    await terminal.enter(`make ${target}`)
    await terminal.sees(said)
    expect(await terminal.codeOf("")).toBe(2)
  }
})

it("clears up after a program that npm has started through a shell", async () => {
  const { root, terminal } = await open()
  writeFileSync(join(root, "package.json"), '{"name":"cad","scripts":{"dev":"node server.js"}}')
  await started(terminal, "d run npm run dev")
  terminal.type("\x03")
  await nothingLeft(root, PORT)
  expect(await terminal.codeOf("")).toBe(130)
})
