// Checks the package as npm packs it: that its fields, and the types of each of its entries, are right for every kind of
// import and for every resolution of modules but that of TypeScript before 4.7.
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const run = (program, ...words) => execFileSync(program, words, { stdio: "inherit" })

const directory = mkdtempSync(join(tmpdir(), "ports-package-"))
try {
  run("npm", "run", "--silent", "build")
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", directory]
  const [{ filename }] = JSON.parse(execFileSync("npm", pack, { encoding: "utf8" }))
  const packed = join(directory, filename)
  run("node_modules/.bin/publint", "run", packed, "--strict")
  run("node_modules/.bin/attw", packed, "--profile", "node16", "--no-emoji", "--format", "ascii")
} finally {
  rmSync(directory, { recursive: true })
}
