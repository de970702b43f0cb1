import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { AxeBuilder } from "@axe-core/playwright"
import type { Page } from "playwright-core"
import { beforeAll, describe, expect, it } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import { addressWithToken, visit } from "../support/browser.ts"
import { type Daemon, type Machine, startDaemon } from "../support/cli.ts"
import { serve, until } from "../support/doctor.ts"
import { serves } from "../support/http.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"

const FIRST = 22_500
const RANGES = { AUTOMATELINUX_APP_RANGE: "22500-22599", AUTOMATELINUX_SPECIAL_RANGE: "22800-22899" }
const PORT = 22_800
const PAGE = `http://localhost:${PORT}/`

const MARKUP = `<img src=x onerror="document.title='run'"><b>bold</b>`

const FILE = join(temporary(), "ports.sqlite")

let box: Machine
let daemon: Daemon
beforeAll(async () => {
  box = inProcess({
    ...RANGES,
    AUTOMATELINUX_DATABASE_URL: `sqlite:${FILE}`,
    AUTOMATELINUX_HTTP: "on",
    AUTOMATELINUX_PROBE_INTERVAL: "1 hour"
  })
  daemon = await startDaemon(box, true)
  await serves(box, PORT)
  await box.ok("allocate", "--app", "cad", "--description", MARKUP)
  await box.ok("allocate", "--app", "shop")
  await box.ok("reserve", String(FIRST + 50), "--reason", MARKUP)
  await box.ok("setPort", "--key", "elsewhere", "--value", "22899")
}, 60_000)

const listed = async (): Promise<Results["listPorts"]> => JSON.parse(await box.ok("listPorts", "--json"))

/** The keys on the map, with port and state. */
const onMap = (page: Page): Promise<ReadonlyArray<string>> =>
  page.locator("[data-state=up], [data-state=down], [data-state=stale], [data-state=unknown]").evaluateAll((cells) =>
    cells.map((cell) => {
      const { port, state } = (cell as HTMLElement).dataset
      return `${port} ${cell.querySelector(".who")?.textContent} ${state}`
    })
  )

const cell = (page: Page, port: number) => page.locator(`#port-${port}`)

/** Waits until a key has `port`, which may not have been probed yet. */
const isAssigned = (page: Page, port: number) =>
  page.locator(`#port-${port}:is([data-state=down], [data-state=unknown])`).waitFor({ timeout: 2000 })

/** Waits until the cell of `port` has this state. */
const shows = (page: Page, port: number, state: string, timeout = 2000) =>
  page.locator(`#port-${port}[data-state=${state}]`).waitFor({ timeout })

describe("the map", () => {
  it("shows what d listPorts --json says, and complains of nothing", async () => {
    const { complaints, page } = await visit(PAGE)
    await shows(page, FIRST, "down")
    const expected = (await listed()).map(({ health, key, port }) => `${port} ${key} ${health.state}`)
    expect([...(await onMap(page))].sort()).toEqual([...expected].sort())
    await shows(page, FIRST + 50, "reserved")
    await shows(page, FIRST + 12, "free")
    expect(complaints).toEqual([])
  })

  it("shows a server that is started and killed outside within two seconds", async () => {
    const { page } = await visit(PAGE)
    await shows(page, FIRST + 1, "down")
    const server = await serve(FIRST + 1)
    await shows(page, FIRST + 1, "up")
    await server.stop()
    await shows(page, FIRST + 1, "down")
  })

  it("shows what listens without a key as foreign, and who it is", async () => {
    const { page } = await visit(PAGE)
    await page.getByRole("button", { name: "Show all free" }).first().click()
    await shows(page, FIRST + 30, "free")
    const server = await serve(FIRST + 30)
    await shows(page, FIRST + 30, "foreign", 3000)
    expect(await cell(page, FIRST + 30).textContent()).toMatch(/^22530 node\S*, in use, not registered$/)
    await server.stop()
    await shows(page, FIRST + 30, "free", 3000)
  })

  it("shows what another program writes to the registry", async () => {
    const { page } = await visit(PAGE)
    await box.ok("allocate", "--special", "outside")
    await page.getByText("outside", { exact: true }).waitFor({ timeout: 2000 })
    await box.ok("release", "--special", "outside")
    await page.getByText("outside", { exact: true }).waitFor({ state: "detached", timeout: 2000 })
  })
})

describe("text of others", () => {
  it("is shown as text, in the map, the list, a port's page, the doctor and the history", async () => {
    const server = await serve(FIRST + 40, { directory: join(temporary()) })
    const { complaints, origins, page } = await visit(PAGE)
    expect(await cell(page, FIRST + 50).textContent()).toContain(MARKUP)
    await page.getByRole("button", { name: "List" }).click()
    expect(await page.getByText(MARKUP).count()).toBeGreaterThan(1)
    await page.getByRole("button", { name: "cad-dev" }).click()
    await page.getByRole("dialog").getByText(MARKUP).first().waitFor()
    await page.keyboard.press("Escape")
    expect(await page.locator("img, #page b").count()).toBe(0)
    expect(await page.title()).toBe("Ports")
    expect(complaints).toEqual([])
    expect([...origins]).toEqual([`http://localhost:${PORT}`])
    await server.stop()
  })
})

describe("a page without a token", () => {
  it("only reads, and says how to get one", async () => {
    const { page } = await visit(PAGE)
    await page.getByText("This page is read-only.").waitFor()
    await page.getByText("d dashboard", { exact: true }).waitFor()
    for (const name of ["Allocate", /^Undo/, /^Fix/]) expect(await page.getByRole("button", { name }).count()).toBe(0)
  })
})

describe("a page with a token", () => {
  it("keeps the token from the address, and also after it is loaded again", async () => {
    const { page } = await visit(await addressWithToken(box))
    expect(page.url()).toBe(PAGE)
    await page.reload()
    await page.getByRole("button", { name: "Allocate", exact: true }).waitFor()
  })

  it("allocates, releases after one question, and undoes, by clicks", async () => {
    const { complaints, page } = await visit(await addressWithToken(box))
    await page.getByRole("button", { name: "Allocate", exact: true }).click()
    const form = page.getByRole("dialog")
    await form.getByLabel("Name").fill("bad name")
    await form.getByRole("button", { name: "Allocate" }).click()
    await form.getByText("This name is not").waitFor()
    await form.getByLabel("Name").fill("mail")
    await form.getByLabel("Description").fill("Mail preview")
    await form.getByRole("button", { name: "Allocate" }).click()
    await page.getByText(/^Allocated mail-prod \d+, mail-dev \d+/).waitFor()
    const mail = (await listed()).filter(({ app }) => app === "mail")
    expect(mail.map(({ description }) => description)).toEqual(["Mail preview", "Mail preview"])
    const port = mail[0]?.port ?? 0
    await isAssigned(page, port)

    await cell(page, port).click()
    await page.getByRole("dialog").getByRole("button", { name: "Release mail" }).click()
    expect((await listed()).filter(({ app }) => app === "mail")).toHaveLength(2)
    await page.getByRole("dialog").getByRole("button", { name: "Release", exact: true }).click()
    await page.getByText(/^Released mail-/).waitFor()
    await shows(page, port, "free")
    expect((await listed()).filter(({ app }) => app === "mail")).toEqual([])

    await page
      .getByRole("button", { name: /^Undo \d+: release, mail-/ })
      .first()
      .click()
    await page.getByText(/^Undid \d+/).waitFor()
    await isAssigned(page, port)
    expect((await listed()).filter(({ app }) => app === "mail")).toHaveLength(2)
    expect(complaints).toEqual([])
  })

  it("undoes the operation of the row, and no other", async () => {
    const { page } = await visit(await addressWithToken(box))
    await box.ok("allocate", "--special", "older")
    await box.ok("allocate", "--special", "newer")
    await page.getByRole("button", { name: /^Undo \d+: allocate, older/ }).click()
    await page.getByText(/^Undid \d+/).waitFor()
    const keys = (await listed()).map(({ key }) => key)
    expect(keys).toContain("newer")
    expect(keys).not.toContain("older")
  })

  it("dims on the map what is not searched for", async () => {
    const { page } = await visit(PAGE)
    const [dev, other] = ["cad-dev", "ports-dashboard"]
    const ports = new Map((await listed()).map(({ key, port }) => [key, port]))
    const dimmed = (key: string) => page.locator(`#port-${ports.get(key)}.dim`).count()
    await page.keyboard.press("/")
    await page.keyboard.type("cad dev")
    await page.locator(`#port-${ports.get(other)}.dim`).waitFor()
    expect(await dimmed(dev)).toBe(0)
    await page.keyboard.press("Escape")
    await page.locator(".dim").first().waitFor({ state: "detached" })
  })

  it("allocates a special", async () => {
    const { page } = await visit(await addressWithToken(box))
    await page.getByRole("button", { name: "Allocate", exact: true }).click()
    await page.getByRole("radio", { name: "Special" }).click()
    await page.getByLabel("Name").fill("stream")
    await page.keyboard.press("Enter")
    await page.getByText(/^Allocated stream \d+/).waitFor()
  })

  it("fixes by a button what a command of the registry can, and gives others to copy", async () => {
    const server = await serve(FIRST + 44)
    const taken = await serve(FIRST + 3, { directory: temporary() })
    await box.ok("setPort", "--key", "shop-dev", "--dir", temporary())
    const { page } = await visit(await addressWithToken(box))
    await page
      .getByRole("region", { name: "Doctor" })
      .getByRole("button", { name: /^Show \d+ more$/ })
      .click()
    await page.getByText(`kill ${taken.pid}`, { exact: true }).first().waitFor({ timeout: 10_000 })
    expect(await page.getByRole("button", { name: new RegExp(`^Fix: ${FIRST + 3}`) }).count()).toBe(0)
    await shows(page, FIRST + 3, "taken")
    await page.getByRole("button", { name: new RegExp(`^Fix: ${FIRST + 44}`) }).click()
    await shows(page, FIRST + 44, "reserved")
    const reserved: Results["listReserved"] = JSON.parse(await box.ok("listReserved", "--json"))
    expect(reserved.find(({ port }) => port === FIRST + 44)?.reason).toMatch(/^node\S* in \//)
    await server.stop()
    await taken.stop()
  })

  it("says that it may no longer write once its token is refused", async () => {
    const { page } = await visit(`${PAGE}#token=wrong`)
    await page.getByRole("button", { name: "Allocate", exact: true }).click()
    await page.getByLabel("Name").fill("other")
    await page.keyboard.press("Enter")
    await page.getByText("The daemon no longer accepts this page's token.").waitFor()
    await page.keyboard.press("Escape")
    await page.getByRole("dialog").waitFor({ state: "detached" })
    // The new address, in the same tab.
    await page.goto(await addressWithToken(box))
    await page.getByRole("button", { name: "Allocate", exact: true }).waitFor()
    expect(page.url()).toBe(PAGE)
    expect(await page.getByText("The daemon no longer accepts").count()).toBe(0)
  })

  it("leaves the focus where it is while a port's page is drawn again", async () => {
    const { page } = await visit(await addressWithToken(box))
    await cell(page, FIRST + 2).click()
    const dialog = page.getByRole("dialog")
    const focused = () => page.evaluate(() => document.activeElement?.textContent)
    await dialog.getByRole("button", { name: "Release shop" }).click()
    await expect.poll(focused).toBe("Release")
    await page.keyboard.press("Tab")
    expect(await focused()).toBe("Cancel")
    await box.ok("describe", "--app", "shop", "--description", "drawn again")
    await page
      .locator("#history ~ *, #page")
      .getByText(/: drawn again$/)
      .first()
      .waitFor({ state: "attached" })
    expect(await focused()).toBe("Cancel")
  })

  it("asks for the history after a command, and not after a server came or went", async () => {
    const { page } = await visit(PAGE)
    const asked: Array<string> = []
    page.on("request", (request) => asked.push(new URL(request.url()).pathname))
    const isAsked = (path: string) =>
      until(
        async () => asked,
        (paths) => paths.includes(path)
      )
    await shows(page, FIRST + 1, "down")
    await box.ok("describe", "--app", "shop", "--description", "a command")
    await isAsked("/api/history")
    await isAsked("/api/doctor")
    asked.length = 0
    const server = await serve(FIRST + 1)
    await shows(page, FIRST + 1, "up")
    await isAsked("/api/doctor")
    await server.stop()
    await shows(page, FIRST + 1, "down")
    expect(asked).not.toContain("/api/history")
  })
})

describe("a port's page", () => {
  it("shows what d explain says, by a click", async () => {
    const { page } = await visit(PAGE)
    await cell(page, FIRST).click()
    const explanation: Results["explain"] = JSON.parse(await box.ok("explain", "--port", String(FIRST), "--json"))
    const dialog = page.getByRole("dialog", { name: `Port ${FIRST}` })
    await dialog.getByText(explanation.place).waitFor()
    for (const { key } of explanation.keys) await dialog.getByText(key, { exact: true }).first().waitFor()
    for (const { what } of explanation.history) await dialog.getByText(what, { exact: true }).first().waitFor()
    await page.goBack()
    await dialog.waitFor({ state: "detached" })
  })

  it("says it in the words of d explain, with what is ignored", async () => {
    const server = await serve(FIRST + 3)
    await box.ok("setPort", "--key", "shop-dev", "--dir", server.directory)
    await box.ok("doctor", "--ignore", "port-squatted", "--port", String(FIRST + 46), "--reason", "a test")
    const other = await serve(FIRST + 46)
    const { page } = await visit(PAGE)
    await cell(page, FIRST + 3).click()
    const dialog = page.getByRole("dialog")
    await dialog.getByText("seen there now").waitFor()
    await dialog.getByText(new RegExp(`^127\\.0\\.0\\.1, node\\S*, pid ${server.pid}, of `)).waitFor()
    await server.stop()
    await page.keyboard.press("Escape")
    await page.goto(`${PAGE}#${FIRST + 46}`)
    await dialog.getByText(/^port-squatted: .*; a test$/).waitFor()
    await other.stop()
    await page.goto(`${PAGE}#${FIRST + 12}`)
    await dialog.getByText("Listening", { exact: true }).waitFor()
    await dialog.getByText("nothing", { exact: true }).waitFor()
  })

  it("stays open if the browser tells only then that the one before was closed", async () => {
    const { page } = await visit(`${PAGE}#${FIRST}`)
    await page.getByRole("dialog", { name: `Port ${FIRST}` }).waitFor()
    const before = await page.locator("dialog").elementHandle()
    await page.goto(`${PAGE}#${FIRST + 50}`)
    const dialog = page.getByRole("dialog", { name: `Port ${FIRST + 50}` })
    await dialog.waitFor()
    await before?.dispatchEvent("close")
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(await dialog.isVisible()).toBe(true)
    expect(page.url()).toBe(`${PAGE}#${FIRST + 50}`)
    await page.keyboard.press("Escape")
    await expect.poll(() => page.url()).toBe(PAGE)
  })

  it("shows why a port is free or reserved", async () => {
    const { page } = await visit(PAGE)
    await cell(page, FIRST + 50).click()
    await page.getByRole("dialog").getByText("unassigned and not available").waitFor()
    await page.getByRole("button", { name: "Close" }).click()
    await cell(page, FIRST + 12).click()
    await page
      .getByRole("dialog")
      .getByText(/^free: the next app gets/)
      .waitFor()
  })
})

describe("the list", () => {
  it("has every key, and can be searched, filtered and sorted", async () => {
    const { page } = await visit(PAGE)
    await page.getByRole("button", { name: "List" }).click()
    const keys = () => page.locator("tbody th button").allTextContents()
    const all = (await listed()).map(({ key }) => key)
    await until(
      async () => [...(await keys())].sort(),
      (found) => found.join() === [...all].sort().join()
    )
    await page.getByRole("columnheader", { name: "Key" }).getByRole("button").click()
    expect(await keys()).toEqual([...all].sort())
    expect(await page.getByRole("columnheader", { name: "Key" }).getAttribute("aria-sort")).toBe("ascending")
    await page.getByRole("columnheader", { name: "Key" }).getByRole("button").click()
    expect(await keys()).toEqual([...all].sort().reverse())
    await page.keyboard.press("/")
    await page.keyboard.type("cad dev")
    expect(await keys()).toEqual(["cad-dev"])
    await page.keyboard.press("Escape")
    await page.getByRole("group", { name: "Filter by state" }).getByRole("button", { name: /^Up/ }).click()
    await until(keys, (found) => found.join() === "ports-dashboard")
  })
})

describe("the keyboard", () => {
  it("alone finds, moves, explains, allocates, releases and undoes", async () => {
    const { page } = await visit(await addressWithToken(box))
    const { keyboard } = page
    const focused = () => page.evaluate(() => document.activeElement?.id ?? "")
    /** Presses Tab until what has the focus is named so. */
    const tabTo = async (name: RegExp) => {
      for (let presses = 0; presses < 80; presses += 1) {
        await keyboard.press("Tab")
        const found = await page.evaluate(() => {
          const { activeElement: at } = document
          return at?.getAttribute("aria-label") ?? at?.textContent ?? ""
        })
        if (name.test(found.trim())) return
      }
      throw new Error(`Tab does not lead to ${name}`)
    }
    await shows(page, FIRST, "down")
    await tabTo(/^22500 cad-prod/)
    expect(await focused()).toBe(`port-${FIRST}`)
    await keyboard.press("ArrowDown")
    expect(await focused()).toBe(`port-${FIRST + 1}`)
    await keyboard.press("ArrowRight")
    expect(await focused()).toBe(`port-${FIRST + 3}`)
    await keyboard.press("ArrowUp")
    expect(await focused()).toBe(`port-${FIRST + 2}`)
    await keyboard.press("Home")
    expect(await focused()).toBe(`port-${FIRST}`)
    await keyboard.press("Enter")
    await page.getByRole("dialog", { name: `Port ${FIRST}` }).waitFor()
    await keyboard.press("Escape")
    await page.getByRole("dialog").waitFor({ state: "detached" })
    await expect.poll(focused).toBe(`port-${FIRST}`)

    await tabTo(/^Allocate$/)
    await keyboard.press("Enter")
    await page.getByRole("dialog").waitFor()
    await keyboard.press("Tab")
    expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("name")
    await keyboard.type("typed")
    await keyboard.press("Enter")
    await page.getByText(/^Allocated typed-prod/).waitFor()
    await page.locator(".cell").getByText("typed-prod").waitFor()
    await keyboard.press("/")
    await keyboard.type("typed-prod")
    await keyboard.press("Enter")
    await page.getByRole("dialog").getByText("typed-prod", { exact: true }).first().waitFor()
    await tabTo(/^Release typed$/)
    await keyboard.press("Enter")
    await tabTo(/^Release$/)
    await keyboard.press("Enter")
    await page.getByText(/^Released typed-/).waitFor()
    // The history follows the change.
    await page.getByRole("button", { name: /^Undo \d+: release, typed-/ }).waitFor()
    await tabTo(/^Undo \d+: release, typed-/)
    await keyboard.press("Enter")
    await page.getByText(/^Undid/).waitFor()
    expect((await listed()).filter(({ app }) => app === "typed")).toHaveLength(2)
    await keyboard.press("/")
    await keyboard.press("Escape")
  })
})

describe("accessibility", () => {
  const looks = [
    { width: 1440, height: 900 },
    { width: 360, height: 740 }
  ].flatMap((viewport) => (["light", "dark"] as const).map((colorScheme) => ({ viewport, colorScheme })))

  it.each(looks)("has no violation at $viewport.width px, $colorScheme", async ({ colorScheme, viewport }) => {
    const { page } = await visit(await addressWithToken(box), { colorScheme, viewport, reducedMotion: "reduce" })
    await shows(page, FIRST, "down")
    await page.locator("#doctor ~ *").first().waitFor({ state: "attached" })
    await page
      .getByText(/problems?$|All is well/)
      .first()
      .waitFor()
    const problems = async () =>
      (await new AxeBuilder({ page }).analyze()).violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth)
    expect(await problems()).toEqual([])
    expect(await wide()).toBe(viewport.width)
    await page.keyboard.press("/")
    await page.keyboard.type("cad")
    expect(await problems()).toEqual([])
    await page.keyboard.press("Escape")
    await page.getByRole("button", { name: "List" }).click()
    expect(await problems()).toEqual([])
    expect(await wide()).toBe(viewport.width)
    await page.getByRole("button", { name: "Map" }).click()
    await cell(page, FIRST).click()
    await page.locator("dl").waitFor()
    expect(await problems()).toEqual([])
    await page
      .getByRole("button", { name: /^Release/ })
      .first()
      .click()
    expect(await problems()).toEqual([])
    await page.keyboard.press("Escape")
    await page.getByRole("button", { name: "Allocate", exact: true }).click()
    expect(await problems()).toEqual([])
  })

  it("has a theme to choose, which is kept", async () => {
    const { page } = await visit(PAGE, { colorScheme: "light" })
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await ground()
    await page.getByRole("button", { name: /^Auto theme/ }).click()
    expect(await ground()).toBe(light)
    await page.getByRole("button", { name: /^Light theme/ }).click()
    expect(await ground()).not.toBe(light)
    await page.reload()
    await page.getByRole("button", { name: /^Dark theme/ }).waitFor()
    expect(await ground()).not.toBe(light)
  })
})

it("weighs less than 60 kB, and is all that is served", () => {
  expect(readdirSync("dist/dashboard").sort()).toEqual(["app.css", "app.js", "index.html"])
  const size = ["app.js", "app.css"].reduce(
    (sum, name) => sum + gzipSync(readFileSync(join("dist/dashboard", name))).length,
    0
  )
  expect(size).toBeLessThan(60_000)
})

it("marks the list as old while the daemon is away, and is live again after it", async () => {
  const { page } = await visit(PAGE)
  await shows(page, FIRST, "down")
  await daemon.stop()
  await page.getByText("Reconnecting").waitFor()
  await page.getByText(/as of/).waitFor()
  await shows(page, FIRST, "down")
  daemon = await startDaemon(box, true)
  await page.getByText("Live", { exact: true }).waitFor({ timeout: 15_000 })
})

it("says at the light that the registry does not answer, and keeps the outcome of the last action", async () => {
  const { page } = await visit(await addressWithToken(box))
  await shows(page, FIRST, "down")
  await page.getByRole("button", { name: "Allocate", exact: true }).click()
  await page.getByLabel("Name").fill("kept")
  await page.keyboard.press("Enter")
  await page.getByText(/^Allocated kept-prod/).waitFor()
  const light = page.locator("header .link")
  renameSync(FILE, `${FILE}.away`)
  writeFileSync(FILE, "no database ".repeat(1000))
  await light.getByText(/database/).waitFor({ timeout: 10_000 })
  expect(await page.getByText(/^Allocated kept-prod/).count()).toBe(1)
  renameSync(`${FILE}.away`, FILE)
  await page.getByText("Live", { exact: true }).waitFor({ timeout: 15_000 })
  expect(await light.textContent()).toBe("Live")
  expect(await page.getByText(/^Allocated kept-prod/).count()).toBe(1)
})

it("is not connected while it is in the background, even at first", async () => {
  const { page } = await visit(PAGE)
  const other = await page.context().newPage()
  await other.addInitScript(() => {
    Object.defineProperty(document, "hidden", { get: () => !("isShown" in window) })
  })
  const asked: Array<string> = []
  other.on("request", (request) => asked.push(new URL(request.url()).pathname))
  await other.goto(PAGE)
  await other.getByText("Connecting").waitFor()
  expect(asked.filter((path) => path.startsWith("/api/"))).toEqual([])
  await other.evaluate(() => {
    Object.assign(window, { isShown: true })
    document.dispatchEvent(new Event("visibilitychange"))
  })
  await other.getByText("Live", { exact: true }).waitFor()
})
