import { writeFileSync } from "node:fs"
import { get } from "node:http"
import { join } from "node:path"
import { expect, it } from "vitest"
import { readSockets } from "../../src/machine/procNetTcp.ts"
import { machine, PROGRAM } from "../support/cli.ts"
import { hold, serve } from "../support/doctor.ts"
import { listenersOn } from "../support/listening.ts"
import { projectWith, QUIET } from "../support/realTools.ts"
import { nothingLeft, processesOf, run } from "../support/running.ts"

/** Real tools, as they are installed, started in the ways that people start them. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "20200-20219", AUTOMATELINUX_SPECIAL_RANGE: "20220-20239" }
const PORT = 20_201

const SERVER =
  'require("node:http").createServer((_, response) => response.end("the node project")).listen(process.env.PORT)'

const PROJECTS: Readonly<Record<string, Readonly<Record<string, string | object>>>> = {
  vite: {
    "package.json": { name: "cad", scripts: { dev: "vite", typed: "tsc --version && vite" } },
    "index.html": "<h1>the vite project</h1>"
  },
  next: {
    "package.json": { name: "cad", scripts: { dev: "next dev" } },
    "app/layout.js": "export default ({ children }) => <html><body>{children}</body></html>",
    "app/page.js": "export default () => <h1>the next project</h1>"
  },
  astro: {
    "package.json": { name: "cad", scripts: { dev: "astro dev" } },
    "src/pages/index.astro": "<h1>the astro project</h1>"
  },
  node: { "package.json": { name: "cad", scripts: { start: "node server.js" } }, "server.js": SERVER },
  python: { "pyproject.toml": "", "index.html": "the python project" }
}

const project = (kind: string): string => projectWith(PROJECTS[kind] ?? {})

/** What is served on a port of this machine. */
const pageOn = (port: number): Promise<string> =>
  new Promise((done, fail) => {
    get(`http://localhost:${port}/`, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => (text += chunk))
      response.on("end", () => done(text))
    }).on("error", fail)
  })

/** The ports that any of `pids` listens on. */
const portsOf = (pids: ReadonlyArray<number>): ReadonlyArray<number> => [
  ...new Set(
    (readSockets() ?? []).map(({ port }) => port).filter((port) => listenersOn(port).some((pid) => pids.includes(pid)))
  )
]

it.each<[string, string]>([
  ["vite", "vite"],
  ["vite", "npm run dev"],
  ["vite", "npm run typed"],
  ["vite", "npx vite"],
  ["vite", "pnpm dev"],
  ["vite", "pnpm exec vite"],
  ["next", "next dev"],
  ["next", "npm run dev"],
  ["next", "pnpm dev"],
  ["astro", "astro dev"],
  ["astro", "npm run dev"],
  ["astro", "npx astro dev"],
  ["astro", "pnpm dev"],
  ["node", "node server.js"],
  ["node", "npm start"],
  ["node", "pnpm start"],
  ["python", "python3 -m http.server"]
])("%s is on its port, and on no other, by %s", async (kind, line) => {
  const box = machine({ ...RANGES, ...QUIET })
  const root = project(kind)
  const running = run(box, root, line.split(" "))
  const checked = await box.d("check", "--dir", root, "--wait", "60s")
  expect(checked.code, checked.stdout + running.stdout() + running.stderr()).toBe(0)
  expect(await pageOn(PORT)).toContain(`the ${kind} project`)
  const pids = processesOf(root)
  expect(listenersOn(PORT).filter((pid) => !pids.includes(pid))).toEqual([])
  expect(portsOf(pids)).toEqual([PORT])
  running.child.kill("SIGTERM")
  await running.ended
  expect(running.stderr()).not.toContain("ended what it left")
  await nothingLeft(root, PORT)
})

it.each<[string, string]>([
  ["vite", "npm run dev"],
  ["next", "next dev"],
  ["astro", "npx astro dev"],
  ["node", "npm start"],
  ["python", "python3 -m http.server"]
])("%s does not come up elsewhere if a stranger has its port, by %s", async (kind, line) => {
  const box = machine({ ...RANGES, ...QUIET })
  const root = project(kind)
  await box.ok("claim", "--dir", root)
  for (const host of ["127.0.0.1", "::1", "::"]) {
    const stranger = await serve(PORT, { host })
    const running = run(box, root, line.split(" "))
    expect(await running.ended).toBe(125)
    expect(running.stdout()).toBe("")
    expect(running.stderr()).toMatch(
      new RegExp(`^error: ${PORT} \\(\\S+-dev\\) is served by node, pid ${stranger.pid}, `)
    )
    expect(processesOf(root)).toEqual([])
    await stranger.stop()
  }
  // It would take another port if it could not bind its own, as no list of listeners tells.
  await hold(PORT - 1)
  const running = run(box, root, ["--mode", "prod", ...line.split(" ")])
  expect(await running.ended).toBe(125)
  expect(running.stdout()).toBe("")
  expect(running.stderr()).toMatch(
    new RegExp(`^error: ${PORT - 1} \\(\\S+-prod\\) is bound by a socket that does not listen\nhint: ss -tanp .*\n$`)
  )
})

it.each(["concurrently npm:dev:*", "pnpm -r dev", "npm run dev --workspaces"])(
  "each package of a workspace is on a port of its own, by %s",
  async (line) => {
    const programs = projectWith({})
    writeFileSync(join(programs, "d"), `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`, { mode: 0o755 })
    const box = machine({ ...RANGES, ...QUIET, PATH: `${programs}:${process.env["PATH"]}` })
    const root = projectWith({
      "package.json": {
        name: "all",
        workspaces: ["packages/*"],
        scripts: { "dev:web": "npm run dev -w web", "dev:api": "npm run dev -w api" }
      },
      "pnpm-workspace.yaml": "packages:\n  - packages/*\n",
      "packages/web/package.json": { name: "web", scripts: { dev: "d run vite" } },
      "packages/web/index.html": "the vite project",
      "packages/api/package.json": { name: "api", scripts: { dev: "d run node server.js" } },
      "packages/api/server.js": SERVER
    })
    // npm runs the scripts of a workspace one after the other: there the first one stays.
    const both = line.startsWith("npm") ? ["api"] : ["web", "api"]
    // Inside a d run of the whole, whose PORT is none of theirs.
    const running = run(box, root, line.split(" "))
    for (const name of both) {
      const directory = join(root, "packages", name)
      const checked = await box.d("check", "--dir", directory, "--wait", "60s")
      expect(checked.code, checked.stdout + running.stdout() + running.stderr()).toBe(0)
      const port = Number(await box.ok("getPort", "--app", name, "--mode", "dev"))
      expect(await pageOn(port)).toContain(name === "web" ? "the vite project" : "the node project")
      expect(portsOf(processesOf(directory))).toEqual([port])
    }
    running.child.kill("SIGTERM")
    await running.ended
    for (const directory of [root, ...both.map((name) => join(root, "packages", name))])
      await nothingLeft(directory, PORT)
  }
)
