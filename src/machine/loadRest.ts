import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

const REQUIRED = /\brequire\(\s*["']([^"']+)["']\s*\)/g

/**
 * Loads the modules that the loaded part of the package `name` would load later. A long-lived process may outlive its
 * files: `npm ci` removes them, and may install another version in their place. mysql2 loads its authentication code at
 * the first login, and treats a missing file as a broken connection. Throws if a file is already missing.
 */
export const loadRest = (name: string): void => {
  const { cache } = createRequire(process.execPath)
  const isOfPackage = ({ filename }: NodeModule) => filename.includes(`/node_modules/${name}/`)
  const modules = new Set(Object.values(cache).filter((each) => each !== undefined && isOfPackage(each)))
  // The set grows while it is iterated.
  for (const module of modules) {
    if (module === undefined || !/\.c?js$/.test(module.filename)) continue
    const require = createRequire(module.filename)
    for (const [, wanted = ""] of readFileSync(module.filename, "utf8").matchAll(REQUIRED)) {
      try {
        const file = require.resolve(wanted)
        require(wanted)
        modules.add(cache[file])
      } catch (error) {
        // A dependency on another package may be optional.
        if (wanted.startsWith(".")) throw error
      }
    }
  }
}
