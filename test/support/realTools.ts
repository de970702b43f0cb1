import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { once, ROOT } from "./root.ts"

/** Tools of the npm registry as their users install them, in versions that run on the oldest Node of `d`. */
const PACKAGES = {
  astro: "5.18.2",
  concurrently: "9.2.5",
  next: "16.4.6",
  pnpm: "12.21.0",
  react: "19.2.9",
  "react-dom": "19.2.9",
  vite: "8.3.8"
}

const CACHE = resolve("node_modules/.cache/tools", Object.entries(PACKAGES).flat().join("-"))

/** Nothing of it is sent anywhere. */
export const QUIET = { ASTRO_TELEMETRY_DISABLED: "1", NEXT_TELEMETRY_DISABLED: "1", NO_UPDATE_NOTIFIER: "1" }

/** Installs the tools into the cache of a checkout, which other runs have as well. */
const install = (): void => {
  if (existsSync(CACHE)) return
  console.log(`installing ${Object.keys(PACKAGES).join(", ")} for the tests`)
  mkdirSync(dirname(CACHE), { recursive: true })
  const made = mkdtempSync(`${CACHE}-`)
  try {
    writeFileSync(join(made, "package.json"), JSON.stringify({ private: true, dependencies: PACKAGES }))
    const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    execFileSync("npm", words, { cwd: made, stdio: ["ignore", "inherit", "inherit"], timeout: 300_000 })
    renameSync(made, CACHE)
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

/** Below it, each directory has the tools: outside of any `node_modules`, whose files are no sources to a bundler. */
const INSTALLED = join(ROOT, "tools")

once("installation of real tools", () => {
  install()
  try {
    execFileSync("cp", ["-al", CACHE, INSTALLED], { stdio: "ignore" })
  } catch {
    // Another file system.
    rmSync(INSTALLED, { recursive: true, force: true })
    execFileSync("cp", ["-a", CACHE, INSTALLED])
  }
})

/** A project with these files, for which the tools are installed. */
export const projectWith = (files: Readonly<Record<string, string | object>>): string => {
  const root = mkdtempSync(join(INSTALLED, "project-"))
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
  }
  return root
}
