import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { join, resolve } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { collect, type Machine, machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { projectWith, runIn, serveIn } from "../support/library.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "20440-20469", AUTOMATELINUX_SPECIAL_RANGE: "20470-20479" }

const VITE = resolve("node_modules/vite/bin/vite.js")

/** A project whose Vite has the plugin with these options. */
const site = (name: string, options = "", config = ""): string =>
  projectWith(name, {
    "index.html": `<title>${name}</title>`,
    "main.js": "if (import.meta.hot) import.meta.hot.accept()",
    "vite.config.ts": `
      import { defineConfig } from "vite"
      import { ports } from "automatelinux-ports/vite"
      export default defineConfig({ plugins: [ports(${options})], ${config} })`
  })

/** Starts a program until it has printed `until`, and ends it and its children with the test. */
const start = (
  box: Machine,
  directory: string,
  words: ReadonlyArray<string>,
  until: RegExp,
  onPrinted: (printed: string) => void = () => {}
): Promise<string> => {
  const child: ChildProcess = spawn(process.execPath, words, {
    env: { ...box.env, NO_COLOR: "1" },
    cwd: directory,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"]
  })
  const ended = collect(child)
  onTestFinished(async () => {
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL")
    } catch {
      // It has ended.
    }
    await ended
  })
  let printed = ""
  return new Promise((done, fail) => {
    const add = (text: Buffer) => {
      printed += text
      onPrinted(printed)
      if (until.test(printed)) done(printed)
    }
    child.stdout?.on("data", add)
    child.stderr?.on("data", add)
    child.once("close", () => fail(new Error(`it ended: ${printed}`)))
  })
}

const vite = (box: Machine, directory: string, ...words: ReadonlyArray<string>) =>
  start(box, directory, [VITE, ...words], /Local: .*\n/)

const text = async (address: string) => (await fetch(address)).text()

describe.each(["with a daemon", "without a daemon"])("%s", (which) => {
  it("Vite serves on the dev port of its directory, and passes on to siblings", async () => {
    const box = machine(RANGES)
    if (which === "with a daemon") await startDaemon(box)
    await box.ok("allocate", "--app", "api")
    await serveIn(box, box.home, 20_441)
    const root = site("cad", '{ proxy: { "/api": "api-dev" } }')
    expect(await vite(box, root)).toContain("http://localhost:20443/")
    expect(await text("http://localhost:20443/")).toContain("<title>cad</title>")
    expect(await text("http://localhost:20443/api/users")).toBe(`from ${box.home}`)
  })
})

it("a worktree passes on to a sibling that is named by its directory", async () => {
  const box = machine(RANGES)
  const api = projectWith("api")
  await box.ok("claim", "--dir", api)
  await serveIn(box, api, 20_441)
  const root = site("cad", `{ proxy: { "/api": { directory: ${JSON.stringify(api)}, rewrite: (path) => path } } }`)
  await vite(box, root)
  expect(await text("http://localhost:20443/api")).toBe(`from ${api}`)
})

it("the websocket for hot updates is on that port, too", async () => {
  const box = machine(RANGES)
  const root = site("cad")
  await vite(box, root)
  const client = await text("http://localhost:20441/@vite/client")
  const [, token = ""] = /wsToken = "([^"]+)"/.exec(client) ?? []
  // Where the client connects if the page's own address does not do, as behind a proxy.
  expect(client).toContain('"localhost:20441/"')
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "sec-websocket-protocol": "vite-hmr"
  }
  const first = await new Promise<string>((done, fail) => {
    const asking = get(`http://localhost:20441/?token=${token}`, { headers }, () => fail(new Error("it was refused")))
    asking.on("upgrade", (_, socket, head) => {
      onTestFinished(() => void socket.destroy())
      if (head.length > 0) done(head.toString())
      else socket.once("data", (data) => done(data.toString()))
    })
  })
  expect(first).toContain('{"type":"connected"}')
})

it("through d run it is the same port", async () => {
  const box = machine(RANGES)
  const root = site("cad")
  const printed = await start(box, root, [PROGRAM, "run", "node", VITE], /Local: .*\n/)
  expect(printed).toContain("http://localhost:20441/")
  expect(printed).toContain("note: added --port 20441 --strictPort")
})

it("without options of d run, PORT is believed", async () => {
  const box = machine(RANGES)
  const root = site("cad")
  const printed = await start(
    box,
    root,
    [PROGRAM, "run", "--key", "cad-ui", "--no-inject", "node", VITE],
    /Local: .*\n/
  )
  expect(printed).toContain("http://localhost:20470/")
})

it("preview serves on the prod port", async () => {
  const box = machine(RANGES)
  const root = site("cad")
  expect(await runIn(box, root, process.execPath, VITE, "build")).toMatchObject({ code: 0 })
  // A build asks nothing.
  expect(await box.ok("listPorts", "--json")).toBe("[]\n")
  expect(await vite(box, root, "preview")).toContain("http://localhost:20440/")
})

it("a port that is given otherwise stays", async () => {
  const box = machine(RANGES)
  expect(await vite(box, site("cad"), "--port", "20467")).toContain("http://localhost:20467/")
  expect(await vite(box, site("pt", "", "server: { port: 20466 }"))).toContain("http://localhost:20466/")
  expect(await box.ok("listPorts", "--json")).toBe("[]\n")
})

it("a server that is there is named, on whatever address it listens", async () => {
  const box = machine(RANGES)
  const root = site("cad")
  await box.ok("claim", "--dir", root)
  const stranger = projectWith("stranger")
  const pid = await serveIn(box, stranger, 20_441)
  const run = await runIn(box, root, process.execPath, VITE)
  expect(run.code).toBe(1)
  expect(run.stderr).toContain(
    `20441 (cad-dev) is served by node, pid ${pid}, in ${stranger}, not from ${root}\nhint: do not stop it unless it is yours`
  )
})

it("a second Vite of the same directory is refused", async () => {
  const box = machine(RANGES)
  const root = site("cad")
  await vite(box, root)
  const second = await runIn(box, root, process.execPath, VITE)
  expect(second.code).toBe(1)
  expect(second.stderr).toContain("hint: this app runs already")
})

it("a restart of Vite is not taken for a second one", async () => {
  const box = machine(RANGES)
  const root = site("cad")
  const config = join(root, "vite.config.ts")
  const changed = readFileSync(config, "utf8").replace("defineConfig({", "defineConfig({ base: '/again/',")
  let changing: NodeJS.Timeout | undefined
  onTestFinished(() => clearInterval(changing))
  // Vite says that it serves before it watches its files, so one change could go unnoticed.
  await start(box, root, [VITE], /Local: [\s\S]*server restarted/, (printed) => {
    if (/Local: .*\n/.test(printed)) changing ??= setInterval(() => writeFileSync(config, changed), 1000)
  })
  clearInterval(changing)
  await vi.waitFor(
    async () => expect(await text("http://localhost:20441/again/")).toContain("<title>cad</title>"),
    10_000
  )
})

it("a sibling without a port is an error that names it", async () => {
  const box = machine(RANGES)
  const run = await runIn(box, site("cad", '{ proxy: { "/api": "api-dev" } }'), process.execPath, VITE)
  expect(run.code).toBe(1)
  expect(run.stderr).toMatch(/Port not set for api-dev\n\s*hint: d listPorts/)
})

it("a fallback is for a machine without a registry", async () => {
  const box = machine(RANGES)
  const root = site("cad", '{ fallback: 20468, proxy: { "/api": { key: "api-dev", fallback: 20469 } } }')
  expect(await vite(box, root)).toContain("http://localhost:20468/")
})

it("Vitest claims nothing", async () => {
  const box = machine(RANGES)
  const root = site("cad")
  const test = 'import { expect, it } from "vitest"\nit("adds", () => expect(1 + 1).toBe(2))\n'
  writeFileSync(join(root, "some.test.ts"), test)
  const run = await runIn(box, root, process.execPath, resolve("node_modules/vitest/vitest.mjs"), "run")
  expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("1 passed")])
  expect(await box.ok("listPorts", "--json")).toBe("[]\n")
})
