// Makes the pictures of the dashboard in the documents: docs/pictures/*.png, or in the directory that is named. Needs
// Linux, Chromium, and the first ports of the ranges.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { chromium } from "playwright-core"
import { d, end, HOME, onStage, SHOWN_HOME, serve, startDaemon, until } from "./stage.mjs"

const OUTPUT = process.argv[2] ?? "docs/pictures"
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium"

const APPS = {
  cad: "CAD viewer",
  shop: "Web shop",
  transit: "Public transport",
  docs: "Documentation site",
  blog: "Blog",
  gateway: "API gateway",
  accounts: "Sign-in"
}

const SPECIALS = { "loom-stream": "Video of the loom", redis: "Cache", "mcp-bridge": "Bridge for agents" }

const portOf = (key) => Number(d("getPort", "--key", key))

/** Fills the registry, and starts what listens. */
const furnish = async () => {
  for (const [app, description] of Object.entries(APPS)) {
    mkdirSync(join(HOME, app))
    d("allocate", "--app", app, "--description", description, "--dir", join(HOME, app))
  }
  for (const [special, description] of Object.entries(SPECIALS))
    d("allocate", "--special", special, "--description", description)
  d("release", "--app", "blog")
  const first = portOf("cad-prod")
  d("reserve", "--port", `${first + 18}-${first + 19}`, "--reason", "the old intranet")
  await serve("next-server", "cad", portOf("cad-prod"))
  await serve("vite", "cad", portOf("cad-dev"))
  await serve("vite", "docs", portOf("docs-dev"))
  await serve("node", "gateway", portOf("gateway-prod"))
  await serve("redis-server", "redis", portOf("redis"))
  await serve("node", "notes", first + 16)
  // Started in the wrong directory.
  await serve("vite", "blog", portOf("shop-dev"))
  const stream = await serve("node", "loom", portOf("loom-stream"))
  startDaemon()
  await until(/loom-stream is up|up since/, "explain", "--key", "loom-stream")
  await end(stream)
  await until(/ down since /, "explain", "--key", "loom-stream")
}

/** Shows the home and the user that the other pictures have. */
const disguise = (page) =>
  page.evaluate(
    ([home, shown]) => {
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      while (texts.nextNode()) {
        const { currentNode: text } = texts
        text.data = text.data.replaceAll(home, shown).replaceAll(/\broot\b/g, "me")
      }
    },
    [HOME, SHOWN_HOME]
  )

const take = async (page, name) => {
  await disguise(page)
  await page.screenshot({ path: join(OUTPUT, `${name}.png`) })
}

mkdirSync(OUTPUT, { recursive: true })
await onStage(async () => {
  await furnish()
  const { url } = JSON.parse(d("dashboard", "--json"))
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
  try {
    for (const colorScheme of ["light", "dark"]) {
      const viewport = { width: 1280, height: 720 }
      const page = await browser.newPage({ viewport, colorScheme, reducedMotion: "reduce" })
      await page.goto(url)
      await page.locator("[data-state=taken]").waitFor()
      await page.locator("[data-state=foreign]").first().waitFor()
      await take(page, `dashboard-${colorScheme}`)
      await page.locator("[data-state=taken]").click()
      await page.getByRole("dialog").locator("dl").waitFor()
      await take(page, `port-${colorScheme}`)
      await page.close()
    }
  } finally {
    await browser.close()
  }
})
