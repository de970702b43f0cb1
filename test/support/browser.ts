import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { onTestFinished } from "vitest"
import type { Machine } from "./cli.ts"
import { endWithFile } from "./ends.ts"
import { ensure } from "./programs.ts"
import { once } from "./root.ts"

/** The system's Chromium, which Debian's package installs. */
const CHROMIUM = "/usr/bin/chromium"

let browser: Promise<Browser> | undefined

const launched = (): Promise<Browser> => {
  if (browser === undefined) {
    once("installation of Chromium", () => ensure(["chromium"], ["chromium"]))
    const started = chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
    endWithFile(async () => {
      browser = undefined
      await (await started).close()
    })
    browser = started
  }
  return browser
}

export interface Visit {
  readonly page: Page
  /** What the page complained of so far: on its console, and exceptions. */
  readonly complaints: ReadonlyArray<string>
  /** The origins that it has asked for anything. */
  readonly origins: ReadonlySet<string>
}

/** Opens `address` in a browser with nothing kept. It is closed with the test. */
export const visit = async (address: string, options: BrowserContextOptions = {}): Promise<Visit> => {
  const context = await (await launched()).newContext({ viewport: { width: 1440, height: 900 }, ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const complaints: Array<string> = []
  const origins = new Set<string>()
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text())
  })
  page.on("pageerror", (error) => void complaints.push(String(error)))
  page.on("request", (request) => void origins.add(new URL(request.url()).origin))
  await page.goto(address)
  await page.getByText("Live", { exact: true }).waitFor()
  return { page, complaints, origins }
}

/** The address of the page of `box` with a token, by which it may change something. */
export const addressWithToken = async (box: Machine): Promise<string> =>
  JSON.parse(await box.ok("dashboard", "--json")).url
