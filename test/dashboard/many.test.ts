import type { Page } from "playwright-core"
import { beforeAll, expect, it } from "vitest"
import { visit } from "../support/browser.ts"
import { type Machine, startDaemon } from "../support/cli.ts"
import { ask, serves } from "../support/http.ts"
import { inProcess } from "../support/inProcess.ts"

/** With room for what is in use: no range as large is free below the ports that the system hands out. */
const RANGES = { AUTOMATELINUX_APP_RANGE: "46100-47499", AUTOMATELINUX_SPECIAL_RANGE: "47500-47599" }
const APPS = 480
const SPECIALS = 40

let box: Machine
/** Where the page is: the system may have handed out the first ports to somebody. */
let port: number
beforeAll(async () => {
  box = inProcess({ ...RANGES, AUTOMATELINUX_HTTP: "on", AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  await startDaemon(box, true)
  port = await serves(box)
  const many = (option: string, count: number) => Array.from({ length: count }, (_, at) => [option, `k${at}`]).flat()
  await box.ok("allocate", ...many("--app", APPS), ...many("--special", SPECIALS))
}, 180_000)

/**
 * Starts a trace of the page's process. The function that it returns ends it, and returns the CPU time of each task in
 * milliseconds: unlike the time from its start to its end, it does not depend on what else the machine does.
 */
const traceTasks = async (page: Page): Promise<() => Promise<ReadonlyArray<number>>> => {
  const session = await page.context().newCDPSession(page)
  const times: Array<number> = []
  session.on("Tracing.dataCollected", ({ value }) => {
    for (const { name = "", tdur } of value)
      if (name.endsWith("RunTask") && tdur !== undefined) times.push(Number(tdur) / 1000)
  })
  const ended = new Promise((done) => session.once("Tracing.tracingComplete", done))
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["toplevel"] }
  })
  return async () => {
    await session.send("Tracing.end")
    await ended
    return times
  }
}

it("1,000 keys and 500 changes stay smooth, and only what has changed is drawn again", {
  timeout: 400_000
}, async () => {
  const { complaints, page } = await visit(`http://localhost:${port}/`)
  await page.getByText("k479-dev", { exact: true }).waitFor()
  expect(await page.locator("[data-port]").count()).toBeGreaterThan(1000)
  await page.locator("#doctor ~ *").first().waitFor({ state: "attached" })
  await page
    .getByText(/problems?$|All is well/)
    .first()
    .waitFor()

  await page.evaluate(() => {
    const seen = { cells: 0 }
    Object.assign(window, { seen })
    new MutationObserver((records) => {
      seen.cells += new Set(records.map(({ target }) => target.parentElement?.closest("[data-port]") ?? target)).size
    }).observe(document.querySelector(".map") as Element, { subtree: true, childList: true, characterData: true })
  })
  const token = new URLSearchParams(new URL(JSON.parse(await box.ok("dashboard", "--json")).url).hash.slice(1)).get(
    "token"
  )
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` }
  const endTrace = await traceTasks(page)
  for (let at = 0; at < 500; at += 1) {
    const [key, to] = at % 2 === 0 ? ["k0", "new"] : ["new", "k0"]
    const body = JSON.stringify({ key, to })
    const { status, text } = await ask(port, "/api/rename", { method: "POST", headers, body })
    expect(status, text).toBe(200)
  }
  const tasks = await endTrace()
  const seen = await page.evaluate(() => (window as unknown as { seen: { cells: number } }).seen)
  console.log(
    `500 changes: ${seen.cells} cells drawn, longest task: ${Math.max(...tasks)} ms of CPU, of ${tasks.length}`
  )
  // One special changes its name each time.
  expect(seen.cells).toBeGreaterThan(0)
  expect(seen.cells).toBeLessThan(2000)
  expect(complaints).toEqual([])
})
