import { beforeAll, expect, it } from "vitest"
import { visit } from "../support/browser.ts"
import { type Machine, startDaemon } from "../support/cli.ts"
import { ask, serves } from "../support/http.ts"
import { inProcess } from "../support/inProcess.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "46200-47199", AUTOMATELINUX_SPECIAL_RANGE: "47200-47299" }
const PORT = 47_200
const APPS = 480
const SPECIALS = 40

let box: Machine
beforeAll(async () => {
  box = inProcess({ ...RANGES, AUTOMATELINUX_HTTP: "on", AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  await startDaemon(box, true)
  await serves(box, PORT)
  const many = (option: string, count: number) => Array.from({ length: count }, (_, at) => [option, `k${at}`]).flat()
  await box.ok("allocate", ...many("--app", APPS), ...many("--special", SPECIALS))
}, 60_000)

it("1,000 keys and 500 changes stay smooth, and only what has changed is drawn again", {
  timeout: 400_000
}, async () => {
  const { complaints, page } = await visit(`http://localhost:${PORT}/`)
  await page.getByText("k479-dev", { exact: true }).waitFor()
  expect(await page.locator("[data-port]").count()).toBeGreaterThan(1000)
  await page.locator("#doctor ~ *").first().waitFor({ state: "attached" })
  await page
    .getByText(/problems?$|All is well/)
    .first()
    .waitFor()

  await page.evaluate(() => {
    const seen = { tasks: [] as Array<number>, cells: 0 }
    Object.assign(window, { seen })
    new PerformanceObserver((list) => {
      seen.tasks.push(...list.getEntries().map(({ duration }) => duration))
    }).observe({ type: "longtask" })
    new MutationObserver((records) => {
      seen.cells += new Set(records.map(({ target }) => target.parentElement?.closest("[data-port]") ?? target)).size
    }).observe(document.querySelector(".map") as Element, { subtree: true, childList: true, characterData: true })
  })
  const token = new URLSearchParams(new URL(JSON.parse(await box.ok("dashboard", "--json")).url).hash.slice(1)).get(
    "token"
  )
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` }
  for (let at = 0; at < 500; at += 1) {
    const [key, to] = at % 2 === 0 ? ["k0", "new"] : ["new", "k0"]
    const body = JSON.stringify({ key, to })
    const { status, text } = await ask(PORT, "/api/rename", { method: "POST", headers, body })
    expect(status, text).toBe(200)
  }
  const seen = await page.evaluate(() => (window as unknown as { seen: { tasks: Array<number>; cells: number } }).seen)
  console.log(`500 changes: ${seen.cells} cells drawn, tasks over 50 ms: ${JSON.stringify(seen.tasks)}`)
  // One special changes its name each time.
  expect(seen.cells).toBeGreaterThan(0)
  expect(seen.cells).toBeLessThan(2000)
  expect(complaints).toEqual([])
})
