import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

const REQUIRED = /\brequire\(\s*["']([^"']+)["']\s*\)/g

/**
 * Loads what the package `name`, and what it has loaded, would load later. A process that lives long may outlive its files:
 * `npm ci` takes them away, and another version's may be put in their place. mysql2 loads what it needs to log in when it
 * first does, and takes a file that it does not find for a connection that broke. Throws if a file is gone by now.
 */
export const loadRest = (name: string): void => {
  const { cache } = createRequire(process.execPath)
  const isOfPackage = ({ filename }: NodeModule) => filename.includes(`/node_modules/${name}/`)
  const modules = new Set(Object.values(cache).filter((each) => each !== undefined && isOfPackage(each)))
  // Grows while it is gone through.
  for (const module of modules) {
    if (module === undefined || !/\.c?js$/.test(module.filename)) continue
    const require = createRequire(module.filename)
    for (const [, wanted = ""] of readFileSync(module.filename, "utf8").matchAll(REQUIRED)) {
      try {
        const file = require.resolve(wanted)
        require(wanted)
        modules.add(cache[file])
      } catch (error) {
        // Another package may be optional.
        if (wanted.startsWith(".")) throw error
      }
    }
  }
}
