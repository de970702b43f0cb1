// Builds the page of the dashboard: dist/dashboard has a document, a script and a style, which ask for no other file.
import { mkdirSync, readFileSync } from "node:fs"
import { build } from "esbuild"
import { filesIn } from "./bundle.mjs"

const SOURCE = "src/dashboard"
const TARGET = "dist/dashboard"

/** Bundles the script or the style of the page. Returns the text, and the files that it contains. */
export const bundlePage = async (entry) => {
  const { metafile, outputFiles } = await build({
    entryPoints: [`${SOURCE}/${entry}`],
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: ["chrome123", "firefox121", "safari17.5"],
    // The words that the page shares with the terminal also have commands, with sudo unless the reader is root.
    define: { "process.getuid": "undefined" },
    tsconfig: `${SOURCE}/tsconfig.json`,
    write: false,
    metafile: true,
    logLevel: "warning"
  })
  return { text: outputFiles[0].text, files: filesIn(metafile) }
}

/** Builds the page. Returns the files that it contains. */
export const buildDashboard = async (replaceFile) => {
  const [script, style] = await Promise.all([bundlePage("main.tsx"), bundlePage("app.css")])
  mkdirSync(TARGET, { recursive: true })
  replaceFile(`${TARGET}/app.js`, script.text)
  replaceFile(`${TARGET}/app.css`, style.text)
  replaceFile(`${TARGET}/index.html`, readFileSync(`${SOURCE}/index.html`, "utf8"))
  return [...script.files, ...style.files]
}
