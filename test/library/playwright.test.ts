import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { type Machine, machine } from "../support/cli.ts"
import { evaluate, link, projectWith, runIn, serveIn } from "../support/library.ts"
import { listenersOn } from "../support/listening.ts"
import { ensure } from "../support/programs.ts"
import { once } from "../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "20480-20509", AUTOMATELINUX_SPECIAL_RANGE: "20510-20519" }

const VERSION = "1.65.1"
const CACHE = resolve("node_modules/.cache/playwright", VERSION)

/** Installs Playwright once for all runs, without browsers: the browser is the system's. */
const installPlaywright = (): void => {
  ensure(["chromium"], ["chromium"])
  if (!existsSync(join(CACHE, "node_modules/@playwright/test"))) {
    mkdirSync(CACHE, { recursive: true })
    writeFileSync(join(CACHE, "package.json"), "{}")
    execFileSync("npm", ["install", "--silent", "--ignore-scripts", `@playwright/test@${VERSION}`], {
      cwd: CACHE,
      env: { ...process.env, PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1" }
    })
  }
  link("@playwright/test", join(CACHE, "node_modules"))
}

const SERVER = `
  require("node:http").createServer((_, reply) => {
    reply.setHeader("content-type", "text/html")
    reply.end("<title>" + require("node:path").basename(process.cwd()) + "</title>")
  }).listen(process.env.PORT)`

const CONFIG = (options: string) => `
  import { defineConfig } from "@playwright/test"
  import { ports } from "automatelinux-ports/playwright"
  const { baseURL, webServer } = ports(${options})
  export default defineConfig({
    testDir: ".",
    reporter: "line",
    use: { baseURL, launchOptions: { executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] } },
    webServer
  })`

const TEST = (name: string) => `
  import { expect, test } from "@playwright/test"
  test("has a title", async ({ page }) => {
    await page.goto("/")
    await expect(page).toHaveTitle(/^${name}-/)
  })`

const site = (options = '{ command: "node server.cjs" }'): string =>
  projectWith("shop", {
    "server.cjs": SERVER,
    "playwright.config.ts": CONFIG(options),
    "title.spec.ts": TEST("shop")
  })

const playwright = (box: Machine, root: string) =>
  runIn(
    box.with({ NO_COLOR: "1" }),
    root,
    process.execPath,
    join(CACHE, "node_modules/@playwright/test/cli.js"),
    "test"
  )

beforeAll(() => {
  projectWith("first")
  once("installation of Playwright", installPlaywright)
}, 600_000)

describe("a run of Playwright", () => {
  it("starts the server on the port of its directory, passes, and leaves nothing behind", async () => {
    const box = machine(RANGES)
    const run = await playwright(box, site())
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("1 passed")])
    expect(await box.ok("listPorts", "--app", "shop", "--json")).toContain("20481")
    expect(listenersOn(20_481)).toEqual([])
  })

  it("uses the server of its directory that runs already", async () => {
    const box = machine(RANGES)
    const root = site('{ command: "false" }')
    await box.ok("claim", "--dir", root)
    await serveIn(box, root, 20_481, "reply.setHeader('content-type', 'text/html'), '<title>shop-own</title>'")
    const run = await playwright(box, root)
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("1 passed")])
  })

  it("fails at once against another directory's server, and names it", async () => {
    const box = machine(RANGES)
    const root = site()
    await box.ok("claim", "--dir", root)
    // It would pass.
    const other = projectWith("shop")
    const pid = await serveIn(
      box,
      other,
      20_481,
      "reply.setHeader('content-type', 'text/html'), '<title>shop-other</title>'"
    )
    const run = await playwright(box, root)
    expect(run.code).toBe(1)
    expect(run.stdout + run.stderr).toContain(`is served by node, pid ${pid}, in ${other}, not from ${root}`)
    expect(run.stdout).not.toContain("passed")
  })

  it("starts a line of shell, too", async () => {
    const box = machine(RANGES)
    const run = await playwright(box, site(`{ command: "cd . && FOO='it is' node server.cjs" }`))
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("1 passed")])
  })

  it("takes the fallback on a machine without a registry", async () => {
    const box = machine(RANGES)
    const run = await playwright(box, site('{ command: "node server.cjs", fallback: 20509 }'))
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("1 passed")])
    expect(existsSync(join(box.home, ".local/state/automatelinux"))).toBe(false)
  })
})

it("ports gives only the address if there is no command", async () => {
  const box = machine(RANGES)
  const code = "import('automatelinux-ports/playwright').then(({ ports }) => ports())"
  expect(await evaluate(box, projectWith("shop"), code)).toEqual({ baseURL: "http://localhost:20481" })
})

it("ports returns what the types of Playwright ask for", async () => {
  const compilerOptions = { module: "nodenext", strict: true, exactOptionalPropertyTypes: true, noEmit: true }
  const tsconfig = JSON.stringify({
    compilerOptions: { ...compilerOptions, skipLibCheck: true },
    include: ["playwright.*"]
  })
  const root = projectWith("typed", {
    "playwright.config.ts": CONFIG('{ command: "npm start" }'),
    "tsconfig.json": tsconfig
  })
  const run = await runIn(machine(), root, process.execPath, resolve("node_modules/typescript/bin/tsc"), "-p", ".")
  expect(run).toEqual({ code: 0, stdout: "", stderr: "" })
})
