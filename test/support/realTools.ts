import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { installed } from "./npmPackages.ts"
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

/** Nothing of it is sent anywhere. */
export const QUIET = {
  ASTRO_TELEMETRY_DISABLED: "1",
  NEXT_TELEMETRY_DISABLED: "1",
  npm_config_update_notifier: "false"
}

/** Below it, each directory has the tools: outside of any `node_modules`, whose files are no sources to a bundler. */
const INSTALLED = join(ROOT, "tools")

once("installation of real tools", () => {
  const cache = installed(PACKAGES)
  try {
    execFileSync("cp", ["-al", cache, INSTALLED], { stdio: "ignore" })
  } catch {
    // Another file system.
    rmSync(INSTALLED, { recursive: true, force: true })
    execFileSync("cp", ["-a", cache, INSTALLED])
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
