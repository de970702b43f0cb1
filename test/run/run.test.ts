import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { rangesFrom, seenUp, serve, until } from "../support/doctor.ts"
import { inThisProcess } from "../support/inProcess.ts"
import { listenersOn } from "../support/listening.ts"
import { temporary } from "../support/root.ts"
import { isFree, processesOf, type Running, run } from "../support/running.ts"

/** The program as it is built: what a process does is what is tested. */

const RANGES = rangesFrom(18_400)
const PORT = 18_401

const SERVER = `require("node:net").createServer().listen(process.argv[2] || process.env.PORT, () => {
  console.log("up " + JSON.stringify(Object.fromEntries(Object.entries(process.env).filter(([n]) => /^(PORT|HOST|D_|API)/.test(n)))))
})`

/** An app in a directory of its own, with a server. */
const project = (name = "cad"): string => {
  const root = temporary()
  writeFileSync(join(root, "package.json"), JSON.stringify({ name }))
  writeFileSync(join(root, "server.js"), SERVER)
  return root
}

const up = (running: Running): Promise<string> =>
  until(
    async () => running.stdout(),
    (text) => text.includes("up ")
  )

it("gives the command its port, and says whose it is", async () => {
  const box = machine(RANGES)
  const root = project()
  await box.ok("allocate", "--app", "api", "--special", "redis")
  const words = ["--env", "API_URL=url:api-dev", "--env", "API_PORT=port:{app}-prod", "--host", "127.0.0.1"]
  const running = run(box, root, [...words, "node", "server.js", "{port}", "{url}/x", "{port:redis}"], {
    PORT: "1",
    D_DIR: "/elsewhere",
    D_PORT: "1"
  })
  const text = await up(running)
  const env = JSON.parse(text.slice(text.indexOf("{")))
  expect(env).toMatchObject({
    PORT: "18403",
    HOST: "127.0.0.1",
    D_KEY: "cad-dev",
    D_DIR: root,
    D_PORT: "18403",
    D_URL: "http://localhost:18403",
    API_URL: "http://localhost:18401",
    API_PORT: "18402"
  })
  const argv = execFileSync("tr", ["\\0", "\n"], { input: readFileSync(`/proc/${listenersOn(18_403)[0]}/cmdline`) })
  expect(String(argv).trim().split("\n").slice(-3)).toEqual(["18403", "http://localhost:18403/x", "18500"])
  expect((await box.d("check", "--key", "cad-dev", "--dir", root)).code).toBe(0)
})

it.each<[string, ReadonlyArray<string>, number | string]>([
  ["0", ["true"], 0],
  ["1", ["false"], 1],
  ["3", ["sh", "-c", "exit 3"], 3],
  ["42", ["sh", "-c", "exit 42"], 42],
  ["125 of the command's own", ["sh", "-c", "exit 125"], 125],
  ["SIGSEGV", ["sh", "-c", "kill -SEGV $$"], "SIGSEGV"],
  ["SIGTERM", ["sh", "-c", "kill -TERM $$"], "SIGTERM"],
  ["SIGKILL", ["sh", "-c", "kill -KILL $$"], "SIGKILL"],
  ["an option of the command's", ["sh", "-c", "exit $#", "x", "--help", "--json"], 2],
  ["after dashes", ["--", "sh", "-c", "exit 7"], 7]
])("ends as the command does: %s", async (_, words, code) => {
  const box = machine(RANGES)
  expect(await run(box, project(), words).ended).toBe(code)
})

it("is seen by bash as the command would be", async () => {
  const box = machine(RANGES)
  const { stdout } = await box.sh("d run sh -c 'kill -SEGV $$'; echo $?; d run sh -c 'kill -INT $$'; echo $?")
  expect(stdout).toBe("139\n130\n")
})

it.each<[ReadonlyArray<string>, number, string]>([
  [[], 125, "error: Missing required arg: COMMAND\n"],
  [["--"], 125, "error: Missing required arg: COMMAND\n"],
  [[""], 125, "error: Missing required arg: COMMAND\n"],
  [["nosuchprogram"], 127, 'error: "nosuchprogram" was not found\n'],
  [["./nosuchprogram"], 127, 'error: "./nosuchprogram" was not found\n'],
  [["./package.json"], 126, 'error: "./package.json" cannot be executed\n'],
  [["/"], 126, 'error: "/" is a directory\n'],
  [["./nointerpreter"], 127, 'error: "./nointerpreter" is run by "/nonexistent/interpreter", which was not found\n'],
  [["./crlf"], 127, 'error: "./crlf" is run by "/bin/sh\\r", which was not found\n'],
  [["--app", "a b", "true"], 125, 'error: app "a b" is not an app\'s name'],
  [["--nonsense", "true"], 125, 'error: run has no option "--nonsense"\n'],
  [["--key", "x", "--app", "y", "true"], 125, "error: app does not go with key"],
  [["--mode", "test", "true"], 125, 'error: mode "test" is not a mode'],
  [["--env", "API", "true"], 125, 'error: env "API" is not NAME=WHAT\n'],
  [["--env", "API=redis", "true"], 125, 'error: env "API=redis" is neither port:KEY nor url:KEY\n'],
  [["--env", "PORT=port:redis", "true"], 125, 'error: env "PORT=port:redis" sets PORT'],
  [["--env", "API=url:nobody", "true"], 125, "error: Port not set for nobody\n"],
  [["true", "{port:nobody}"], 125, "error: Port not set for nobody\n"],
  [["--env", "API=url:{app}-x", "--key", "y", "true"], 125, 'error: env "API=url:{app}-x" has {app}, and '],
  [["true", "a{port:{app}-x}", "--key"], 125, "error: Port not set for cad-x\n"],
  [["--timeout", "5s", "true"], 125, "error: timeout goes with wait\n"],
  [["--wait", "--timeout", "soon", "true"], 125, 'error: timeout "soon" is not a time'],
  [["--wait"], 125, "error: Missing required arg: COMMAND\n"],
  [["--wait", "--env", "API=redis", "true"], 125, 'error: env "API=redis" is neither port:KEY nor url:KEY\n'],
  [["--wait", "true", "{url:nobody}"], 125, "error: Port not set for nobody\n"]
])("refuses %j with %i, and starts and claims nothing", async (words, code, said) => {
  const box = machine(RANGES)
  const root = project()
  writeFileSync(join(root, "nointerpreter"), "#!/nonexistent/interpreter\n", { mode: 0o755 })
  writeFileSync(join(root, "crlf"), "#!/bin/sh\r\necho\r\n", { mode: 0o755 })
  const running = run(box, root, words)
  expect(await running.ended).toBe(code)
  expect(running.stdout()).toBe("")
  expect(running.stderr().startsWith(said), running.stderr()).toBe(true)
  expect(running.stderr().trimEnd().split("\n")).toHaveLength(2)
  // What {app} stands for is known only by a claim.
  if (!words.join().includes("{app}")) expect(await box.by(inThisProcess).ok("listPorts", "--json")).toBe("[]\n")
})

it("says in one sentence why it cannot start: a full range, no database, a directory that is gone", async () => {
  const full = machine({ ...RANGES, AUTOMATELINUX_APP_RANGE: "18400-18401" })
  await full.ok("allocate", "--app", "other")
  const filled = run(full, project(), ["true"])
  expect(await filled.ended).toBe(125)
  expect(await full.ok("listPorts", "--app", "cad", "--json")).toBe("[]\n")
  expect(filled.stderr()).toMatch(/^error: no free pair for cad in 18400-18401.*\nhint: .*\n$/)
  const away = machine({ ...RANGES, AUTOMATELINUX_DATABASE_URL: "mysql://a:b@127.0.0.1:9/x" })
  const alone = run(away, project(), ["true"])
  expect(await alone.ended).toBe(125)
  expect(alone.stderr()).toMatch(/^error: cannot use database x .*\nhint: .*\n$/)
  const box = machine(RANGES)
  const gone = temporary()
  const { code, stderr } = await box.sh(`cd ${gone} && rmdir ${gone} && d run true`)
  expect([code, stderr]).toEqual([
    125,
    "error: the current directory no longer exists\nhint: change to another directory\n"
  ])
})

it("starts nothing beside a server that runs already, and takes over only its own", async () => {
  const box = machine(RANGES)
  const root = project()
  const first = run(box, root, ["node", "server.js"])
  await up(first)
  const [pid] = listenersOn(PORT)
  const second = run(box, root, ["--mode", "dev", "--wait", "node", "server.js", "a b"])
  expect(await second.ended).toBe(125)
  expect(second.stderr()).toMatch(
    new RegExp(
      `^error: ${PORT} \\(cad-dev\\) is served by node, pid ${pid}, in ${root}, since 2.*\\nhint: this app runs already; to end it first: d run --takeover --wait --mode=dev node server.js 'a b'\\n$`
    )
  )
  const third = run(box, root, ["--takeover", "node", "server.js"])
  await up(third)
  expect(await first.ended).toBe("SIGTERM")
  expect(listenersOn(PORT)).not.toContain(pid)
  third.child.kill("SIGTERM")
  expect(await third.ended).toBe("SIGTERM")
  // Another directory's server on this port.
  const other = await serve(PORT)
  const fourth = run(box, root, ["--takeover", "node", "server.js"])
  expect(await fourth.ended).toBe(125)
  expect(fourth.stderr()).toContain(
    `is served by node, pid ${other.pid}, in ${other.directory}, not from ${root}, since`
  )
  expect(fourth.stderr()).toContain("hint: do not stop it unless it is yours: it may be another worktree's")
  expect(listenersOn(PORT)).toEqual([other.pid])
})

it("gives a directory whose name is taken a port of its own, whatever PORT it has inherited", async () => {
  const box = machine(RANGES)
  const [one, two] = [project(), project()]
  const inner = `d() { ${process.execPath} ${PROGRAM} "$@"; }; cd ${two} && d run node server.js`
  const outer = run(box, one, ["sh", "-c", inner])
  const text = await up(outer)
  expect(JSON.parse(text.slice(text.indexOf("{")))).toMatchObject({ PORT: "18403", D_DIR: two })
  outer.child.kill("SIGTERM")
  await outer.ended
})

it.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)("passes %s on, and leaves nothing behind", async (signal) => {
  const box = machine(RANGES)
  const root = project()
  const running = run(box, root, ["sh", "-c", "setsid sleep 100 & exec node server.js"])
  await up(running)
  running.child.kill(signal)
  expect(await running.ended).toBe(signal)
  expect([processesOf(root), listenersOn(PORT)]).toEqual([[], []])
  // It was asked to end everything.
  expect(running.stderr()).toBe("")
})

it("ends what ignores its signals, and what has left its session", async () => {
  const box = machine(RANGES)
  const root = project()
  const stubborn = 'trap "" TERM HUP INT; setsid node server.js & while true; do sleep 0.1; done'
  const running = run(box, root, ["sh", "-c", stubborn])
  await up(running)
  running.child.kill("SIGTERM")
  expect(await running.ended).toBe("SIGKILL")
  await isFree(PORT)
}, 60_000)

it("ends what the command has left when it ends by itself, and says so", async () => {
  const box = machine(RANGES)
  const running = run(box, project(), ["sh", "-c", "setsid node server.js & sleep 1; exit 5"])
  expect(await running.ended).toBe(5)
  expect(running.stderr()).toMatch(/^note: ended what it left: node, pid \d+, on 18401\n$/)
  expect(listenersOn(PORT)).toEqual([])
})

it("leaves nothing behind when it is killed itself", async () => {
  const box = machine(RANGES)
  const running = run(box, project(), [
    "sh",
    "-c",
    'trap "" TERM; setsid node server.js & while true; do sleep 0.1; done'
  ])
  await up(running)
  running.child.kill("SIGKILL")
  expect(await running.ended).toBe("SIGKILL")
  await isFree(PORT)
}, 30_000)

it("says if the command listens on another port than its own", async () => {
  const box = machine(RANGES)
  const running = run(box, project(), ["node", "server.js", "18490"])
  const text = await until(
    async () => running.stderr(),
    (said) => said.includes("\n")
  )
  expect(text).toBe(
    "note: node listens on 18490, and not on 18401, the port of cad-dev: if it does not read PORT, write {port} in its command, or d run before it in its script\n"
  )
})

it("starts in the background, and returns when it is up", async () => {
  const box = machine(RANGES)
  const root = project()
  const running = run(box, root, ["--wait", "--json", "node", "server.js"])
  expect(await running.ended).toBe(0)
  const started = JSON.parse(running.stdout())
  onTestFinished(() => {
    try {
      process.kill(started.pid, "SIGTERM")
    } catch {
      // It has ended.
    }
  })
  expect(started).toMatchObject({ key: "cad-dev", port: PORT, url: `http://localhost:${PORT}` })
  expect(running.stderr()).toBe(
    `note: it runs in the background; its output: ${started.log}; to end it: kill ${started.pid}\n`
  )
  expect(readFileSync(started.log, "utf8")).toContain('up {"')
  expect((await box.d("check", "--key", "cad-dev", "--dir", root)).code).toBe(0)
  process.kill(started.pid, "SIGTERM")
  await isFree(PORT)
})

it("takes no server that ran before for the one that it waits for", async () => {
  const box = machine(RANGES)
  const root = project()
  const first = run(box, root, ["--wait", "--json", "node", "server.js"])
  expect(await first.ended).toBe(0)
  const { log, pid } = JSON.parse(first.stdout())
  onTestFinished(() => {
    try {
      process.kill(pid, "SIGTERM")
    } catch {
      // It has ended.
    }
  })
  const refused = run(box, root, ["--wait", "node", "server.js"])
  expect(await refused.ended).toBe(125)
  expect(refused.stderr()).toContain(
    "hint: this app runs already; to end it first: d run --takeover --wait node server.js\n"
  )
  expect(readFileSync(log, "utf8")).toContain('up {"')
  const crashed = run(box, root, ["--wait", "--takeover", "node", "-e", "setTimeout(() => process.exit(3), 300)"])
  expect(await crashed.ended).toBe(3)
  expect(crashed.stdout()).toBe("")
  await isFree(PORT)
})

it("ends the command if the wait is interrupted", async () => {
  const box = machine(RANGES)
  const running = run(box, project(), ["--wait", "sleep", "47.5"])
  const isThere = () => spawnSync("pgrep", ["-f", "sleep 47.5"]).status === 0
  await until(
    async () => isThere(),
    (there) => there
  )
  running.child.kill("SIGINT")
  expect(await running.ended).toBe("SIGINT")
  expect(isThere()).toBe(false)
})

it("does not wait for a command that ends, or that never comes up", async () => {
  const box = machine(RANGES)
  const root = project()
  const bad = run(box, root, ["--wait", "sh", "-c", "echo it is bad; exit 9"])
  expect(await bad.ended).toBe(9)
  expect(bad.stdout()).toBe("")
  expect(bad.stderr()).toMatch(
    /^it is bad\nerror: the command ended with 9 before it accepted connections on 18401\nhint: its output: cat \S+\n$/
  )
  const never = run(box, root, ["--wait", "--timeout", "500ms", "sleep", "30"])
  expect(await never.ended).toBe(125)
  expect(never.stderr()).toContain("error: the command accepted no connection on 18401 within 1 s, and was ended\n")
  const missing = run(box, root, ["--wait", "nosuchprogram"])
  expect(await missing.ended).toBe(127)
})

it("finds the programs of the installed packages, the nearest first", async () => {
  const box = machine(RANGES)
  const root = project()
  const inner = join(root, "packages/web")
  for (const [directory, word] of [
    [root, "outer"],
    [inner, "inner"]
  ] as const) {
    mkdirSync(join(directory, "node_modules/.bin"), { recursive: true })
    writeFileSync(join(directory, "node_modules/.bin/vite"), `#!/bin/sh\necho ${word} "$@"\n`, { mode: 0o755 })
  }
  const running = run(box, inner, ["vite", "--host"])
  expect(await running.ended).toBe(0)
  expect(running.stdout()).toBe(`inner --host --port ${PORT} --strictPort\n`)
  expect(running.stderr()).toBe(`note: added --port ${PORT} --strictPort\n`)
  const plain = run(box, root, ["--no-inject", "vite", "--host"])
  expect(await plain.ended).toBe(0)
  expect([plain.stdout(), plain.stderr()]).toEqual(["outer --host\n", ""])
  const placed = run(box, root, ["vite", "--port={port}"])
  expect(await placed.ended).toBe(0)
  expect(placed.stdout()).toBe(`outer --port=${PORT}\n`)
})

it("tells the daemon at once that the app is up", async () => {
  const box = machine({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  await startDaemon(box)
  const running = run(box, project(), ["node", "server.js"])
  await up(running)
  await seenUp(box, "cad-dev")
  expect(await box.ok("probe")).toBe("probed 2 ports\n")
})

it("opens the URL with the system's opener", async () => {
  const box = machine(RANGES)
  const programs = temporary()
  const opened = join(programs, "opened")
  writeFileSync(join(programs, "xdg-open"), `#!/bin/sh\necho "$1" >${opened}\n`, { mode: 0o755 })
  await box.ok("allocate", "--app", "cad")
  const env = { PATH: `${programs}:${process.env["PATH"]}` }
  expect(await box.with(env).ok("open", "--key", "cad-dev", "--path", "x")).toBe(`http://localhost:${PORT}/x\n`)
  expect(readFileSync(opened, "utf8")).toBe(`http://localhost:${PORT}/x\n`)
  rmSync(join(programs, "xdg-open"))
  const none = await box.with({ PATH: programs }).d("open", "--key", "cad-dev")
  expect(none).toMatchObject({ code: 3, stdout: "" })
  expect(none.stderr).toBe(
    `error: cannot open http://localhost:${PORT}: none of wslview, xdg-open, open was found\nhint: open it yourself; d url prints it\n`
  )
  expect(existsSync(opened)).toBe(true)
})
