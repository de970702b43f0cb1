import { spawn } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { collect, copyOfProgram, type Machine, startDaemon } from "../support/cli.ts"
import { hold, rangesFrom, until, watched } from "../support/doctor.ts"
import { ask } from "../support/http.ts"
import { listenersOn } from "../support/listening.ts"
import { temporary } from "../support/root.ts"
import { onTerminal } from "../support/terminal.ts"

const RANGES = rangesFrom(23_340)
const PORT = 23_440
const ADDRESS = new RegExp(`^http://localhost:${PORT}/#token=[\\w-]{43}$`)

/** A machine on which HTTP is off. */
const off = (env: Readonly<Record<string, string>> = {}): Machine => watched(RANGES, env)

it("turns HTTP on for as long as the daemon runs, and prints the address of the page", async () => {
  const box = off()
  const daemon = await startDaemon(box)
  expect(await listenersOn(PORT)).toEqual([])
  const url = (await box.ok("dashboard", "--url")).trimEnd()
  expect(url).toMatch(ADDRESS)
  expect((await ask(PORT, "/api/ports")).status).toBe(200)
  expect(await box.ok("status")).toMatch(/^http +http:\/\/localhost:23440$/m)
  const document = JSON.parse(await box.ok("dashboard", "--json"))
  expect(document).toMatchObject({ address: `http://localhost:${PORT}`, url })
  // In a pipe, it opens nothing.
  expect((await box.ok("dashboard")).trimEnd()).toBe(url)
  expect(await box.ok("getPort", "--key", "ports-dashboard")).toBe(`${PORT}\n`)
  expect(await daemon.stop()).toBe(0)
  expect(daemon.log()).not.toContain(url.slice(-43))
  await startDaemon(box)
  expect(JSON.parse(await box.ok("status", "--json")).http).toBeNull()
  expect(await listenersOn(PORT)).toEqual([])
})

it("is asked for by several at once", async () => {
  const box = off()
  await startDaemon(box)
  const urls = await Promise.all(Array.from({ length: 5 }, () => box.ok("dashboard", "--url")))
  expect(new Set(urls).size).toBe(1)
})

it("loads nothing of HTTP before that", async () => {
  const cache = temporary()
  // The code of each part that was loaded is kept when the process ends.
  const isLoaded = () =>
    readdirSync(cache, { recursive: true, encoding: "utf8" }).some((name) => name.includes("httpServer"))
  const box = off({ XDG_CACHE_HOME: cache })
  expect(await (await startDaemon(box)).stop()).toBe(0)
  expect(readdirSync(cache)).not.toEqual([])
  expect(isLoaded()).toBe(false)
  const daemon = await startDaemon(box)
  await box.ok("dashboard", "--url")
  expect(await daemon.stop()).toBe(0)
  expect(isLoaded()).toBe(true)
})

it("needs a daemon, and says which command starts one", async () => {
  const { code, stderr, stdout } = await off().d("dashboard")
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
  expect(stderr).toMatch(/^error: no daemon answers at .*\nhint: d daemon start\n$/)
})

it("says that the port is in use", async () => {
  const box = off()
  await box.ok("setPort", "--key", "ports-dashboard", "--value", "23450")
  const other = await hold(23_450)
  await startDaemon(box)
  const { code, stderr } = await box.d("dashboard", "--url")
  expect(code).toBe(3)
  expect(stderr).toContain(`error: port 23450 of ports-dashboard is in use by another program`)
  await other.stop()
  await until(
    () => box.d("dashboard", "--url"),
    ({ stdout }) => stdout.startsWith("http://localhost:23450/#token=")
  )
})

it("opens the browser on a terminal, with an address that is worth nothing afterwards", async () => {
  const programs = temporary()
  const opened = join(programs, "opened")
  writeFileSync(join(programs, "xdg-open"), `#!/bin/sh\necho "$1" >${opened}\n`, { mode: 0o755 })
  const box = off({ PATH: `${programs}:${process.env["PATH"]}` })
  await startDaemon(box)
  const { code, lines } = await onTerminal(box, 120, "d dashboard")
  expect({ code, lines }).toEqual({ code: 0, lines: [expect.stringMatching(ADDRESS)] })
  const once = new URL(readFileSync(opened, "utf8").trim())
  expect(once.origin).toBe(`http://localhost:${PORT}`)
  expect(once.href).not.toContain(lines[0]?.slice(-43))
  // As a browser goes there that is started by another program.
  const visit = { headers: { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" } }
  const first = await ask(PORT, once.pathname, visit)
  expect({ status: first.status, location: first.headers["location"] }).toEqual({
    status: 303,
    location: lines[0]?.replace(`http://localhost:${PORT}`, "")
  })
  const again = await ask(PORT, once.pathname, visit)
  expect(again.status).toBe(401)
  expect(JSON.parse(again.text).error.hint).toBe("d dashboard opens the page with a new one")
  rmSync(opened)
  expect((await onTerminal(box, 120, "d dashboard --url")).lines).toEqual(lines)
  expect(existsSync(opened)).toBe(false)
  rmSync(join(programs, "xdg-open"))
  const none = await onTerminal(box, 120, "d dashboard")
  expect(none).toEqual({ code: 0, lines: [...lines, "note: no browser could be opened: open the address yourself"] })
})

/** Starts the daemon of a program whose page consists of these files, and answers the address of the page. */
const withPage = async (files: Readonly<Record<string, string>>) => {
  const program = copyOfProgram()
  const directory = join(dirname(program), "dashboard")
  rmSync(directory, { recursive: true, force: true })
  if (Object.keys(files).length > 0) mkdirSync(directory)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  writeFileSync(join(dirname(program), "secret.txt"), "secret")
  const box = off({ AUTOMATELINUX_HTTP: "on" })
  const child = spawn(process.execPath, [program, "daemon"], { env: box.env, cwd: box.home, stdio: "ignore" })
  const gone = collect(child)
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await gone
  })
  await until(
    () => box.d("dashboard", "--url"),
    ({ code }) => code === 0
  )
  return directory
}

it("serves the page with a policy of its own, and nothing else of the disk", async () => {
  const directory = await withPage({
    "index.html": "<!doctype html>é",
    "app.js": "let x",
    "app.css": "p{}",
    "other.js": "no"
  })
  // They were read with the program, so that they are of one build.
  writeFileSync(join(directory, "app.js"), "let y")
  rmSync(join(directory, "app.css"))
  for (const [path, type, text] of [
    ["/", "text/html; charset=utf-8", "<!doctype html>é"],
    ["/?from=here", "text/html; charset=utf-8", "<!doctype html>é"],
    ["/app.js", "text/javascript; charset=utf-8", "let x"],
    ["/app.css", "text/css; charset=utf-8", "p{}"]
  ] as const) {
    const answer = await ask(PORT, path)
    expect({ path, status: answer.status, text: answer.text }).toEqual({ path, status: 200, text })
    expect(answer.headers).toMatchObject({
      "content-type": type,
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-cache"
    })
    const etag = String(answer.headers["etag"])
    const same = await ask(PORT, path, { headers: { "if-none-match": `"x", W/${etag}` } })
    expect({ status: same.status, text: same.text, type: same.headers["content-type"] }).toEqual({
      status: 304,
      text: "",
      type: undefined
    })
    expect((await ask(PORT, path, { headers: { "if-none-match": '"x"' } })).status).toBe(200)
    expect(await ask(PORT, path, { method: "HEAD" })).toMatchObject({ status: 200, text: "" })
    expect((await ask(PORT, path, { headers: { host: `evil.example:${PORT}` } })).status).toBe(403)
  }
  for (const path of ["/other.js", "/index.html", "/dashboard/app.js", "/secret.txt", "/app.js/", "/app.map"])
    expect({ path, status: (await ask(PORT, path)).status }).toEqual({ path, status: 404 })
  for (const path of ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/.../../secret.txt", "//secret.txt"])
    expect({ path, status: (await ask(PORT, path)).status }).toEqual({ path, status: 400 })
})

it("says so if the files of the page are missing, and has the API all the same", async () => {
  await withPage({ "app.js": "alone" })
  for (const path of ["/", "/app.js"]) {
    const { status, text } = await ask(PORT, path)
    expect(status).toBe(404)
    expect(JSON.parse(text).error).toMatchObject({ code: "no-such-path", message: expect.stringContaining("missing") })
  }
  expect((await ask(PORT, "/api/ports")).status).toBe(200)
})
