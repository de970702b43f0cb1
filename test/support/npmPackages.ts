import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"

/**
 * Returns a directory with these packages of the npm registry, of these versions, as their users install them. They are
 * installed once in a checkout.
 */
export const installed = (packages: Readonly<Record<string, string>>): string => {
  const name = Object.entries(packages).flat().join("-").replaceAll("/", "+")
  const cache = resolve("node_modules/.cache/tools", name)
  if (existsSync(cache)) return cache
  console.log(`installing ${Object.keys(packages).join(", ")} for the tests`)
  mkdirSync(dirname(cache), { recursive: true })
  const made = mkdtempSync(`${cache}-`)
  try {
    writeFileSync(`${made}/package.json`, JSON.stringify({ private: true, dependencies: packages }))
    const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    execFileSync("npm", words, { cwd: made, stdio: ["ignore", "inherit", "inherit"], timeout: 300_000 })
    renameSync(made, cache)
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
  return cache
}
