import { spawn } from "node:child_process"
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { copyOfProgram, type Machine, machine, startDaemon } from "../support/cli.ts"
import { serve, started, until } from "../support/doctor.ts"
import { isRoot, NOBODY } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"
import { isFree } from "../support/running.ts"
import { KEYS, openScreen, type Screen } from "../support/screen.ts"
import { PROMPT } from "../support/shellOnTerminal.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "23200-23219", AUTOMATELINUX_SPECIAL_RANGE: "23220-23239" }
const DEV = 23_201

/** A registry with an app and a special. */
const registry = async (env: Readonly<Record<string, string>> = {}): Promise<Machine> => {
  const box = machine({ ...RANGES, ...env })
  await box.ok("allocate", "--app", "cad", "--special", "proxy", "--description", "日本語 CAD app")
  return box
}

const start = async (screen: Screen, words = ""): Promise<void> => {
  screen.type(`d watch ${words}\n`)
  await screen.shows(/^d watch .*\n +KEY /)
}

/** Waits for the shell, and returns the exit code of what it ran. */
const codeAfter = async (screen: Screen): Promise<number> => {
  await until(
    async () => screen.isAlternate(),
    (is) => !is
  )
  screen.type('echo "code=$?"\n')
  return Number(/code=(\d+)/.exec((await screen.shows(/code=\d+/)).join("\n"))?.[1])
}

const isRaw = (screen: Screen) => screen.isAlternate() && screen.isCursorHidden()
const isRestored = (screen: Screen) => !screen.isAlternate() && !screen.isCursorHidden()

const stateOf = (pid: number): string | undefined => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]

it.each([
  [80, 24],
  [200, 50]
])("at %ix%i shows what comes up and goes down, and restores the screen", async (columns, rows) => {
  const box = await registry()
  await startDaemon(box)
  const screen = await openScreen(box, columns, rows)
  screen.type("echo before; ")
  await start(screen)
  expect(isRaw(screen)).toBe(true)
  expect(screen.lines()[0]).toMatch(/ 3 (down|unknown) .* daemon {2}by port$/)
  expect(screen.lines().at(-1)).toMatch(/^↑↓ move .* q quit$/)
  const { pid, stop } = await serve(DEV)
  const up = await screen.shows(/cad-dev came up on 23201/)
  expect(up.find((line) => line.includes("cad-dev"))).toMatch(new RegExp(`↑ cad-dev +23201 +dev +up +node ${pid}`))
  await stop()
  expect((await screen.shows(/cad-dev went down/)).find((line) => line.includes("cad-dev"))).toMatch(
    /↓ cad-dev .* down/
  )
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
  expect(isRestored(screen)).toBe(true)
  expect(screen.lines().join("\n")).toContain("before")
})

it("follows the size of the terminal", async () => {
  const screen = await openScreen(await registry(), 80, 24)
  await start(screen)
  screen.resize(120, 40)
  await until(
    async () => screen.lines()[39],
    (line) => line?.startsWith("↑↓ move") === true
  )
  expect(screen.lines().join("\n")).toContain("日本語 CAD app")
  screen.resize(30, 8)
  const lines = await screen.shows(/^d watch.*\n.*\n> {2}cad-prod +23200/)
  expect(lines[7]).toMatch(/^↑↓ move/)
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it("filters, explains and shows its keys", async () => {
  const screen = await openScreen(await registry(), 80, 24)
  await start(screen)
  screen.type("/prox")
  await screen.shows(/^\/prox +1 of 3$/m)
  await screen.hides(/cad-dev/)
  screen.type("\r")
  await screen.shows(/^\/prox +1 of 3; Escape shows all$/m)
  screen.type("e")
  await screen.shows(/^port +23220\nkey +proxy: 日本語 CAD app\nclaimed /m)
  screen.type(KEYS.escape)
  await screen.shows(/KEY +PORT/)
  screen.type(KEYS.escape)
  await screen.shows(/cad-dev/)
  screen.type("?")
  await screen.shows(/Ctrl-Z +suspend; fg continues/)
  screen.type("q")
  await screen.shows(/cad-dev/)
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it("scrolls through a thousand keys", async () => {
  const ranges = { AUTOMATELINUX_APP_RANGE: "62000-62019", AUTOMATELINUX_SPECIAL_RANGE: "62020-63999" }
  const box = machine(ranges)
  const keys = Array.from({ length: 1000 }, (_, at) => ["--special", `key-${String(at).padStart(4, "0")}`]).flat()
  await box.ok("allocate", ...keys)
  await startDaemon(box)
  const screen = await openScreen(box, 80, 24)
  await start(screen)
  await screen.shows(/key-0000/)
  screen.type("G")
  await screen.shows(/^> {2}key-0999/m)
  screen.type(KEYS.pageUp.repeat(10))
  await screen.shows(/^> {2}key-0799/m)
  screen.written()
  screen.type(KEYS.up.repeat(300))
  await screen.shows(/^> {2}key-0499/m)
  screen.type("g")
  await screen.shows(/^> {2}key-0000/m)
  screen.type("/key 599\r")
  await screen.shows(/^\/key 599 +2 of 1000; /m)
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it("goes on without a daemon that is lost, says so, and returns to it", async () => {
  const box = await registry()
  const daemon = await startDaemon(box)
  const screen = await openScreen(box, 80, 24)
  await start(screen)
  await daemon.stop("SIGKILL")
  const lines = await screen.shows(/the daemon no longer answers: reading the registry without it/)
  expect(lines[0]).toMatch(/ no daemon {2}by port$/)
  await box.ok("describe", "cad", "changed meanwhile")
  await screen.shows(/changed meanwhile/)
  await startDaemon(box)
  expect((await screen.hides(/no longer answers/))[0]).toMatch(/ daemon {2}by port$/)
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it("stays at hand beside a daemon that is stopped", async () => {
  const box = await registry()
  const daemon = await startDaemon(box)
  const screen = await openScreen(box, 80, 24)
  await start(screen)
  daemon.signal("SIGSTOP")
  screen.type(KEYS.down)
  await screen.shows(/^> {2}cad-dev/m)
  await screen.shows(/the daemon no longer answers/)
  daemon.signal("SIGCONT")
  await screen.hides(/no longer answers/)
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it.runIf(isRoot)("leaves a process of another user alone, and says what ends it", async () => {
  const screen = await openScreen(await registry(), 80, 24)
  await start(screen)
  const script = `require("node:net").createServer().listen(${DEV}, "127.0.0.1", () => console.log("up"))`
  const child = spawn(process.execPath, ["-e", script], {
    cwd: "/",
    uid: NOBODY,
    gid: NOBODY,
    stdio: ["ignore", "pipe", "inherit"]
  })
  const { pid } = await started(child, "/")
  await screen.shows(/cad-dev .* up/)
  screen.type(`${KEYS.down}k`)
  const lines = (await screen.shows(/Not ended/)).join("\n")
  expect(lines).toContain("is not ended from here.")
  expect(lines).toMatch(new RegExp(`^ {2}(sudo )?kill ${pid}$`, "m"))
  screen.type("y")
  screen.type("q")
  await screen.hides(/Not ended/)
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it("keeps the last list with its age while the registry cannot be read", async () => {
  const box = await registry()
  const screen = await openScreen(box, 80, 24)
  await start(screen)
  const file = join(box.home, ".local/state/automatelinux/ports.sqlite")
  const content = readFileSync(file)
  writeFileSync(file, "this is no database, but something else")
  const lines = await screen.shows(/cannot look: /)
  expect(lines[0]).toMatch(/\d+ s old, of \d\d:\d\d:\d\d/)
  expect(lines.join("\n")).toContain("cad-dev")
  writeFileSync(file, content)
  await screen.hides(/cannot look: /)
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it("ends a process after it was shown and confirmed, and with KILL only if asked again", async () => {
  const screen = await openScreen(await registry(), 80, 24)
  // Ignores TERM.
  const server = await serve(DEV, { afterwards: 'process.on("SIGTERM", () => {})' })
  await start(screen)
  await screen.shows(/cad-dev .* up/)
  screen.type(KEYS.down)
  await screen.shows(/^> {2}cad-dev/m)
  screen.type("k")
  const shown = (await screen.shows(/End this process\?/)).join("\n")
  expect(shown).toContain(`process    node, pid ${server.pid}`)
  expect(shown).toContain("createServer().listen(23201")
  expect(shown).toContain(`directory  ${server.directory}`)
  expect(shown).toMatch(/started +\d\d:\d\d \(\d+ s ago\)/)
  expect(shown).toContain("listens    on 23201 (cad-dev), at 127.0.0.1")
  screen.type("n")
  await screen.shows(/nothing was ended/)
  screen.type("k")
  await screen.shows(/y sends TERM/)
  screen.type("y")
  await screen.shows(new RegExp(`TERM sent to node, pid ${server.pid}`))
  screen.type("k")
  await screen.shows(/TERM was sent \d s ago: after 5 s, k offers KILL/)
  await sleep(5200)
  screen.type("k")
  await screen.shows(/It did not end after TERM\./)
  screen.type("y")
  await screen.shows(/pid \d+, killed/)
  await isFree(DEV)
  await screen.shows(/^> {2}cad-dev +23201 +dev +(unknown|down)/m)
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it("does not end a process that has taken the place of the one that was shown", async () => {
  const screen = await openScreen(await registry(), 80, 24)
  const first = await serve(DEV)
  await start(screen)
  await screen.shows(/cad-dev .* up/)
  screen.type(`${KEYS.down}k`)
  await screen.shows(new RegExp(`node, pid ${first.pid}`))
  await screen.shows(/End this process\?/)
  await first.stop()
  const second = await serve(DEV)
  screen.type("y")
  await screen.shows(/nothing was ended: 23201 is no longer served by the process that was shown/)
  expect(stateOf(second.pid)).not.toBe("Z")
  await screen.shows(new RegExp(`~ cad-dev .* node ${second.pid}`))
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it("opens the URL of a port", async () => {
  const box = await registry()
  const programs = temporary()
  writeFileSync(join(programs, "xdg-open"), `#!/bin/sh\necho "$1" > ${programs}/opened\n`)
  chmodSync(join(programs, "xdg-open"), 0o755)
  const screen = await openScreen(box.with({ PATH: `${programs}:${box.env["PATH"]}` }), 80, 24)
  await start(screen)
  screen.type("o")
  await screen.shows(/opening http:\/\/localhost:23200/)
  const opened = await until(
    async () => readFileSync(join(programs, "opened"), "utf8"),
    (text) => text !== ""
  ).catch(() => "")
  expect(opened).toBe("http://localhost:23200\n")
  screen.type("q")
  expect(await codeAfter(screen)).toBe(0)
})

it("is suspended by Ctrl-Z with the terminal as it was, and drawn again by fg", async () => {
  const screen = await openScreen(await registry(), 80, 24)
  await start(screen)
  const pid = screen.pid()
  screen.type("\x1a")
  await screen.shows(/Stopped/)
  expect(isRestored(screen)).toBe(true)
  expect(stateOf(pid)).toBe("T")
  screen.type("echo meanwhile\n")
  await screen.shows(/^meanwhile$/m)
  screen.type("fg\n")
  await screen.shows(/^d watch .*\n +KEY /)
  expect(isRaw(screen)).toBe(true)
  screen.type("/prox")
  await screen.shows(/1 of 3/)
  screen.type("\x03")
  expect(await codeAfter(screen)).toBe(130)
})

it.each([
  ["SIGTERM", 143],
  ["SIGHUP", 129],
  ["SIGINT", 130]
] as const)("restores the terminal on %s", async (signal, code) => {
  const screen = await openScreen(await registry(), 80, 24)
  await start(screen)
  process.kill(screen.pid(), signal)
  expect(await codeAfter(screen)).toBe(code)
  expect(isRestored(screen)).toBe(true)
})

/** Where the program says that it opens a URL. */
const OPENING = "`opening $"
const CRASH = '(()=>{throw new Error("crashed")})()+'

it("restores the terminal after a crash, and then prints the error", async () => {
  const program = copyOfProgram((text) => text.replaceAll(OPENING, CRASH + OPENING))
  const screen = await openScreen(await registry(), 80, 24, program)
  await start(screen)
  screen.type("o")
  expect(await codeAfter(screen)).toBe(70)
  expect(isRestored(screen)).toBe(true)
  expect(screen.lines().join("\n")).toMatch(/Error: crashed.*error: /s)
})

it("ends if its window is closed", async () => {
  const screen = await openScreen(await registry(), 80, 24)
  await start(screen)
  const pid = screen.pid()
  await screen.close()
  await until(
    async () => {
      try {
        return stateOf(pid)
      } catch {
        return undefined
      }
    },
    (state) => state === undefined || state === "Z"
  )
})

it("refuses to draw where it cannot", async () => {
  const screen = await openScreen(await registry(), 100, 24)
  screen.type("TERM=dumb d watch\n")
  await screen.shows(/error: watch needs a terminal that it can draw on, and TERM is dumb\nhint: d watch --once/)
  screen.type("d watch </dev/null\n")
  await screen.shows(/error: watch reads keys, and standard input is no terminal/)
  screen.type("d watch --once --app cad\n")
  await screen.shows(/^d watch --app cad .*\nKEY +PORT.*\ncad-prod/m)
  await screen.shows(new RegExp(`${PROMPT}$`, "m"))
  expect(screen.isAlternate()).toBe(false)
})
