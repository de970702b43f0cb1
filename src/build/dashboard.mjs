// Builds the page of the dashboard: dist/dashboard has one document, one script and one style, and asks for nothing else.
import { mkdirSync, readFileSync } from "node:fs"
import { build } from "esbuild"

const SOURCE = "src/dashboard"
const TARGET = "dist/dashboard"

const bundleFor = async (entry) => {
  const { outputFiles } = await build({
    entryPoints: [`${SOURCE}/${entry}`],
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: ["chrome120", "firefox121", "safari17"],
    // The words that the page shares with the terminal also have commands, with sudo unless the reader is root.
    define: { "process.getuid": "undefined" },
    tsconfig: `${SOURCE}/tsconfig.json`,
    write: false,
    logLevel: "warning"
  })
  return outputFiles[0].text
}

/** Builds the page. */
export const buildDashboard = async (replaceFile) => {
  const [script, style] = await Promise.all([bundleFor("main.tsx"), bundleFor("app.css")])
  mkdirSync(TARGET, { recursive: true })
  replaceFile(`${TARGET}/app.js`, script)
  replaceFile(`${TARGET}/app.css`, style)
  replaceFile(`${TARGET}/index.html`, readFileSync(`${SOURCE}/index.html`, "utf8"))
}
